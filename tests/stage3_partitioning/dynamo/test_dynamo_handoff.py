"""Graded suite of the lab ``dynamo``, fourth part: somebody else keeps it, and brings it home."""

from functools import partial

from common.contract.effects import Forget, Save, Send, SetTimer
from common.contract.events import Fire, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, crash, effects_of, has_ended, linked, restart
from common.values.faults import Crash, Fault, Restart
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage3_partitioning.dynamo.lab import DynamoLab
from tests.stage3_partitioning.dynamo.room import (
    FIVE,
    KEYS,
    ROUGH,
    SEVERAL,
    STEADY,
    busy,
    cluster,
    finish,
    homes,
    must_not_be_gone,
    shown,
    values_at,
    version,
    with_key,
)

LAB = "dynamo"


@graded(points=3, title="Always writable", requirement="Dynamo 4.6: the first N that answer")
def test_a_write_is_taken_though_all_but_w_nodes_are_away_and_comes_home(lab: DynamoLab) -> None:
    for away in (homes(lab, "cart")[:2], homes(lab, "cart")[1:], homes(lab, "cart")):
        simulation = cluster(lab, lab.Helper)
        crash(simulation, *away)
        put = simulation.call("c1", lab.Put("cart", "book"))
        assert has_ended(simulation, put, 2 * SECOND), f"{away} are away"
        assert put.outcome == Ok()
        simulation.run(simulation.now + 300 * MS)
        restart(simulation, *away)
        simulation.run(simulation.now + SECOND)
        for home in homes(lab, "cart"):
            assert values_at(simulation, home, "cart") == ["book"], f"{home} of {away}"


@graded(points=2, title="Hints are done with", requirement="Dynamo 4.6: delivered, then deleted")
def test_who_stood_in_has_nothing_left_once_the_copies_are_at_home(lab: DynamoLab) -> None:
    for away in (homes(lab, "cart")[:1], homes(lab, "cart")[1:], homes(lab, "cart")):
        simulation = cluster(lab, lab.Helper)
        crash(simulation, *away)
        put = simulation.call("c1", lab.Put("cart", "book"))
        assert has_ended(simulation, put, 2 * SECOND)
        simulation.run(simulation.now + 300 * MS)
        assert with_key(simulation, "cart") - set(homes(lab, "cart")), "somebody stands in"
        restart(simulation, *away)
        simulation.run(simulation.now + 2 * SECOND)
        assert with_key(simulation, "cart") == set(homes(lab, "cart"))
        for node in FIVE:
            assert ("hint", "cart") not in simulation.on_disk(node), f"{node} has a hint left"


@graded(points=2, title="A hint is on disk", requirement="who stands in may crash, too")
def test_who_stands_in_and_crashes_brings_the_copy_home_all_the_same(lab: DynamoLab) -> None:
    first, second, third = homes(lab, "cart")
    others = [node for node in FIVE if node not in (first, second, third)]
    simulation = cluster(lab, lab.Helper)
    crash(simulation, second, third)
    ask_ok(simulation, "c1", lab.Put("cart", "book"))
    simulation.run(simulation.now + 100 * MS)
    crash(simulation, first, *others)
    simulation.run(simulation.now + 100 * MS)
    restart(simulation, *others, second, third)
    simulation.run(simulation.now + 2 * SECOND)
    assert values_at(simulation, second, "cart") == ["book"]
    assert values_at(simulation, third, "cart") == ["book"]


