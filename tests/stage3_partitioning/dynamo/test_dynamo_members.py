"""Graded suite of the lab ``dynamo``, sixth part: nodes come and go."""

from collections.abc import Mapping
from functools import partial
from itertools import permutations
from random import Random
from typing import Any

from common.contract.effects import Save, Send
from common.contract.events import Fire, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask, ask_ok, crash, effects_of, restart, restart_all, trouble
from common.sim.simulation import Simulation
from common.values.faults import Crash, Fault, Restart
from common.values.history import Failed
from common.values.units import MS, SECOND
from tests.stage3_partitioning.dynamo.lab import DynamoLab
from tests.stage3_partitioning.dynamo.room import (
    CLIENTS,
    FIVE,
    NEVER,
    ROUGH,
    SEVERAL,
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
FOUR = FIVE[:4]
BUSY = ("cart", "list")
KEYS = [f"key {number}" for number in range(12)]


def stocked(lab: DynamoLab, inside: tuple[str, ...], **options: Any) -> Simulation:
    """A cluster with some of the nodes on the ring, and some keys."""
    node = partial(lab.Dynamo, inside=inside, compare_every=NEVER)
    simulation = cluster(lab, node, client={"servers": inside}, **options)
    for key in KEYS:
        ask_ok(simulation, "c1", lab.Put(key, f"of {key}"))
    simulation.run(simulation.now + 200 * MS)
    return simulation


@graded(points=3, title="A new node", requirement="Dynamo 4.8, 4.9: keys come to their new homes")
def test_who_joins_gets_its_keys_and_those_that_had_them_drop_them(lab: DynamoLab) -> None:
    simulation = stocked(lab, FOUR)
    assert all(with_key(simulation, key) == set(homes(lab, key, FOUR)) for key in KEYS)
    ask_ok(simulation, "n1", lab.Join("n5"))
    simulation.run(simulation.now + 5 * SECOND)
    for key in KEYS:
        assert with_key(simulation, key) == set(homes(lab, key)), key
        assert all(values_at(simulation, home, key) == [f"of {key}"] for home in homes(lab, key))


@graded(points=2, title="A node leaves", requirement="for good: its keys go to those that follow")
def test_who_leaves_brings_its_keys_to_their_new_homes_and_keeps_none(lab: DynamoLab) -> None:
    simulation = stocked(lab, FIVE)
    ask_ok(simulation, "n2", lab.Leave("n1"))
    simulation.run(simulation.now + 5 * SECOND)
    left = tuple(node for node in FIVE if node != "n1")
    for key in KEYS:
        assert with_key(simulation, key) == set(homes(lab, key, left)), key


@graded(points=2, title="By gossip", requirement="everybody hears of it, though messages are lost")
def test_every_node_hears_of_a_change_and_remembers_it_over_a_crash(
    lab: DynamoLab, sweep: Sweep
) -> None:
    for seed in sweep(3):
        node = partial(lab.Dynamo, inside=FOUR)
        faults: list[Fault] = [Crash(300 * MS, "n4"), Restart(700 * MS, "n4")]
        simulation = cluster(lab, node, seed, faults, link=ROUGH)
        ask_ok(simulation, "n1", lab.Join("n5"))
        simulation.run(5 * SECOND)
        restart_all(simulation)
        for each in FIVE:
            table: Mapping[Any, Any] = simulation.on_disk(each)
            assert table[("member", "n5")].inside, f"{each} has not heard of it"
            assert table[("member", "n5")].number == 1


@graded(points=2, title="The greater number", requirement="of two notes the later change holds")
def test_notes_of_one_node_end_the_same_in_any_order(lab: DynamoLab) -> None:
    member = lab.look_into("Member")
    notes = [member(1, True), member(2, False), member(3, True), member(3, False)]
    for order in permutations(notes):
        node = lab.look_into("Dynamo")("n1", FIVE[1:], inside=FOUR)
        node.step(Start(0, {}))
        for each in order:
            node.step(Receive(1, "n2", lab.look_into("Tell")((("n5", each),))))
        assert node.members["n5"] == member(3, True)
        again = node.step(Receive(2, "n3", lab.look_into("Tell")((("n5", notes[0]),))))
        assert effects_of(Save, again) == []
    both = (("n5", member(4, False)), ("n7", member(1, True)), ("n2", member(1, False)))
    told = effects_of(Save, node.step(Receive(3, "n3", lab.look_into("Tell")(both))))
    assert [each.key for each in told] == [("member", "n5"), ("member", "n2")], "n7 is a stranger"
    later = Receive(4, "n3", lab.look_into("Tell")((("n5", member(5, False)),)))
    saved = [(each.key, each.value) for each in effects_of(Save, node.step(later))]
    assert saved == [(("member", "n5"), member(5, False))], "a greater number is noted on disk"


@graded(points=2, title="There and back", requirement="who comes back has what was written since")
def test_a_node_that_leaves_and_joins_again_has_all_its_keys_again(lab: DynamoLab) -> None:
    simulation = stocked(lab, FIVE)
    for change in (lab.Leave("n1"), lab.Join("n1")):
        ask_ok(simulation, "n3", change)
        simulation.run(simulation.now + 4 * SECOND)
        ask_ok(simulation, "c2", lab.Put(KEYS[0], f"{type(change).__name__}"))
        simulation.run(simulation.now + SECOND)
    for key in KEYS:
        assert with_key(simulation, key) == set(homes(lab, key)), key
    assert set(shown(lab, simulation, "c3", KEYS[0])) == {f"of {KEYS[0]}", "Leave", "Join"}


def on_the_ring(simulation: Simulation, at: str) -> set[str]:
    """Who is on the ring, by a node's disk."""
    table: Mapping[Any, Any] = simulation.on_disk(at)
    return {node for node in FIVE if ("member", node) not in table or table["member", node].inside}


@graded(
    points=3, title="Whatever fails", requirement="there and back, at several nodes, under trouble"
)
def test_in_the_calm_keys_are_at_their_homes_alone_no_matter_who_left_and_came_back(
    lab: DynamoLab, sweep: Sweep
) -> None:
    moved = 0
    for seed in sweep(SEVERAL):
        random = Random(f"members/{seed}")
        kinds = ("crash", "partition", "link", "pause")
        faults = trouble(seed, kinds, hit=FIVE, others=CLIENTS, until=3 * SECOND)
        simulation = cluster(lab, lab.Dynamo, seed, faults, link=ROUGH)
        work = busy(lab, simulation, 16)
        for _ in range(8):
            simulation.run(simulation.now + 350 * MS)
            change = random.choice((lab.Join, lab.Leave))(random.choice(FIVE))
            simulation.call(random.choice(FIVE), change)
        finish(simulation, work)
        simulation.run(simulation.now + 15 * SECOND)
        inside = on_the_ring(simulation, "n1")
        assert all(on_the_ring(simulation, each) == inside for each in FIVE), "one ring"
        moved += len(inside) < len(FIVE)
        for key in BUSY:
            with_it, at_home = with_key(simulation, key), homes(lab, key, tuple(inside))
            assert with_it <= set(at_home), f"{with_it} have {key}, which is at home at {at_home}"
            values = [set(values_at(simulation, home, key) or ()) for home in at_home]
            assert all(each == values[0] for each in values), f"{key}: its homes differ"
            must_not_be_gone(simulation, key, values[0])
    assert sweep.partial or moved, "nobody was off the ring in the end: the test shows nothing"


@graded(points=1, title="By an older ring", requirement="who is no home any more brings it on")
def test_what_comes_by_an_older_ring_is_brought_to_the_homes_of_today(lab: DynamoLab) -> None:
    member, tell = lab.look_into("Member"), lab.look_into("Tell")
    for key in KEYS:
        gone, stays, _, *others = lab.Ring(FIVE).walk(key)
        now = set(homes(lab, key, tuple(each for each in FIVE if each != gone)))
        versions = (version(lab, "z", 1),)
        left = Receive(1, stays, tell(((gone, member(1, False)),)))
        node = lab.Dynamo(gone, tuple(each for each in FIVE if each != gone))
        for event in (Start(0, {}), left, Receive(1, stays, lab.Keep(0, key, versions, gone))):
            node.step(event)
        assert to_whom(lab, node, key) == now, f"{gone} has left, and a copy came late"
        for standing in others:
            node = lab.Dynamo(standing, tuple(each for each in FIVE if each != standing))
            for event in (Start(0, {}), Receive(1, stays, lab.Keep(0, key, versions, gone))):
                node.step(event)
            assert to_whom(lab, node, key) == {gone}
            node.step(Receive(1, stays, tell(())))
            assert to_whom(lab, node, key) == {gone}, "nothing has changed"
            node.step(left)
            expected = set() if standing in now else now
            assert to_whom(lab, node, key) == expected, f"{gone} has left for good"


@graded(points=1, title="Hears of it last", requirement="Dynamo 4.9: who joins confirms")
def test_who_is_no_home_by_the_ring_that_it_knows_takes_nothing_over(lab: DynamoLab) -> None:
    member, tell = lab.look_into("Member"), lab.look_into("Tell")
    for key in KEYS:
        stays, _, joins, *_ = lab.Ring(FIVE).walk(key)
        inside, one = tuple(each for each in FIVE if each != joins), (version(lab, "z", 1),)
        node = lab.Dynamo(joins, inside, inside=inside)
        offered = Receive(1, stays, lab.HandOver(key, one))
        node.step(Start(0, {}))
        early = effects_of(Send, node.step(offered))
        assert lab.Taken(key, one) not in [each.message for each in early], "it would drop it"
        node.step(Receive(2, stays, tell(((joins, member(1, True)),))))
        taken = node.step(offered)
        assert lab.Taken(key, one) in [each.message for each in effects_of(Send, taken)]
        assert node.versions(key) == one
        assert to_whom(lab, node, key) == set()


def to_whom(lab: DynamoLab, node: Any, key: str) -> set[str]:
    """To whom a node hands a key over when it is time."""
    due = lab.look_into("HandOverAgain")()
    sent = effects_of(Send, node.step(Fire(1, 0, due)))
    offers = [each for each in sent if isinstance(each.message, lab.HandOver)]
    assert all(each.message.versions for each in offers), "it has dropped what it is to bring"
    return {each.to for each in offers}


@graded(points=1, title="Silence moves nothing", requirement="Dynamo 4.8: people say who leaves")
def test_a_node_that_is_only_silent_loses_no_key(lab: DynamoLab) -> None:
    simulation = stocked(lab, FIVE)
    crash(simulation, "n1")
    simulation.run(simulation.now + 10 * SECOND)
    for key in KEYS:
        assert with_key(simulation, key) == set(homes(lab, key)), "a disk outlives a crash"
    restart(simulation, "n1")


@graded(points=1, title="What cannot be", requirement="a sentence, and nothing changes")
def test_a_stranger_cannot_join_and_the_last_n_cannot_leave(lab: DynamoLab) -> None:
    node = partial(lab.Dynamo, inside=("n1", "n2", "n3"))
    simulation = cluster(lab, node)
    for change in (lab.Join("n9"), lab.Leave("n1"), lab.Leave("n9")):
        assert isinstance(ask(simulation, "n2", change).outcome, Failed), change
    ask_ok(simulation, "n2", lab.Join("n1"))
    ask_ok(simulation, "n2", lab.Leave("n5"))
    simulation.run(2 * SECOND)
    assert all(("member", "n1") not in simulation.on_disk(each) for each in FIVE), "nothing changed"


@graded(points=1, title="To whom", requirement="new homes alone; all of them if it is none itself")
def test_a_key_is_brought_to_its_new_homes_only(lab: DynamoLab) -> None:
    member = lab.look_into("Member")
    moved = 0
    for key in KEYS:
        old, new = homes(lab, key, FOUR), homes(lab, key)
        moved += "n5" in new
        for name in old:
            node = lab.look_into("Dynamo")(
                name, tuple(each for each in FIVE if each != name), inside=FOUR
            )
            node.step(Start(0, {}))
            node.step(Receive(1, "n9", lab.Keep(0, key, (version(lab, "z", 1),), name)))
            node.step(Receive(2, "n9", lab.look_into("Tell")((("n5", member(1, True)),))))
            expected = set(new) - set(old) if name in new else set(new)
            assert set(node.hints.get(key, ())) == expected, f"{name}: {key}"
    assert moved, "no key has a new home: the test shows nothing"


@graded(points=1, title="One after the other", requirement="a second change forgets no first one")
def test_who_is_to_be_brought_a_key_still_is_after_the_next_change(lab: DynamoLab) -> None:
    member, tell = lab.look_into("Member"), lab.look_into("Tell")
    empty = lab.Compare("", ("",) * 16)
    for key in KEYS:
        stays, *others = lab.Ring(FIVE).walk(key)
        late = others[:2]
        inside = tuple(each for each in FIVE if each not in late)
        node = lab.Dynamo(stays, tuple(each for each in FIVE if each != stays), inside=inside)
        node.step(Start(0, {}))
        node.step(Receive(1, "n9", lab.Keep(0, key, (version(lab, "z", 1),), stays)))
        assert node.step(Receive(1, late[0], empty)) == [], "it is no home of the key so far"
        for name in late:
            node.step(Receive(1, "n9", tell(((name, member(1, True)),))))
        told = node.step(Receive(1, late[0], empty))
        assert effects_of(Send, told), "it is a home by now, and lacks the key"
        assert to_whom(lab, node, key) == set(late)
        node.step(Receive(2, "n9", tell(((stays, member(1, True)),))))
        assert to_whom(lab, node, key) == set(late), "a change that moves nothing"
