"""Graded suite of the lab ``raft``, part 6: reads past the log (section 8; thesis 6.4)."""

from random import Random
from typing import Any

from common.check.linearizability import check_linearizability
from common.check.models import KEY_VALUE, KeyValue
from common.check.verdict import Answer
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import Wire, ask_ok, must_be_linearizable, must_end, names
from common.sim.simulation import Simulation
from common.values.faults import Clock, Fault, Heal, Partition
from common.values.history import Ok
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks_outside import elect
from tests.stage4_consensus.raft.cluster import (
    ADMIN,
    cluster,
    entries_sent,
    sweep_once,
    trouble,
    work,
)
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"

PERCENT = 10_000
"""Parts per million."""


def get(lab: RaftLab, one: OneServer, number: int = 1, client: str = "c1") -> Any:
    """Let a client ask what the register x holds; returns what is sent."""
    return one.receive(client, lab.QueryRequest(number, lab.Get("x")))


def answer_round(lab: RaftLab, one: OneServer, sender: str, round: int) -> Any:
    """Let a follower answer a round; returns what is sent."""
    last = one.server.log.last_index
    return one.receive(sender, lab.AppendEntriesReply(1, round, True, last, last))


def leader_of_x(lab: RaftLab, **config: Any) -> OneServer:
    """A leader that has committed "a" in the register x."""
    one = OneServer(lab, **config)
    one.accept("n2", one.be_leader())
    one.accept("n2", one.command("a"))
    return one


@graded(
    points=4,
    title="A leader asks whether it still leads",
    requirement="section 8: a leader must check whether it has been deposed before processing a "
    "read-only request, by exchanging heartbeats with a majority",
)
def test_a_query_is_answered_after_a_majority_answers_a_later_round(lab: RaftLab) -> None:
    one = leader_of_x(lab)
    length = len(one.entries())
    sent = get(lab, one)
    asked = find(sent, lab.AppendEntries)
    assert not find(sent, lab.Answer), "another may have been elected since"
    assert asked, "nobody was asked"
    assert not find(answer_round(lab, one, "n3", asked[0].round - 1), lab.Answer), "too old a word"
    answers = answer_round(lab, one, "n3", asked[0].round)
    assert only(answers, lab.Answer) == lab.Answer(1, "a")
    assert len(one.entries()) == length, "a query needs no entry"


@graded(
    points=3,
    title="A new leader does not know yet",
    requirement="section 8: it needs to commit a blank no-op before it knows which entries are "
    "committed",
)
def test_a_new_leader_answers_no_query_before_its_no_op_is_committed(lab: RaftLab) -> None:
    one = OneServer(lab)
    command = lab.Numbered("c9", 1, lab.Append("x", "old;"))
    one.receive("n2", lab.AppendEntries(1, 0, 0, (lab.Entry(1, command),), 0, 0))
    sent = one.be_leader() + get(lab, one)
    asked = find(sent, lab.AppendEntries, "n3")[-1]
    refusal = lab.AppendEntriesReply(2, asked.round, False, 1, 0, 0, 1)
    sent = one.receive("n3", refusal)
    assert not find(sent, lab.Answer), "it leads, but its state may be behind"
    answers = one.accept("n3", sent)
    assert only(answers, lab.Answer) == lab.Answer(1, "old;")


