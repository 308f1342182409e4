"""Graded suite of the lab ``cap``, first part: the available register."""

from typing import Any

from common.check.convergence import check_convergence
from common.check.linearizability import check_linearizability
from common.check.models import Register
from common.check.sessions import check_sessions
from common.check.verdict import Answer
from common.contract.effects import Send
from common.contract.events import NodeId, Receive, Start
from common.contract.node import Node
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import (
    ask,
    ask_ok,
    crash_and_restart,
    effects_of,
    must_be_ok,
    must_hold,
)
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import Clock, Crash, Fault, Heal, Link, Partition, Restart
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage1_foundations.cap import by_hand
from tests.stage1_foundations.cap.cluster import (
    CLIENTS,
    CUT,
    END,
    HEALED,
    REPLICAS,
    REST,
    asked_between,
    cluster,
    partition,
    trouble,
    values_read_everywhere,
    work,
)
from tests.stage1_foundations.cap.lab import CapLab

LAB = "cap"

BOUND = 20 * MS
"""There and back in 5 ms each, and one flush of half a millisecond; nobody else is waited for."""

GOSSIP = 300 * MS
"""Six rounds of gossip: by then replicas that can reach each other agree."""

ALONE = Partition(CUT, tuple((f"n{number}", f"c{number}") for number in (1, 2, 3)))


def must_agree(lab: CapLab, simulation: Simulation) -> object:
    """Check that all clients read the same; returns the value."""
    read = values_read_everywhere(lab, simulation)
    must_hold(check_convergence(read))
    return read["c1"]


def must_keep_sessions(simulation: Simulation) -> None:
    must_hold(check_sessions(simulation.history))


