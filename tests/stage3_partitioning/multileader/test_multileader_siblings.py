"""Graded suite of the lab ``multileader``, fourth part: both are kept until somebody saw both."""

from common.check.siblings import check_siblings
from common.contract import Invoke, Receive, Send, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash_and_restart, effects_of, must_hold
from common.sim.simulation import Simulation
from common.values.units import MS, SECOND
from tests.stage3_partitioning.multileader.lab import MultileaderLab
from tests.stage3_partitioning.multileader.room import (
    KEYS,
    SEVERAL,
    TOPOLOGIES,
    cut_off,
    leaders,
    shown,
    stormy,
    was_written,
    write,
)

LAB = "multileader"


def apart(lab: MultileaderLab) -> Simulation:
    """n1 and n3 have written a menu each without having heard of the other's; all have both."""
    simulation = leaders(lab, lab.Siblings, 0, cut_off("n1", 0, 200 * MS))
    ask_ok(simulation, "n1", lab.Put("menu", "fish"))
    ask_ok(simulation, "n3", lab.Put("menu", "rice"))
    simulation.run(SECOND)
    return simulation


@graded(points=2, title="Both are kept", requirement="Dynamo 4.4: conflicts are shown")
def test_two_values_that_did_not_know_of_each_other_are_both_shown_everywhere(
    lab: MultileaderLab,
) -> None:
    simulation = apart(lab)
    assert set(shown(lab, simulation, "menu").values()) == {("fish", "rice")}
    assert set(shown(lab, simulation, "price").values()) == {()}


@graded(points=2, title="Merged", requirement="who was shown both replaces both")
def test_a_write_of_somebody_who_was_shown_both_replaces_both_everywhere(
    lab: MultileaderLab,
) -> None:
    simulation = apart(lab)
    assert ask_ok(simulation, "n2", lab.Get("menu")) == ("fish", "rice")
    ask_ok(simulation, "n2", lab.Put("menu", "fish with rice"))
    assert ask_ok(simulation, "n2", lab.Get("menu")) == ("fish with rice",)
    simulation.run(simulation.now + SECOND)
    assert set(shown(lab, simulation, "menu").values()) == {("fish with rice",)}
    ask_ok(simulation, "n2", lab.Put("menu", "soup"))
    assert ask_ok(simulation, "n2", lab.Get("menu")) == ("soup",), "n2 was shown what it replaces"


@graded(points=2, title="Shown, not stored", requirement="seen is what the author was shown")
def test_what_came_in_between_looking_and_writing_is_not_replaced(lab: MultileaderLab) -> None:
    simulation = leaders(lab, lab.Siblings)
    ask_ok(simulation, "n1", lab.Put("menu", "soup"))
    assert ask_ok(simulation, "n1", lab.Get("menu")) == ("soup",)
    ask_ok(simulation, "n2", lab.Put("menu", "rice"))
    simulation.run(simulation.now + 50 * MS)
    ask_ok(simulation, "n1", lab.Put("menu", "fish"))
    simulation.run(simulation.now + SECOND)
    assert set(shown(lab, simulation, "menu").values()) == {("fish", "rice")}
    node = lab.Siblings("n1", ("n2",))
    node.step(Start(0, {}))
    node.step(Receive(1, "n2", lab.Shipment((write(lab, "n2", 1),))))
    (sent,) = effects_of(Send, node.step(Invoke(2, 1, lab.Put("menu", "soup"))))
    (made,) = sent.message.writes
    assert (made.after, made.seen) == ((("n2", 1),), ()), "after all that is here, seen or not"


@graded(points=1, title="Two at one leader", requirement="Preguiça 2010: a number of its own")
def test_two_people_who_were_shown_the_same_both_write_and_both_values_stay(
    lab: MultileaderLab,
) -> None:
    simulation = leaders(lab, lab.Siblings)
    ask_ok(simulation, "n1", lab.Put("menu", "soup"))
    ask_ok(simulation, "n1", lab.Get("menu"))
    for dish in ("fish", "rice"):
        ask_ok(simulation, "n1", lab.Put("menu", dish))
    simulation.run(SECOND)
    assert set(shown(lab, simulation, "menu").values()) == {("fish", "rice")}


@graded(points=1, title="Key by key", requirement="looking at one key says nothing of another")
def test_who_was_shown_one_key_has_not_seen_another(lab: MultileaderLab) -> None:
    simulation = leaders(lab, lab.Siblings)
    ask_ok(simulation, "n2", lab.Put("price", "10"))
    ask_ok(simulation, "n2", lab.Put("menu", "soup"))
    simulation.run(50 * MS)
    ask_ok(simulation, "n1", lab.Get("menu"))
    ask_ok(simulation, "n1", lab.Put("price", "12"))
    simulation.run(SECOND)
    assert set(shown(lab, simulation, "price").values()) == {("12", "10")}
    assert set(shown(lab, simulation, "menu").values()) == {("soup",)}


@graded(points=1, title="After a crash", requirement="what was shown is forgotten: one more stays")
def test_who_writes_after_a_crash_without_looking_replaces_nothing(lab: MultileaderLab) -> None:
    simulation = leaders(lab, lab.Siblings)
    ask_ok(simulation, "n1", lab.Put("menu", "soup"))
    ask_ok(simulation, "n1", lab.Get("menu"))
    crash_and_restart(simulation, "n1")
    ask_ok(simulation, "n1", lab.Put("menu", "fish"))
    simulation.run(SECOND)
    assert set(shown(lab, simulation, "menu").values()) == {("soup", "fish")}


@graded(points=2, title="A chain", requirement="who has seen a write has seen what it replaced")
def test_what_was_replaced_does_not_come_back_by_way_of_an_old_write(lab: MultileaderLab) -> None:
    simulation = apart(lab)
    ask_ok(simulation, "n2", lab.Get("menu"))
    ask_ok(simulation, "n2", lab.Put("menu", "second"))
    simulation.run(simulation.now + 50 * MS)
    ask_ok(simulation, "n4", lab.Get("menu"))
    ask_ok(simulation, "n4", lab.Put("menu", "third"))
    simulation.run(simulation.now + SECOND)
    assert set(shown(lab, simulation, "menu").values()) == {("third",)}
    crash_and_restart(simulation, "n1", "n2", "n3", "n4")
    simulation.run(simulation.now + SECOND)
    assert set(shown(lab, simulation, "menu").values()) == {("third",)}


@graded(points=3, title="Nothing goes unseen", requirement="only who was shown a value replaces it")
def test_no_value_goes_that_nobody_was_shown_and_replaced(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        for topology in TOPOLOGIES:
            simulation = stormy(lab, lab.Siblings, topology, seed)
            for key in KEYS:
                shown(lab, simulation, key)
            must_hold(check_siblings(simulation.history))


@graded(points=2, title="The same everywhere", requirement="the order of arrival changes nothing")
def test_all_leaders_show_the_same_values_once_it_is_calm(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        for topology in TOPOLOGIES:
            simulation = stormy(lab, lab.Siblings, topology, seed)
            for key in KEYS:
                values = shown(lab, simulation, key)
                assert values["n1"] or not was_written(simulation, key)
                assert len(set(values.values())) == 1, f"{topology}: {key} is {values}"
