"""Graded suite of the lab ``crdt``, a list on every network: whole states, and deltas."""

from random import Random
from typing import Any

from common.contract.effects import Broadcast, Return, Save, Send
from common.contract.events import Fire, Invoke, NodeId, Receive, Start
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    Wire,
    ask,
    ask_ok,
    crash,
    crash_and_restart,
    effects_of,
    must_end,
    restart,
)
from common.values.faults import Heal
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND
from tests.stage7_advanced.crdt.lab import CrdtLab
from tests.stage7_advanced.crdt.room import (
    FINE,
    ITEMS,
    THREE,
    cut,
    in_trouble,
    must_converge,
    replicas,
    work,
)

LAB = "crdt"


@graded(points=3, title="The same in the end", requirement="Shapiro 2011, 2.2: convergence")
def test_lists_that_send_their_states_end_up_the_same_whatever_happened(
    lab: CrdtLab, sweep: Sweep
) -> None:
    must_end_up_the_same(lab, lab.StateReplica, sweep)


@graded(points=3, title="The same by deltas", requirement="Almeida 2018, algorithm 2: convergence")
def test_lists_that_send_deltas_end_up_the_same_whatever_happened(
    lab: CrdtLab, sweep: Sweep
) -> None:
    must_end_up_the_same(lab, lab.DeltaReplica, sweep)


def must_end_up_the_same(lab: CrdtLab, kind: Any, sweep: Sweep) -> None:
    """Check lists of a class, in trouble; each person adds something that nobody removes."""

    def choose(random: Random, person: NodeId, number: int) -> object:
        item = random.choice(ITEMS)
        if number % 5 == 2:
            return lab.Add(f"{person}.{number}")
        return random.choice((lab.Add(item), lab.Remove(item), lab.Look()))

    for seed in sweep(6):
        simulation = in_trouble(lab, kind, seed)
        must_end(simulation, work(simulation, choose), limit=6 * SECOND, fine=FINE)
        simulation.run(simulation.now + 1 * SECOND)
        for person in THREE:
            ask_ok(simulation, person, lab.Add(f"{person}.last"))
        simulation.run(simulation.now + 1 * SECOND)
        found = must_converge(simulation, lab.Look())
        added = {
            str(each.argument)
            for each in simulation.history
            if each.function == "add" and isinstance(each.outcome, Ok)
        }
        kept = {item for item in added if item not in ITEMS}
        assert kept, "nobody added anything that stays: the test shows nothing"
        assert kept <= set(found), f"{sorted(kept - set(found))} was added, removed by nobody, lost"


@graded(points=2, title="Nobody waits", requirement="Shapiro 2011, 2.2: no synchronisation")
def test_a_replica_that_is_cut_off_answers_at_once_and_add_wins_when_it_is_back(
    lab: CrdtLab,
) -> None:
    for kind in (lab.StateReplica, lab.DeltaReplica):
        faults = [*cut(500 * MS, "n1", "n2"), *cut(500 * MS, "n1", "n3"), Heal(800 * MS)]
        simulation = replicas(lab, kind, 1, faults)
        for item in ("milk", "eggs"):
            ask_ok(simulation, "n2", lab.Add(item))
        simulation.run(600 * MS)
        for person, operation in (
            ("n1", lab.Add("milk")),
            ("n1", lab.Remove("eggs")),
            ("n2", lab.Remove("milk")),
        ):
            before = simulation.now
            ask_ok(simulation, person, operation)
            assert simulation.now - before < 5 * MS, "no other replica is asked"
        assert ask_ok(simulation, "n1", lab.Look()) == ("milk",)
        assert ask_ok(simulation, "n3", lab.Look()) in (("eggs",), ("eggs", "milk"))
        simulation.run(2 * SECOND)
        assert must_converge(simulation, lab.Look()) == ("milk",), "n2 had not seen n1's addition"


