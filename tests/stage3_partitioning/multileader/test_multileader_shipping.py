"""Graded suite of the lab ``multileader``, second part: every write to everybody, causes first."""

from functools import partial

from common.contract.effects import Send
from common.contract.events import Invoke, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    Wire,
    ask,
    ask_ok,
    crash,
    effects_of,
    must_be_ok,
    restart,
    restart_all,
)
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage3_partitioning.multileader.lab import MultileaderLab
from tests.stage3_partitioning.multileader.room import (
    FOUR,
    NEVER,
    SEVERAL,
    TOPOLOGIES,
    Topology,
    cut_off,
    dots,
    leaders,
    log_of,
    must_have_causes_first,
    stormy,
    write,
)

LAB = "multileader"


@graded(points=3, title="Everything to everybody", requirement="DDIA 5: whatever the topology")
def test_every_write_comes_to_every_leader_on_each_way_once_it_is_calm(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        for topology in TOPOLOGIES:
            simulation = stormy(lab, lab.Leader, topology, seed, looks=0.0)
            logs = {id: log_of(simulation, id) for id in FOUR}
            values = {id: sorted(each.value for each in log) for id, log in logs.items()}
            assert values["n1"], "nothing was written"
            for id in FOUR:
                assert values[id] == values["n1"], f"{topology}: {id} and n1 have different writes"
            acknowledged = {
                asked.argument for asked in simulation.history if isinstance(asked.outcome, Ok)
            }
            assert acknowledged, "nothing was acknowledged"
            assert acknowledged <= set(values["n1"]), "an acknowledged write is nowhere"


@graded(points=3, title="Causes first", requirement="Petersen 1997, 2: the prefix property")
def test_no_log_has_a_write_before_what_its_leader_had_and_none_twice(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        for topology in TOPOLOGIES:
            simulation = stormy(lab, lab.Leader, topology, seed, looks=0.0)
            for id in FOUR:
                must_have_causes_first(log_of(simulation, id), f"{topology}: {id}")
                ask_ok(simulation, id, lab.Put("x", "the last"))
                assert log_of(simulation, id), f"{topology}: nothing is in the log of {id}"


@graded(points=2, title="What a write says", requirement="number, and all that was there before")
def test_a_write_has_the_next_number_of_its_leader_and_the_vector_of_all_that_was_there(
    lab: MultileaderLab,
) -> None:
    simulation = leaders(lab, lab.Leader)
    for person, value in (("n1", "a"), ("n1", "b"), ("n2", "c"), ("n1", "d")):
        ask_ok(simulation, person, lab.Put("x", value))
        simulation.run(simulation.now + 50 * MS)
    log = log_of(simulation, "n4")
    assert dots(log) == [("n1", 1), ("n1", 2), ("n2", 1), ("n1", 3)]
    assert [each.value for each in log] == ["a", "b", "c", "d"]
    assert [each.after for each in log] == [
        (),
        (("n1", 1),),
        (("n1", 2),),
        (("n1", 2), ("n2", 1)),
    ]
    assert [each.seen for each in log] == [each.after for each in log]


@graded(points=2, title="The insertion first", requirement="DDIA, figure 5-9")
def test_an_update_that_comes_before_its_insertion_waits_for_it(lab: MultileaderLab) -> None:
    insertion = write(lab, "n1", 1)
    update = write(lab, "n2", 1, after=(("n1", 1),))
    third = write(lab, "n1", 2, after=(("n1", 1),))
    node = lab.look_into("Leader")("n3", ("n1", "n2", "n4"))
    node.step(Start(0, {}))
    for early in (update, third):
        node.step(Receive(1, early.leader, lab.Shipment((early,))))
        assert dots(node.log) == [], "its cause is not here"
    node.step(Receive(2, "n4", lab.Shipment((third, insertion, update))))
    assert dots(node.log) == [("n1", 1), ("n2", 1)], "taken in the order of the shipment"
    node.step(Receive(3, "n1", lab.Shipment((insertion, third))))
    assert dots(node.log) == [("n1", 1), ("n2", 1), ("n1", 2)]


@graded(points=2, title="Acknowledged is on disk", requirement="Ok() after the save, here alone")
def test_what_was_acknowledged_is_there_after_everybody_has_crashed(
    lab: MultileaderLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        simulation = leaders(lab, lab.Leader, seed, cut_off("n1", 0, 2 * SECOND))
        for value in "abc":
            ask_ok(simulation, "n1", lab.Put("x", value))
        assert simulation.now < 10 * MS, "nobody else is asked"
        crash(simulation, "n1")
        assert [each.value for each in log_of(simulation, "n1")] == ["a", "b", "c"]
        restart(simulation, "n1")
        ask_ok(simulation, "n1", lab.Put("x", "d"))
        simulation.run(4 * SECOND)
        restart_all(simulation)
        simulation.run(simulation.now + SECOND)
        for id in FOUR:
            log = log_of(simulation, id)
            assert [each.value for each in log] == ["a", "b", "c", "d"]
            assert [each.number for each in log] == [1, 2, 3, 4], "a number is used once"


@graded(points=2, title="No loops", requirement="each leader gets a write once, in a calm")
def test_one_write_takes_three_shipments_to_four_leaders_on_each_way(lab: MultileaderLab) -> None:
    ways: dict[Topology, set[tuple[str, str]]] = {
        "all": {("n2", "n1"), ("n2", "n3"), ("n2", "n4")},
        "ring": {("n2", "n3"), ("n3", "n4"), ("n4", "n1")},
        "star": {("n2", "n1"), ("n1", "n3"), ("n1", "n4")},
    }
    for topology, way in ways.items():
        wire = Wire()
        made = partial(lab.Leader, topology=topology, ask_every=NEVER)
        simulation = leaders(lab, made, observers=[wire])
        ask_ok(simulation, "n2", lab.Put("x", "a"))
        simulation.run(SECOND)
        sent = [each for each in wire.sent_messages if isinstance(each.message, lab.Shipment)]
        assert sorted((each.sender, each.to) for each in sent) == sorted(way), topology
        assert wire.of(lab.Have) == [], "nobody lacks anything, so nobody asks before its time"
        assert all(dots(log_of(simulation, id)) == [("n2", 1)] for id in FOUR)


@graded(points=1, title="The hub writes too", requirement="the first name is the hub")
def test_the_hub_ships_its_own_writes_to_everybody_and_a_ring_goes_on_at_its_end(
    lab: MultileaderLab,
) -> None:
    ways: dict[tuple[Topology, str], set[tuple[str, str]]] = {
        ("star", "n1"): {("n1", "n2"), ("n1", "n3"), ("n1", "n4")},
        ("ring", "n4"): {("n4", "n1"), ("n1", "n2"), ("n2", "n3")},
    }
    for (topology, author), way in ways.items():
        wire = Wire()
        made = partial(lab.Leader, topology=topology, ask_every=NEVER)
        simulation = leaders(lab, made, observers=[wire])
        ask_ok(simulation, author, lab.Put("x", "a"))
        simulation.run(SECOND)
        sent = [each for each in wire.sent_messages if isinstance(each.message, lab.Shipment)]
        assert sorted((each.sender, each.to) for each in sent) == sorted(way), topology


@graded(points=1, title="Alone", requirement="one leader is a cluster, too")
def test_a_leader_that_is_alone_ships_to_nobody_and_asks_nobody(lab: MultileaderLab) -> None:
    for topology in TOPOLOGIES:
        node = lab.look_into("Leader")("n1", (), topology=topology)
        node.step(Start(0, {}))
        assert effects_of(Send, node.step(Invoke(1, 1, lab.Put("x", "a")))) == []
        assert node.targets() == node.sources() == ()


@graded(points=1, title="Asked along the way", requirement="those are asked that ship here")
def test_who_lacks_something_asks_those_that_ship_to_it_and_says_what_it_has(
    lab: MultileaderLab,
) -> None:
    asked: dict[Topology, set[tuple[str, str]]] = {
        "all": {(one, other) for one in FOUR for other in FOUR if one != other},
        "ring": {("n1", "n4"), ("n2", "n1"), ("n3", "n2"), ("n4", "n3")},
        "star": {
            (one, other) for one in FOUR for other in FOUR if (one == "n1") != (other == "n1")
        },
    }
    for topology, expected in asked.items():
        wire = Wire()
        made = partial(lab.Leader, topology=topology, ask_every=200 * MS)
        simulation = leaders(lab, made, observers=[wire])
        ask_ok(simulation, "n3", lab.Put("x", "a"))
        simulation.run(SECOND)
        sent = [each for each in wire.sent_messages if isinstance(each.message, lab.Have)]
        assert {(each.sender, each.to) for each in sent} == expected, topology
        assert {each.message.vector for each in sent} == {(("n3", 1),)}
        assert wire.times_of(lab.Have)[-1] > 800 * MS, "again and again"
        assert len(wire.of(lab.Have)) <= 5 * len(expected), "each 200 ms, and no more often"


@graded(points=1, title="Nothing for nothing", requirement="only what is lacking is shipped")
def test_who_lacks_nothing_is_shipped_nothing_and_who_lacks_the_end_only_that(
    lab: MultileaderLab,
) -> None:
    node = lab.look_into("Leader")("n3", ("n1", "n2", "n4"))
    node.step(Start(0, {}))
    writes = [
        write(lab, "n1", number, after=(("n1", number - 1),) if number > 1 else ())
        for number in (1, 2, 3)
    ]
    node.step(Receive(1, "n1", lab.Shipment(tuple(writes))))
    ships = [
        effects_of(Send, node.step(Receive(2, "n2", lab.Have(vector))))
        for vector in (((("n1", 3),)), (("n1", 1),), (("n2", 9),))
    ]
    assert ships[0] == []
    assert dots(ships[1][0].message.writes) == [("n1", 2), ("n1", 3)]
    assert dots(ships[2][0].message.writes) == [("n1", 1), ("n1", 2), ("n1", 3)]
    more = tuple(write(lab, "n4", number) for number in range(1, 63))
    node.step(Receive(3, "n4", lab.Shipment(more)))
    (ship,) = effects_of(Send, node.step(Receive(4, "n2", lab.Have(()))))
    assert dots(ship.message.writes) == dots(node.log)[:64], "65 are too many for one message"


@graded(points=2, title="A long absence", requirement="a full shipment is followed by the next")
def test_who_was_away_for_three_hundred_writes_has_them_soon_after(lab: MultileaderLab) -> None:
    simulation = leaders(lab, lab.Leader, 0, cut_off("n4", 0, 20 * SECOND))
    must_be_ok(*(ask(simulation, "n1", lab.Put("x", f"{number}")) for number in range(300)))
    simulation.run(20 * SECOND)
    assert log_of(simulation, "n4") == []
    simulation.run(20 * SECOND + 300 * MS)
    assert len(log_of(simulation, "n4")) == 300


@graded(points=1, title="At once", requirement="a person waits for the own leader's disk only")
def test_a_write_is_answered_in_the_step_that_saves_it(lab: MultileaderLab) -> None:
    node = lab.look_into("Leader")("n1", ("n2", "n3", "n4"))
    node.step(Start(0, {}))
    kinds = [type(effect).__name__ for effect in node.step(Invoke(1, 1, lab.Put("x", "a")))]
    assert kinds.count("Save") == 1
    assert kinds.count("Return") == 1
    assert kinds.count("Send") == 3