@graded(points=3, title="Both sides answer", requirement="available: every request is answered")
def test_every_side_of_a_partition_answers_every_operation_in_time(
    lab: CapLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        for cut in (partition()[0], ALONE):
            simulation = cluster(lab, lab.AvailableReplica, seed, [cut])
            work(lab, simulation)
            simulation.run(REST)
            for client in CLIENTS:
                must_be_ok(*asked_between(simulation.history, CUT, END, client), within=BOUND)


@graded(points=2, title="The last one standing", requirement="available: no other is needed")
def test_one_replica_answers_when_both_others_are_down(lab: CapLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        faults = [Crash(CUT, "n1"), Crash(CUT, "n3")]
        simulation = cluster(lab, lab.AvailableReplica, seed, faults)
        work(lab, simulation)
        simulation.run(REST)
        must_be_ok(*asked_between(simulation.history, CUT, END, "c2"), within=BOUND)


@graded(points=3, title="The price", requirement="Gilbert and Lynch 2002, theorem 1")
def test_the_history_of_a_partition_is_not_linearizable(lab: CapLab, sweep: Sweep) -> None:
    """No register could do better: both sides were answered, and neither could know the other."""
    for seed in sweep(10):
        simulation = cluster(lab, lab.AvailableReplica, seed, partition())
        simulation.run(CUT)
        asked = [ask(simulation, "c1", lab.Write(1), within=BOUND)]
        asked += [ask(simulation, client, lab.Read(), within=BOUND) for client in CLIENTS]
        must_be_ok(*asked, within=BOUND)
        assert asked[1].outcome == Ok(1), f"c1 does not read what it wrote: {asked[1]}"
        assert asked[2].outcome == asked[3].outcome == Ok(None), "who told the other side?"
        verdict = check_linearizability(simulation.history, Register())
        assert verdict.answer is Answer.NO, "answered on both sides and linearizable: impossible"


@graded(points=3, title="Convergence", requirement="strong eventual consistency: Shapiro 2011, 2")
def test_all_replicas_hold_the_same_soon_after_the_partition_has_healed(
    lab: CapLab, sweep: Sweep
) -> None:
    restarts = [
        fault
        for replica in REPLICAS
        for fault in (Crash(HEALED, replica), Restart(HEALED, replica))
    ]
    for seed in sweep(5):
        for faults in ([], restarts):
            schedule = [ALONE, *faults, Heal(HEALED)]
            simulation = cluster(lab, lab.AvailableReplica, seed, schedule)
            simulation.run(CUT)
            for number, client in enumerate(CLIENTS):
                ask_ok(simulation, client, lab.Write(number), within=BOUND)
            simulation.run(HEALED - GOSSIP)
            apart = values_read_everywhere(lab, simulation)
            assert apart == {"c1": 0, "c2": 1, "c3": 2}, f"cut apart, each reads its own: {apart}"
            simulation.run(HEALED + GOSSIP)
            assert must_agree(lab, simulation) in (0, 1, 2), "they agree on what nobody wrote"


@graded(points=3, title="Convergence after anything", requirement="gossip until all agree")
def test_all_replicas_hold_the_same_in_the_calm_after_all_faults(lab: CapLab, sweep: Sweep) -> None:
    kinds = ("partition", "block", "crash", "pause", "link", "clock", "disk")
    for seed in sweep(14):
        faults = trouble(seed, *kinds, until=HEALED)
        simulation = cluster(lab, lab.AvailableReplica, seed, faults)
        work(lab, simulation, count=20, think=(0, 80 * MS))
        simulation.run(REST)
        must_agree(lab, simulation)


@graded(points=2, title="Last writer wins", requirement="an acknowledged write may be lost")
def test_of_two_writes_made_apart_one_wins_everywhere_and_for_good(
    lab: CapLab, sweep: Sweep
) -> None:
    for seed in sweep(5):
        simulation = cluster(lab, lab.AvailableReplica, seed, partition())
        simulation.run(CUT)
        apart = [
            ask(simulation, client, lab.Write(client), within=BOUND) for client in ("c1", "c2")
        ]
        must_be_ok(*apart, within=BOUND)
        simulation.run(HEALED + GOSSIP)
        winner = must_agree(lab, simulation)
        assert winner in ("c1", "c2"), f"{winner!r} is what neither wrote"
        for crashed in REPLICAS:
            crash_and_restart(simulation, crashed)
        simulation.run(simulation.now + GOSSIP)
        assert must_agree(lab, simulation) == winner, "the loser came back"


@graded(points=3, title="A Lamport clock", requirement="Lamport 1978, IR1 and IR2")
def test_a_write_that_saw_another_wins_over_it_whatever_the_clocks_show(
    lab: CapLab, sweep: Sweep
) -> None:
    """n2 writes what it knows to be newer, with a clock that is a minute behind all others."""
    for seed in sweep(5):
        clocks = [Clock(0, node, 60 * SECOND) for node in ("n1", "n3")]
        simulation = cluster(lab, lab.AvailableReplica, seed, clocks)
        for number in range(6):
            writer = "c2" if number % 2 else "c1"
            ask_ok(simulation, writer, lab.Write(number), within=BOUND)
            simulation.run(simulation.now + GOSSIP)
            assert must_agree(lab, simulation) == number, f"write({number}) came last"


@graded(points=3, title="Sessions", requirement="Terry 1994: for a client that stays at a replica")
def test_a_client_that_stays_at_a_replica_never_goes_back_in_time(
    lab: CapLab, sweep: Sweep
) -> None:
    kinds = ("partition", "block", "crash", "pause", "link", "clock", "disk")
    for seed in sweep(14):
        faults = trouble(seed, *kinds)
        simulation = cluster(lab, lab.AvailableReplica, seed, faults)
        work(lab, simulation, count=40)
        simulation.run(REST)
        must_keep_sessions(simulation)
        seen = {
            read.outcome.value
            for read in asked_between(simulation.history, 0, END, "c1", function="read")
            if isinstance(read.outcome, Ok) and isinstance(read.outcome.value, int)
        }
        assert any(value > 2000 for value in seen), "c1 never saw what c2 and c3 wrote"


@graded(points=2, title="Once", requirement="a repeated request is carried out once")
def test_a_write_that_arrives_twice_is_taken_once(lab: CapLab, sweep: Sweep) -> None:
    late = [
        Link(0, client, replica, latency=(1 * MS, 150 * MS), duplicate=1.0)
        for client, replica in zip(CLIENTS, REPLICAS, strict=True)
    ]
    crashes: list[Fault] = []
    for at in range(100, 1500, 100):
        crashes += [Crash(at * MS, "n1"), Restart((at + 5) * MS, "n1")]
    quiet: list[Fault] = []
    for seed in sweep(10):
        for faults in (quiet, crashes):
            simulation = cluster(lab, lab.AvailableReplica, seed, [*late, *faults])
            work(lab, simulation, think=(0, 20 * MS))
            simulation.run(REST)
            must_keep_sessions(simulation)
    by_hand.must_tell_clients_apart(lab)


@graded(points=2, title="Durable", requirement="a replica saves before it answers")
def test_what_was_acknowledged_by_one_replica_survives_its_crash(lab: CapLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        simulation = cluster(lab, lab.AvailableReplica, seed, [ALONE])
        simulation.run(CUT)
        for number in range(3):
            ask_ok(simulation, "c1", lab.Write(number), within=BOUND)
            crash_and_restart(simulation, "n1")
            read = ask(simulation, "c1", lab.Read(), within=1 * SECOND)
            assert read.outcome == Ok(number), f"after write({number}) and a crash: {read}"


@graded(points=2, title="Quiet once all is said", requirement="gossip does not echo for ever")
def test_gossip_does_not_multiply(lab: CapLab, sweep: Sweep) -> None:
    """Two others, and at most an answer from each, every few milliseconds: no storm of messages."""
    twice = LinkModel(duplicate=0.5)
    for seed in sweep(3):
        simulation = cluster(lab, lab.AvailableReplica, seed, partition(), link=twice)
        work(lab, simulation, count=10)
        simulation.run(REST)
        before = simulation.events
        simulation.run(REST + 1 * SECOND)
        per_round = (simulation.events - before) / 20
        assert must_agree(lab, simulation) is not None
        assert per_round <= 3 * 2 * 4, f"{per_round:.0f} events in 50 ms in which nothing happened"


@graded(points=2, title="Told at once", requirement="the others are told of a write, and hear soon")
def test_a_write_is_at_the_others_before_the_next_round_of_gossip(
    lab: CapLab, sweep: Sweep
) -> None:
    def rarely(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
        return lab.AvailableReplica(id, peers, gossip_every=10 * SECOND)

    for seed in sweep(3):
        simulation = cluster(lab, rarely, seed, [])
        ask_ok(simulation, "c1", lab.Write(7), within=BOUND)
        simulation.run(simulation.now + BOUND)
        read = values_read_everywhere(lab, simulation)
        assert read == dict.fromkeys(CLIENTS, 7), f"{read}, and the next gossip is seconds away"
    by_hand.must_gossip_as_often_as_told(lab)


@graded(points=2, title="Answered again", requirement="a repeated request is answered")
def test_a_write_whose_answer_was_lost_is_answered_when_it_comes_again(lab: CapLab) -> None:
    faults = [Link(0, "n1", "c1", loss=1.0), Link(100 * MS, "n1", "c1", loss=0.0)]
    simulation = cluster(lab, lab.AvailableReplica, 1, faults)
    written = ask(simulation, "c1", lab.Write(7), within=1 * SECOND)
    assert written.outcome == Ok(), f"{written}, though its replica has taken it"


@graded(points=2, title="Answered with what is newer", requirement="what is older here is told so")
def test_gossip_that_is_old_is_answered_with_what_is_newer_and_gossip_that_is_not_is_not(
    lab: CapLab,
) -> None:
    node = lab.AvailableReplica("n1", ("n2", "n3"))
    node.step(Start(0, {}))
    node.step(Receive(0, "c1", lab.WriteRequest(1, 7)))
    answer: Any
    (answer,) = node.step(Receive(0, "n2", lab.Gossip(lab.available.Tagged())))
    assert (answer.to, answer.message.held.value) == ("n2", 7), "n2 does not have write(7) yet"
    assert node.step(Receive(0, "n2", answer.message)) == [], "both hold the same: all is said"
    for name, told in (("m9", True), ("n2", False)):
        node = lab.AvailableReplica("n1", ("n2", "n3"))
        node.step(Start(0, {}))
        node.step(Receive(0, "c1", lab.WriteRequest(1, 7)))
        other = lab.available.Tagged((1, name), 8)
        said = effects_of(Send, node.step(Receive(0, "n3", lab.Gossip(other))))
        assert bool(said) == told, f"of one counter the greater name is newer: n1 or {name}"
        (read,) = effects_of(Send, node.step(Receive(0, "c1", lab.ReadRequest(2))))
        assert read.message.value == (7 if told else 8)
    by_hand.must_take_any_value_that_is_newer(lab)