@graded(
    points=4,
    title="A deposed leader",
    requirement="section 8: without precautions read-only operations run the risk of stale data",
)
def test_a_deposed_leader_answers_no_query(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        simulation, leader = divided(lab, seed)
        cut(simulation, leader)
        asked = [simulation.call("c1", lab.Get("x"))]
        ask_ok(simulation, "c2", lab.Put("x", "2"))
        asked.append(simulation.call(ADMIN, lab.Get("x")))
        simulation.run(simulation.now + 200 * MS)
        for each in asked:
            assert not isinstance(each.outcome, Ok), f"{leader} was cut off, but {each}"
        simulation.inject(Heal(simulation.now))
        simulation.run(simulation.now + 4 * SECOND)
        must_be_linearizable(simulation.history, KEY_VALUE)


def divided(lab: RaftLab, seed: int, faults: tuple[Fault, ...] = (), **config: Any) -> Any:
    """A cluster of five that is about to be divided.

    Returns:
        The simulation, and the leader's name; x holds "1", and all clients know the leader.
    """
    simulation = cluster(lab, seed, 5, faults, config)
    leader = elect(simulation).id
    for client in ("c1", "c2", ADMIN):
        ask_ok(simulation, client, lab.Put("x", "1"))
    return simulation, leader


def cut(simulation: Simulation, leader: str) -> None:
    """Cut the leader off, with c1 and the administrator."""
    rest = tuple(id for id in names(5) if id != leader)
    sides = ((leader, "c1", ADMIN), (*rest, "c2", "c3"))
    simulation.inject(Partition(simulation.now, sides))


@graded(
    points=2,
    title="A query changes nothing",
    requirement="section 8: read-only operations need no entry, so what would change something "
    "must not come in as one: it would happen on the leader alone",
)
def test_a_query_that_would_change_something_changes_nothing(lab: RaftLab) -> None:
    for smuggled in (lab.Append("x", "b"), lab.CommandBatch((lab.Put("x", ""), lab.Get("x")))):
        one = leader_of_x(lab)
        asked = find(one.receive("c1", lab.QueryRequest(1, smuggled)), lab.AppendEntries)
        answer = only(answer_round(lab, one, "n2", asked[0].round), lab.Answer)
        assert answer.value in (None, (None, "a"))
        assert one.held() == "a"


@graded(
    points=2,
    title="Queries share a round",
    requirement="thesis 6.4: the leader can use a single round for any number of queries",
)
def test_queries_that_come_during_a_round_share_the_next_one(lab: RaftLab) -> None:
    one = leader_of_x(lab)
    first = find(get(lab, one), lab.AppendEntries)[0].round
    for number in range(2, 12):
        assert not get(lab, one, 1, f"c{number}"), "the round under way began too early for it"
    sent = answer_round(lab, one, "n2", first)
    assert [each.number for each in find(sent, lab.Answer)] == [1]
    asked = find(sent, lab.AppendEntries)
    assert len(asked) == 2, "one round to two followers, for ten queries"
    assert len(find(answer_round(lab, one, "n3", asked[0].round), lab.Answer)) == 10


@graded(
    points=3,
    title="A lease saves the round",
    requirement="thesis 6.4.1: the leader extends its lease from the start of a round that a "
    "majority has answered",
)
def test_a_leader_with_a_lease_answers_at_once_and_no_longer_than_it_lasts(lab: RaftLab) -> None:
    one = leader_of_x(lab, lease_us=100 * MS)
    sent = get(lab, one)
    assert not find(sent, lab.Answer), "there is no lease yet"
    began = one.now
    one.now += 30 * MS
    answer_round(lab, one, "n2", find(sent, lab.AppendEntries)[0].round)
    one.now = began + 99 * MS
    assert find(get(lab, one, 2), lab.Answer) == [lab.Answer(2, "a")]
    one.now = began + 100 * MS
    assert not find(get(lab, one, 3), lab.Answer), "it counts from the beginning of the round"
    two = leader_of_x(lab, lease_us=100 * MS)
    began, sent = two.now, get(lab, two)
    two.fire(lab.HeartbeatDue)
    answer_round(lab, two, "n2", find(sent, lab.AppendEntries)[0].round)
    two.now = began + 99 * MS
    assert find(get(lab, two, 2), lab.Answer) == [lab.Answer(2, "a")]
    two.now = began + 100 * MS
    assert not find(get(lab, two, 3), lab.Answer), "nobody has answered the later round"
    three = leader_of_x(lab, lease_us=100 * MS)
    beat = find(three.fire(lab.HeartbeatDue), lab.AppendEntries)[0].round
    answer_round(lab, three, "n2", beat)
    three.now += 99 * MS
    assert find(get(lab, three), lab.Answer), "a round counts, though no query waits for it"


@graded(
    points=2,
    title="No lease while handing over",
    requirement="thesis 6.4.1: the leader must expire its lease when it requests an election",
)
def test_a_leader_that_hands_over_relies_on_no_lease_any_more(lab: RaftLab) -> None:
    one = leader_of_x(lab, lease_us=100 * MS)
    sent = get(lab, one)
    answer_round(lab, one, "n2", find(sent, lab.AppendEntries)[0].round)
    assert find(get(lab, one, 2), lab.Answer)
    assert find(one.receive("admin", lab.TransferRequest(1, "n2")), lab.TimeoutNow)
    one.fire(lab.TransferTimeout)
    sent = get(lab, one, 3)
    assert not find(sent, lab.Answer), "n2 may begin its election at any later moment"
    sent = answer_round(lab, one, "n2", find(sent, lab.AppendEntries)[0].round)
    assert find(sent, lab.Answer), "a round is as good as ever"
    assert not find(get(lab, one, 4), lab.Answer)


@graded(
    points=3,
    title="Leases and clocks",
    requirement="thesis 6.4.1: leases assume a bound on clock drift across servers",
)
def test_a_slow_clock_breaks_leases_and_cannot_break_rounds(lab: RaftLab, sweep: Sweep) -> None:
    """The schedule that breaks it: the leader's clock is five times too slow, and it is cut off."""
    stale = 0
    for seed in sweep(6):
        for lease_us in (140 * MS, 0):
            simulation, leader = divided(lab, seed, lease_us=lease_us, heartbeat_every=20 * MS)
            simulation.inject(Clock(simulation.now, leader, drift=-80 * PERCENT))
            ask_ok(simulation, "c1", lab.Put("x", "1"))
            ask_ok(simulation, "c1", lab.Get("x"))
            cut(simulation, leader)
            written = simulation.call("c2", lab.Put("x", "2"))
            read_until(lab, simulation, written)
            verdict = check_linearizability(simulation.history, KeyValue())
            if lease_us:
                stale += verdict.answer is Answer.NO
            else:
                assert verdict.answer is Answer.YES, verdict.sentence
    assert stale, "a lease of a clock that is far too slow outlives the next election"


def read_until(lab: RaftLab, simulation: Simulation, written: Any) -> None:
    """Let c1 ask its old leader as often as it gets an answer, until after the write is done."""
    limit = simulation.now + SECOND
    while simulation.now < limit:
        asked = simulation.call("c1", lab.Get("x"))
        simulation.run(simulation.now + 12 * MS)
        if not isinstance(asked.outcome, Ok):
            return
    assert written.returned_at is None, "c1 is still answered by a leader that is cut off"


@graded(
    points=2,
    title="What a read costs",
    requirement="section 8: message budget: one round of heartbeats, or nothing with a lease",
)
def test_a_read_costs_one_round_and_with_a_lease_nothing(lab: RaftLab) -> None:
    for lease_us, most in ((0, 25 * 4 * 2), (100 * MS, 0)):
        wire = Wire()
        config = {"lease_us": lease_us}
        simulation = cluster(lab, 1, 3, config=config, observers=[wire])
        elect(simulation)
        ask_ok(simulation, "c1", lab.Put("x", "1"))
        ask_ok(simulation, "c1", lab.Get("x"))
        simulation.run(simulation.now + 200 * MS)
        wire.forget()
        start = simulation.now
        for _ in range(25):
            ask_ok(simulation, "c1", lab.Get("x"))
        heartbeats = ((simulation.now - start) // (50 * MS) + 1) * 4
        assert not entries_sent(lab, wire)
        assert len(wire.between(names(3))) <= heartbeats + most // 2


@graded(
    points=4,
    title="Linearizable reads in all kinds of trouble",
    requirement="section 8: with clocks that are wrong by any amount",
)
def test_reads_are_linearizable_whatever_the_clocks_show(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(8):
        sweep_once(lab, seed, 5, ("partition", "block", "clock", "pause", "crash"))


@graded(
    points=3,
    title="Leases within their bound",
    requirement="thesis 6.4.1: safe while clocks drift by no more than was assumed",
)
def test_leases_are_linearizable_while_clocks_drift_by_a_tenth(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(6):
        random = Random(f"{seed}/drift")
        faults: list[Fault] = [
            Clock(0, id, drift=random.randrange(-10, 11) * PERCENT) for id in names(5)
        ]
        faults += trouble(seed, 5, "partition", "crash", "block", until=2 * SECOND)
        simulation = cluster(lab, seed, 5, faults, {"lease_us": 120 * MS})
        workload = work(lab, simulation, think=(0, 100 * MS))
        must_end(simulation, workload, limit=12 * SECOND)
        must_be_linearizable(simulation.history, KEY_VALUE)