@graded(points=2, title="Dots over crashes", requirement="a dot is given once; states are durable")
def test_what_is_added_after_a_crash_is_new_to_all_others(lab: CrdtLab) -> None:
    for kind in (lab.StateReplica, lab.DeltaReplica):
        simulation = replicas(lab, kind, 2)
        for item in ("bread", "eggs"):
            ask_ok(simulation, "n1", lab.Add(item))
            crash_and_restart(simulation, "n1")
        simulation.run(300 * MS)
        crash_and_restart(simulation, "n1")
        assert ask_ok(simulation, "n1", lab.Look()) == ("bread", "eggs"), "it is on the disk"
        ask_ok(simulation, "n1", lab.Remove("eggs"))
        ask_ok(simulation, "n1", lab.Add("milk"))
        simulation.run(simulation.now + 300 * MS)
        assert must_converge(simulation, lab.Look()) == ("bread", "milk")
        ask_ok(simulation, "n2", lab.Add("tea"))
        crash_and_restart(simulation, "n2")
        assert "tea" in ask_ok(simulation, "n2", lab.Look()), "what was told Ok is durable"


@graded(points=1, title="States heal", requirement="Shapiro 2011, 2.2: a later state makes good")
def test_a_replica_that_was_down_for_long_gets_all_and_the_news_of_others_travel_on(
    lab: CrdtLab,
) -> None:
    for kind in (lab.StateReplica, lab.DeltaReplica):
        simulation = replicas(lab, kind, 3, cut(0, "n1", "n3"))
        crash(simulation, "n3")
        for number in range(8):
            ask_ok(simulation, "n1", lab.Add(f"item {number}"))
        ask_ok(simulation, "n1", lab.Remove("item 0"))
        simulation.run(simulation.now + 500 * MS)
        restart(simulation, "n3")
        simulation.run(simulation.now + 500 * MS)
        found = must_converge(simulation, lab.Look())
        assert found == tuple(f"item {number}" for number in range(1, 8)), "n2 tells n3 of n1's"


@graded(points=2, title="Deltas are small", requirement="Almeida 2018, 6.1: what the peer lacks")
def test_a_change_to_a_long_list_sends_that_change_and_a_calm_list_sends_nothing(
    lab: CrdtLab,
) -> None:
    wire = Wire()
    simulation = replicas(lab, lab.DeltaReplica, 4, observers=[wire])
    for number in range(20):
        ask_ok(simulation, "n1", lab.Add(f"item {number}"))
    simulation.run(simulation.now + 500 * MS)
    wire.forget()
    ask_ok(simulation, "n1", lab.Add("one more"))
    simulation.run(simulation.now + 500 * MS)
    sent = [delta.items.entries for delta in wire.of(lab.Delta)]
    assert sent, "nobody was told"
    assert set(sent) == {((("n1", 21), "one more"),)}, f"sent was {sent}"
    wire.forget()
    simulation.run(simulation.now + 500 * MS)
    assert wire.sent_messages == [], "everybody has everything"
    must_converge(simulation, lab.Look())


