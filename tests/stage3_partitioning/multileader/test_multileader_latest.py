"""Graded suite of the lab ``multileader``, third part: the last writer wins, and what is lost."""

from common.check.causal import check_causal
from common.contract.effects import Return
from common.contract.events import Invoke, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask_ok, crash, effects_of, must_be_ok, must_hold, restart
from common.values.faults import Clock
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage3_partitioning.multileader.lab import MultileaderLab
from tests.stage3_partitioning.multileader.room import (
    FOUR,
    KEYS,
    SEVERAL,
    TOPOLOGIES,
    cut_off,
    leaders,
    log_of,
    shown,
    stormy,
    was_written,
)

LAB = "multileader"
BEHIND = -60 * SECOND
WRONG_CLOCKS = (Clock(0, "n2", skew=40 * MS), Clock(0, "n4", skew=BEHIND, drift=-5_000))


@graded(points=3, title="The same everywhere", requirement="RFC 677: the later time wins")
def test_all_leaders_show_the_same_value_once_all_have_the_same_writes(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        for topology in TOPOLOGIES:
            simulation = stormy(lab, lab.LastWriterWins, topology, seed, WRONG_CLOCKS)
            for key in KEYS:
                values = shown(lab, simulation, key)
                assert values["n1"] is not None or not was_written(simulation, key)
                assert len(set(values.values())) == 1, f"{topology}: {key} is {values}"
            ask_ok(simulation, "n1", lab.Put(KEYS[0], "the last"))
            assert shown(lab, simulation, KEYS[0])["n1"] == "the last"


@graded(points=3, title="Causes first", requirement="a write wins over all that it follows")
def test_nobody_sees_a_value_without_its_causes_and_all_agree_on_the_order(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        for topology in TOPOLOGIES:
            simulation = stormy(lab, lab.LastWriterWins, topology, seed, WRONG_CLOCKS)
            for key in KEYS:
                shown(lab, simulation, key)
            must_hold(check_causal(simulation.history, convergent=True))
            ask_ok(simulation, "n1", lab.Put(KEYS[0], "the last"))
            assert shown(lab, simulation, KEYS[0])["n1"] == "the last"


@graded(points=2, title="A clock that is behind", requirement="later than every stamp seen")
def test_who_corrects_a_value_at_a_leader_whose_clock_is_behind_is_not_undone(
    lab: MultileaderLab,
) -> None:
    simulation = leaders(lab, lab.LastWriterWins, 0, [Clock(0, "n2", skew=BEHIND)])
    simulation.run(120 * SECOND)
    ask_ok(simulation, "n1", lab.Put("price", "10"))
    simulation.run(simulation.now + 50 * MS)
    ask_ok(simulation, "n2", lab.Put("price", "12"))
    assert ask_ok(simulation, "n2", lab.Get("price")) == "12", "at once, for its own people"
    simulation.run(simulation.now + 50 * MS)
    assert set(shown(lab, simulation, "price").values()) == {"12"}
    first, second = log_of(simulation, "n3")
    assert second.at == first.at + 1, "no later than it must be"


@graded(points=1, title="The clock counts", requirement="RFC 677: of two apart the later one")
def test_of_two_that_did_not_know_of_each_other_the_later_one_by_the_clock_wins(
    lab: MultileaderLab,
) -> None:
    for first, second in (("n1", "n2"), ("n2", "n1")):
        simulation = leaders(lab, lab.LastWriterWins, 0, cut_off(first, 0, 500 * MS))
        simulation.run(20 * MS)
        ask_ok(simulation, first, lab.Put("price", "earlier"))
        simulation.run(40 * MS)
        ask_ok(simulation, second, lab.Put("price", "later"))
        simulation.run(SECOND)
        assert set(shown(lab, simulation, "price").values()) == {"later"}
        stamps = {each.value: each.at for each in log_of(simulation, "n4")}
        assert stamps == {"earlier": 20 * MS, "later": 40 * MS}


@graded(points=1, title="The same instant", requirement="equal stamps: the leader's name decides")
def test_of_two_writes_with_the_same_stamp_all_leaders_choose_the_same(
    lab: MultileaderLab,
) -> None:
    for order in (("n1", "n3"), ("n3", "n1")):
        simulation = leaders(lab, lab.LastWriterWins)
        simulation.run(20 * MS)
        asked = [simulation.call(person, lab.Put("price", person)) for person in order]
        simulation.run(SECOND)
        must_be_ok(*asked)
        assert {each.at for each in log_of(simulation, "n2")} == {20 * MS}
        assert set(shown(lab, simulation, "price").values()) == {"n3"}
    node = lab.LastWriterWins("n1", ("n2",))
    node.step(Start(5, {}))
    for call, value in enumerate("abc", 1):
        node.step(Invoke(5, call, lab.Put("price", value)))
    (told,) = effects_of(Return, node.step(Invoke(5, 4, lab.Get("price"))))
    assert told.outcome == Ok("c"), "at one leader no two writes have the same stamp"


@graded(points=1, title="After a crash", requirement="a stamp is later than what is on disk")
def test_a_leader_that_comes_back_with_a_wrong_clock_still_writes_later_than_before(
    lab: MultileaderLab,
) -> None:
    simulation = leaders(lab, lab.LastWriterWins, 0, [Clock(2 * SECOND, "n1", skew=BEHIND)])
    simulation.run(SECOND)
    ask_ok(simulation, "n1", lab.Put("price", "10"))
    crash(simulation, "n1")
    simulation.run(3 * SECOND)
    restart(simulation, "n1")
    ask_ok(simulation, "n1", lab.Put("price", "12"))
    simulation.run(4 * SECOND)
    assert set(shown(lab, simulation, "price").values()) == {"12"}


@graded(points=3, title="What is lost", requirement="exactly the earlier one of two in conflict")
def test_lost_are_exactly_the_earlier_ones_of_writes_in_conflict_and_each_leader_says_so(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    some = 0
    for seed in sweep(SEVERAL):
        simulation = stormy(lab, lab.LastWriterWins, "all", seed, WRONG_CLOCKS)
        lost = set()
        log = log_of(simulation, "n1")
        for one in log:
            for other in log:
                knew = dict(other.seen).get(one.leader, 0) >= one.number
                known = dict(one.seen).get(other.leader, 0) >= other.number
                earlier = (one.at, one.leader) < (other.at, other.leader)
                if one.key == other.key and earlier and not knew and not known:
                    lost.add((one.leader, one.number))
        some += len(lost)
        for id in FOUR:
            node = lab.look_into("LastWriterWins")(id, tuple(each for each in FOUR if each != id))
            node.step(Start(0, simulation.on_disk(id)))
            assert node.lost == lost, f"{id} says {sorted(node.lost)}, lost are {sorted(lost)}"
            assert node.status()["lost"] == len(lost)
    assert some, "these runs lose nothing: they show nothing"


@graded(points=1, title="Nothing yet", requirement="a key that nobody has written has no value")
def test_a_key_that_nobody_has_written_has_no_value_and_keys_do_not_mix(
    lab: MultileaderLab,
) -> None:
    simulation = leaders(lab, lab.LastWriterWins)
    ask_ok(simulation, "n1", lab.Put("price", "10"))
    ask_ok(simulation, "n1", lab.Put("menu", "soup"))
    simulation.run(SECOND)
    for id in FOUR:
        told = [ask_ok(simulation, id, lab.Get(key)) for key in ("price", "menu", "table")]
        assert told == ["10", "soup", None]