@graded(points=2, title="One for each", requirement="the first stand-in for the first missing home")
def test_each_missing_home_has_one_that_stands_in_for_it_in_the_order_of_the_walk(
    lab: DynamoLab,
) -> None:
    walk = lab.Ring(FIVE).walk("cart")
    for away in (walk[1:2], walk[2:3], walk[1:3]):
        wire = Wire()
        simulation = cluster(lab, lab.Helper, observers=[wire])
        crash(simulation, *away)
        wire.forget()
        simulation.call("c1", lab.Put("cart", "book"))
        simulation.run(simulation.now + 150 * MS)
        sent = [each for each in wire.sent_messages if isinstance(each.message, lab.Keep)]
        behind = [(each.to, each.message.home) for each in sent if each.to in walk[3:]]
        assert behind == list(zip(walk[3:], away, strict=False)), f"{away} are away"
        at_home = [each for each in sent if each.to in walk[:3]]
        assert [each.message.home for each in at_home] == [each.to for each in at_home]


@graded(points=1, title="Homes first", requirement="nobody stands in for a home that answers")
def test_while_all_homes_answer_nobody_stands_in(lab: DynamoLab) -> None:
    simulation = cluster(lab, lab.Helper)
    for number in range(5):
        ask_ok(simulation, "c1", lab.Put(f"key {number}", "x"))
    simulation.run(2 * SECOND)
    for number in range(5):
        assert with_key(simulation, f"key {number}") == set(homes(lab, f"key {number}"))
        assert all(("hint", f"key {number}") not in simulation.on_disk(node) for node in FIVE)


@graded(points=1, title="Strict", requirement="without sloppy quorums homes alone count")
def test_if_quorums_are_not_sloppy_nobody_stands_in_and_the_write_waits(lab: DynamoLab) -> None:
    first, second, third = homes(lab, "cart")
    simulation = cluster(lab, partial(lab.Helper, sloppy=False), client={"attempts": 3})
    crash(simulation, second, third)
    put = simulation.call("c1", lab.Put("cart", "book"))
    simulation.run(3 * SECOND)
    assert put.outcome != Ok()
    assert with_key(simulation, "cart") == {first}


@graded(points=2, title="Read elsewhere", requirement="a read asks those that stand in, too")
def test_a_read_finds_what_those_have_that_stand_in(lab: DynamoLab) -> None:
    away = homes(lab, "cart")
    simulation = cluster(lab, partial(lab.Helper, hand_over_every=60 * SECOND))
    crash(simulation, *away)
    ask_ok(simulation, "c1", lab.Put("cart", "book"))
    simulation.run(simulation.now + 300 * MS)
    assert shown(lab, simulation, "c2", "cart") == ("book",)
    assert with_key(simulation, "cart") == set(FIVE) - set(away)


@graded(points=1, title="Asked is not answered", requirement="R counts words, and no silence")
def test_who_is_asked_in_the_place_of_a_home_counts_once_it_has_answered(lab: DynamoLab) -> None:
    one, other, third, here, last = lab.Ring(FIVE).walk("cart")
    mine, theirs = version(lab, "y", 1), version(lab, "z", 1)
    for answered in ((), (one,)):
        node = lab.Helper(here, tuple(each for each in FIVE if each != here))
        for event in (Start(0, {}), Receive(1, other, lab.Keep(0, "cart", (mine,), third))):
            node.step(event)
        begun = node.step(Receive(2, "c1", lab.GetRequest(7, "cart")))
        (due,), round = effects_of(SetTimer, begun), effects_of(Send, begun)[0].message.round
        for home in answered:
            assert node.step(Receive(3, home, lab.Found(round, ()))) == []
        sent = [
            (each.to, each.message)
            for each in effects_of(Send, node.step(Fire(4, due.id, due.timer)))
        ]
        told = [] if not answered else [("c1", lab.Got(7, ("y.1",), (("y", 1),)))]
        assert sent == [(last, lab.Ask(round, "cart")), *told], f"{answered} have answered"
        if not answered:
            got = effects_of(Send, node.step(Receive(5, last, lab.Found(round, (theirs,)))))
            both = lab.Got(7, ("y.1", "z.1"), (("y", 1), ("z", 1)))
            assert [(each.to, each.message) for each in got] == [("c1", both)]