@graded(points=2, title="Until it is taken", requirement="Almeida 2018, algorithm 2: acks")
def test_a_delta_is_sent_again_until_it_is_taken_and_then_forgotten(lab: CrdtLab) -> None:
    node = lab.look_into("DeltaReplica")("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    node.step(Invoke(1, 1, lab.Add("a")))
    node.step(Invoke(2, 2, lab.Add("b")))
    for now in (3, 4):
        sent = effects_of(Send, node.step(Fire(now, 1, lab.GossipAgain())))
        assert [each.to for each in sent] == ["n2", "n3"]
        assert [payload for _, payload in sent[0].message.items.entries] == ["a", "b"]
        assert sent[0].message.end == 2
    node.step(Receive(5, "n2", lab.Taken(2)))
    node.step(Receive(6, "n2", lab.Taken(1)))
    node.step(Receive(6, "n3", lab.Taken(1)))
    sent = effects_of(Send, node.step(Fire(7, 2, lab.GossipAgain())))
    assert [each.to for each in sent] == ["n3"], "n2 has both, though an older word came later"
    assert [payload for _, payload in sent[0].message.items.entries] == ["b"], "n3 lacks b alone"
    node.step(Receive(8, "n3", lab.Taken(2)))
    assert effects_of(Send, node.step(Fire(9, 3, lab.GossipAgain()))) == []
    assert node.deltas == {}, "nobody lacks any of them"
    for call, item in enumerate("cde"):
        node.step(Invoke(10, call, lab.Add(item)))
    for peer in ("n2", "n3"):
        assert len(node.deltas) == 3
        node.step(Receive(11, peer, lab.Taken(5)))
    assert node.deltas == {}, "all three at once"
    node.step(Receive(12, "n2", lab.Taken(99)))
    node.step(Invoke(13, 9, lab.Add("f")))
    sent = effects_of(Send, node.step(Fire(14, 4, lab.GossipAgain())))
    assert [each.to for each in sent] == ["n2", "n3"], "n2 cannot have what was not there yet"
    node = lab.DeltaReplica("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    first = node.step(Receive(10, "n2", lab.Delta(lab_list(lab), 7)))
    assert {each.key for each in effects_of(Save, first)} == {"items", "end"}, "it is durable"
    assert effects_of(Send, first) == [Send("n2", lab.Taken(7))]
    again = effects_of(Send, node.step(Receive(11, "n2", lab.Delta(lab_list(lab), 7))))
    assert again == [Send("n2", lab.Taken(7))], "what has come before is taken, too"
    assert effects_of(Save, node.step(Receive(12, "n2", lab.Delta(lab_list(lab), 7)))) == []
    node = lab.DeltaReplica("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    node.step(Receive(13, "n3", lab.Delta(lab_list(lab).remove("c"), 1)))
    node.step(Receive(14, "n2", lab.Delta(lab_list(lab), 7)))
    (shown,) = effects_of(Return, node.step(Invoke(15, 1, lab.Look())))
    assert shown.outcome == Ok(()), "n3 has removed c, and that came before c itself"


def lab_list(lab: CrdtLab) -> Any:
    """A list with one item of n2's, as it travels."""
    from stage7_advanced.crdt.sets import ORSet

    return ORSet().add("n2", "c")


@graded(points=2, title="Deltas over crashes", requirement="Almeida 2018, 6.1: durable numbers")
def test_after_a_crash_the_whole_state_goes_out_once_and_numbers_go_on(lab: CrdtLab) -> None:
    node = lab.DeltaReplica("n1", ("n2",))
    saved: dict[Any, object] = {}
    node.step(Start(0, {}))
    for call, item in enumerate("abc"):
        for save in effects_of(Save, node.step(Invoke(1, call, lab.Add(item)))):
            saved[save.key] = save.value
    node = lab.DeltaReplica("n1", ("n2",))
    node.step(Start(0, saved))
    sent = effects_of(Send, node.step(Fire(1, 1, lab.GossipAgain())))
    assert [payload for _, payload in sent[0].message.items.entries] == ["a", "b", "c"]
    assert sent[0].message.end == 3
    node.step(Invoke(2, 7, lab.Add("d")))
    sent = effects_of(Send, node.step(Fire(3, 2, lab.GossipAgain())))
    assert len(sent[0].message.items.entries) == 4, "a, b and c are remembered by nobody as deltas"
    assert sent[0].message.end == 4
    node.step(Receive(4, "n2", lab.Taken(3)))
    sent = effects_of(Send, node.step(Fire(5, 3, lab.GossipAgain())))
    assert [payload for _, payload in sent[0].message.items.entries] == ["d"]


@graded(points=1, title="Bad items", requirement="one sentence on what, why and what to do")
def test_an_item_of_no_length_or_too_much_is_refused_and_changes_nothing(lab: CrdtLab) -> None:
    simulation = replicas(lab, lab.StateReplica, 5)
    for item in ("", "x" * 201):
        outcome = ask(simulation, "n1", lab.Add(item)).outcome
        assert isinstance(outcome, Failed)
        assert f"this one has {len(item)}" in outcome.reason
    ask_ok(simulation, "n1", lab.Add("x" * 200))
    assert ask_ok(simulation, "n1", lab.Look()) == ("x" * 200,)
    ask_ok(simulation, "n1", lab.Remove("never there"))


@graded(points=1, title="Whole states", requirement="Shapiro 2011, 2.2: the payload is sent")
def test_a_round_of_gossip_sends_all_that_is_held_and_begins_the_next(lab: CrdtLab) -> None:
    node = lab.StateReplica("n1", ("n2", "n3"))
    assert len(node.step(Start(0, {}))) == 1, "the timer"
    node.step(Invoke(1, 1, lab.Add("a")))
    node.step(Receive(2, "n2", lab.State(lab_list(lab))))
    effects = node.step(Fire(3, 1, lab.GossipAgain()))
    (told,) = effects_of(Broadcast, effects)
    assert [payload for _, payload in told.message.items.entries] == ["a", "c"]
    assert len(effects) == 2, "and the timer again"
    assert effects_of(Save, node.step(Receive(4, "n2", lab.State(lab_list(lab))))) == []