@graded(points=1, title="Repaired from elsewhere", requirement="no matter who coordinates")
def test_a_read_at_a_node_that_is_no_home_repairs_homes_too(lab: DynamoLab) -> None:
    one, other, third, here, last = lab.Ring(FIVE).walk("cart")
    node = lab.look_into("Helper")(here, tuple(each for each in FIVE if each != here))
    node.step(Start(0, {}))
    begun = node.step(Receive(1, "c1", lab.GetRequest(1, "cart")))
    round, versions = effects_of(Send, begun)[0].message.round, (version(lab, "z", 1),)
    (due,) = effects_of(SetTimer, begun)
    node.step(Receive(2, one, lab.Found(round, versions)))
    node.step(Receive(3, other, lab.Found(round, ())))
    asked = effects_of(Send, node.step(Fire(4, due.id, due.timer)))
    assert [(each.to, each.message) for each in asked] == [(last, lab.Ask(round, "cart"))]
    standing_in = node.step(Receive(4, last, lab.Found(round, ())))
    assert effects_of(Send, standing_in) == [], "it is no home: the third one may still answer"
    repairs = effects_of(Send, node.step(Receive(5, third, lab.Found(round, versions))))
    repair = (other, lab.Keep(0, "cart", versions, other))
    assert [(each.to, each.message) for each in repairs] == [repair]


@graded(points=1, title="Once more, then over", requirement="a round waits twice, and repairs")
def test_a_round_that_waited_for_stand_ins_too_ends_with_repairs(lab: DynamoLab) -> None:
    here, second, third, *_ = lab.Ring(FIVE).walk("cart")
    others = tuple(each for each in FIVE if each != here)
    node = lab.look_into("Helper")(here, others, patience=7)
    node.step(Start(0, {}))
    begun = node.step(Receive(1, "c1", lab.GetRequest(1, "cart")))
    (due,), round = effects_of(SetTimer, begun), effects_of(Send, begun)[0].message.round
    node.step(Receive(2, second, lab.Found(round, (version(lab, "z", 1),))))
    asked = node.step(Fire(3, due.id, due.timer))
    assert effects_of(Save, asked) == [], "the third home may still answer"
    (again,) = effects_of(SetTimer, asked)
    assert again.after == 7, "both times it waits as long as it was told"
    ended = node.step(Fire(4, again.id, again.timer))
    assert ("held", "cart") in [each.key for each in effects_of(Save, ended)], "it is a home, too"
    assert effects_of(Send, ended) == [], "the third has not said what it has, so it lacks nothing"
    assert node.step(Receive(5, third, lab.Found(round, ()))) == [], "that comes too late"


@graded(points=2, title="Nothing is dropped unseen", requirement="only what the home has taken")
def test_a_hint_stays_until_its_home_has_taken_the_very_versions_that_are_here(
    lab: DynamoLab,
) -> None:
    walk = lab.Ring(FIVE).walk("cart")
    node = lab.look_into("Helper")(walk[3], tuple(each for each in FIVE if each != walk[3]))
    node.step(Start(0, {}))
    old, new = version(lab, "z", 1), version(lab, "z", 2, seen=(("z", 1),))
    for one, home in ((old, walk[0]), (old, walk[1]), (new, walk[1])):
        saves = effects_of(Save, node.step(Receive(1, walk[2], lab.Keep(1, "cart", (one,), home))))
    assert node.hints == {"cart": tuple(sorted(walk[:2]))}
    assert [each.key for each in saves] == [("held", "cart")]
    for sender, versions in ((walk[0], (old,)), (walk[2], (new,)), (walk[4], (new,))):
        assert node.step(Receive(2, sender, lab.Taken("cart", versions))) == []
    left = node.step(Receive(3, walk[0], lab.Taken("cart", (new,))))
    assert [(each.key, each.value) for each in effects_of(Save, left)] == [
        (("hint", "cart"), (walk[1],))
    ]
    gone = node.step(Receive(4, walk[1], lab.Taken("cart", (new,))))
    assert {each.key for each in effects_of(Forget, gone)} == {("hint", "cart"), ("held", "cart")}
    assert node.versions("cart") == ()
    due = lab.look_into("HandOverAgain")()
    assert effects_of(Send, node.step(Fire(5, 0, due))) == [], "it has nothing more to bring home"
    both = (version(lab, "y", 1), new)
    again = node.step(Receive(6, walk[2], lab.Keep(1, "cart", both, walk[0])))
    (held,) = (each.value for each in effects_of(Save, again) if each.key == ("held", "cart"))
    assert held.actor == f"{walk[3]}/2", "it has forgotten what it was: another actor"
    for part in (both[:1], both[1:]):
        assert node.step(Receive(7, walk[0], lab.Taken("cart", part))) == [], "one of two"
    assert effects_of(Forget, node.step(Receive(8, walk[0], lab.Taken("cart", both))))


@graded(points=1, title="A home, too", requirement="the hint names the home that lacks it")
def test_a_home_that_is_sent_the_copy_of_another_home_brings_it_there(lab: DynamoLab) -> None:
    here, away, *_ = lab.Ring(FIVE).walk("cart")
    node = lab.Helper(here, tuple(each for each in FIVE if each != here))
    node.step(Start(0, {}))
    one = (version(lab, "z", 1),)
    saves = effects_of(Save, node.step(Receive(1, away, lab.Keep(1, "cart", one, away))))
    assert (("hint", "cart"), (away,)) in [(each.key, each.value) for each in saves]
    gone = effects_of(Forget, node.step(Receive(2, away, lab.Taken("cart", one))))
    assert [each.key for each in gone] == [("hint", "cart")], "the key is its own"


@graded(points=1, title="On disk, then said", requirement="the other one drops its copy")
def test_what_is_handed_over_is_saved_in_the_step_that_says_so(lab: DynamoLab) -> None:
    node = lab.look_into("Helper")("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    one = version(lab, "z", 1)
    effects = node.step(Receive(1, "n2", lab.HandOver("cart", (one,))))
    assert ("held", "cart") in [each.key for each in effects_of(Save, effects)]
    assert [each.message for each in effects_of(Send, effects)] == [lab.Taken("cart", (one,))]
    other = version(lab, "y", 1)
    effects = node.step(Receive(2, "n3", lab.HandOver("cart", (other,))))
    assert [each.message for each in effects_of(Send, effects)] == [lab.Taken("cart", (other,))], (
        "what came, and not what is here: n3 drops its copy if it has just that"
    )


@graded(points=3, title="All comes home", requirement="no matter who was away, and who stood in")
def test_every_value_that_was_taken_and_not_replaced_is_at_its_homes_in_the_end(
    lab: DynamoLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        faults: list[Fault] = [
            Crash(100 * MS, "n1"), Crash(150 * MS, "n2"), Crash(200 * MS, "n3"),
            Restart(900 * MS, "n1"), Crash(SECOND, "n4"), Restart(1100 * MS, "n3"),
            Restart(1200 * MS, "n2"), Restart(1500 * MS, "n4"),
        ]  # fmt: skip
        simulation = cluster(lab, lab.Helper, seed, faults, link=ROUGH)
        work = busy(lab, simulation, 10)
        finish(simulation, work)
        simulation.run(simulation.now + 8 * SECOND)
        simulation.inject(linked(simulation.now, STEADY))
        for key in KEYS:
            for _ in range(60):  # a look repairs, unless the word of one home is lost or late
                found = shown(lab, simulation, "c1", key)
                simulation.run(simulation.now + 500 * MS)
                if all(
                    set(values_at(simulation, home, key) or ()) == set(found)
                    for home in homes(lab, key)
                ):
                    break
            for home in homes(lab, key):
                assert set(values_at(simulation, home, key) or ()) == set(found), f"{key}: {home}"
            must_not_be_gone(simulation, key, found)
