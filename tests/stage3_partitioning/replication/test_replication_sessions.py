"""Graded suite of the lab ``replication``, third part: reading at followers that lag."""

from collections.abc import Sequence

from common.check.causal import check_causal
from common.check.sessions import Guarantee, check_sessions
from common.check.verdict import Answer
from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import ask, ask_ok, must_end, must_hold
from common.sim.simulation import Simulation
from common.values.faults import Link
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND
from tests.stage3_partitioning.replication.lab import ReplicationLab
from tests.stage3_partitioning.replication.room import (
    ROUGH,
    SEVERAL,
    Hand,
    busy,
    cluster,
    cut_off,
    follower_with,
    to,
)

LAB = "replication"

WRITES, READS = "read your writes", "monotonic reads"
ALL_READS = 60
"""One read in three is at the member that is behind, by chance: of so many surely one is."""


def lagging(lab: ReplicationLab, keeps: Sequence[str], seed: int = 0) -> Simulation:
    """n3 is cut off from the other members, and answers clients."""
    faults = cut_off("n3", 300 * MS, 20 * SECOND)
    config = {"keeps": tuple(keeps)}
    return cluster(lab, lab.Serving, lab.Session, seed, faults, client_config=config)


@graded(points=2, title="Far enough", requirement="a member answers from at_least on, or says no")
def test_a_member_answers_a_read_only_if_it_is_far_enough(lab: ReplicationLab) -> None:
    follower = follower_with(lab, lab.Serving, 1, 1)
    for at_least in ((0, 0), (1, 1), (1, 2)):
        sent = follower.hears("c1", lab.GetRequest(5, "x", at_least))
        assert sent == [("c1", lab.Got(5, "1.2", (1, 2)))], at_least
    for at_least in ((1, 3), (2, 1)):
        sent = follower.hears("c1", lab.GetRequest(6, "x", at_least))
        assert sent == [("c1", lab.Behind(6, "n1"))], at_least
    old = Hand(lab.Serving("n1", ("n2", "n3")))
    sent = old.hears("c1", lab.GetRequest(7, "x", (2, 1)))
    assert sent == [("c1", lab.Behind(7, "n1"))], "it leads no longer, and has not heard of that"


def session(lab: ReplicationLab, *keeps: str) -> Hand:
    """A client that begins."""
    servers = ("n1", "n2", "n3")
    return Hand(lab.Session("c1", servers, servers=servers, keeps=keeps))


def reads(lab: ReplicationLab, client: Hand) -> tuple[int, tuple[int, int]]:
    """Let it read; returns the number of its request, and from which position on."""
    request = client.invoke(lab.Get("x"))[0].message
    return request.number, request.at_least


def writes(lab: ReplicationLab, client: Hand, position: tuple[int, int]) -> None:
    """Let it write, and be told that it is done at this position."""
    number = client.invoke(lab.Put("x", "a"))[0].message.number
    client.hears("n1", lab.PutDone(number, position))


@graded(points=2, title="Two memories", requirement="Terry 1994: writes and reads, each if kept")
def test_a_read_asks_for_the_position_of_the_last_write_and_of_the_last_read(
    lab: ReplicationLab,
) -> None:
    expected = {(WRITES, READS): (1, 7), (WRITES,): (1, 4), (READS,): (1, 7), (): (0, 0)}
    for keeps, at_least in expected.items():
        client = session(lab, *keeps)
        assert reads(lab, client)[1] == (0, 0)
        client = session(lab, *keeps)
        number, _ = reads(lab, client)
        client.hears("n2", lab.Got(number, None, (1, 7)))
        writes(lab, client, (1, 4))
        assert reads(lab, client)[1] == at_least, keeps
    client = session(lab, WRITES, READS)
    number, _ = reads(lab, client)
    client.hears("n2", lab.Got(number, None, (1, 9)))
    writes(lab, client, (2, 3))
    assert reads(lab, client)[1] == (2, 3), "the later epoch is further, whatever the offset"


@graded(points=1, title="Only further", requirement="a memory never goes back")
def test_an_older_answer_does_not_take_back_what_is_remembered(lab: ReplicationLab) -> None:
    client = session(lab, WRITES, READS)
    writes(lab, client, (2, 3))
    writes(lab, client, (1, 9))
    number, at_least = reads(lab, client)
    assert at_least == (2, 3)
    client.hears("n2", lab.Got(number, None, (2, 5)))
    number, _ = reads(lab, client)
    client.hears("n2", lab.Got(number, None, (2, 4)))
    assert reads(lab, client)[1] == (2, 5)


@graded(points=1, title="Shown to nobody", requirement="who comes too late does not count")
def test_an_answer_for_which_nobody_waits_is_not_remembered(lab: ReplicationLab) -> None:
    client = session(lab, READS)
    number, _ = reads(lab, client)
    client.hears("n2", lab.Got(number, "a", (1, 2)))
    client.hears("n3", lab.Got(number, "b", (1, 8)))
    assert reads(lab, client)[1] == (1, 2)


@graded(points=1, title="To the leader", requirement="who is told Behind goes on at once")
def test_a_client_that_is_told_behind_asks_the_leader_at_once(lab: ReplicationLab) -> None:
    client = session(lab, WRITES)
    number, _ = reads(lab, client)
    sent = client.hears("n3", lab.Behind(number, "n2"))
    assert [each for each, _ in sent] == ["n2"]
    assert to(sent, lab.GetRequest)[0].number == number
    client = session(lab, WRITES)
    number, _ = reads(lab, client)
    assert client.hears("n3", lab.Behind(number, None)) == []


@graded(points=1, title="Why not", requirement="a read that fails says who was behind")
def test_a_read_that_nobody_could_answer_says_why(lab: ReplicationLab) -> None:
    servers = ("n1", "n2", "n3")
    client = Hand(lab.Session("c1", servers, servers=servers, attempts=1))
    number, _ = reads(lab, client)
    client.hears("n3", lab.Behind(number, None))
    client.wait(SECOND)
    (outcome,) = client.ended
    assert isinstance(outcome, Failed)
    assert "n3" in outcome.reason


@graded(points=2, title="Read your writes", requirement="broken without, kept with a position")
def test_a_client_sees_its_own_writes_at_every_member_and_misses_them_without(
    lab: ReplicationLab,
) -> None:
    for keeps, kept in (((WRITES,), True), ((READS,), False), ((), False)):
        missed = False
        for seed in range(6 if kept else 60):  # one read in a few is at the member that is behind
            simulation = lagging(lab, keeps, seed)
            simulation.run(400 * MS)
            ask_ok(simulation, "c1", lab.Put("menu", "soup"))
            missed |= ask_ok(simulation, "c1", lab.Get("menu")) != "soup"
            if missed:
                break
        assert missed is not kept, f"kept: {keeps}"


@graded(points=2, title="Monotonic reads", requirement="broken without, kept with a position")
def test_a_client_never_sees_time_run_backward_and_does_without(lab: ReplicationLab) -> None:
    for keeps, kept in (((READS,), True), ((WRITES,), False), ((), False)):
        simulation = lagging(lab, keeps)
        simulation.run(400 * MS)
        ask_ok(simulation, "c1", lab.Put("menu", "soup"))
        simulation.run(600 * MS)
        for _ in range(ALL_READS):
            ask(simulation, "c2", lab.Get("menu"))
        verdict = check_sessions(simulation.history, [Guarantee.MONOTONIC_READS])
        assert verdict.answer is (Answer.YES if kept else Answer.NO), f"{keeps}: {verdict.sentence}"
        assert any(each.outcome == Ok("soup") for each in simulation.history)


@graded(points=2, title="Consistent prefix", requirement="no answer without its question")
def test_nobody_sees_an_answer_and_then_misses_its_question(lab: ReplicationLab) -> None:
    for keeps, kept in (((WRITES, READS), True), ((), False)):
        simulation = lagging(lab, keeps)
        simulation.run(400 * MS)
        ask_ok(simulation, "c1", lab.Put("menu", "is it fish?"))
        simulation.run(600 * MS)
        while ask_ok(simulation, "op", lab.Get("menu")) is None:
            pass
        ask_ok(simulation, "op", lab.Put("price", "it is"))
        for _ in range(ALL_READS):
            ask(simulation, "c2", lab.Get("price"))
            ask(simulation, "c2", lab.Get("menu"))
        verdict = check_causal(simulation.history)
        assert verdict.answer is (Answer.YES if kept else Answer.NO), f"{keeps}: {verdict.sentence}"


@graded(points=3, title="Under all trouble", requirement="the guarantees hold while copies lag")
def test_the_guarantees_hold_while_messages_are_lost_and_members_are_cut_off(
    lab: ReplicationLab, sweep: Sweep
) -> None:
    for seed in sweep(SEVERAL):
        slow = Link(0, "n1", "n2", latency=(50 * MS, 200 * MS))
        faults = [slow, *cut_off("n3", 200 * MS, 600 * MS)]
        mode = {"mode": "async"}
        simulation = cluster(lab, lab.Serving, lab.Session, seed, faults, config=mode, link=ROUGH)
        workload = busy(lab, simulation, count=20)
        must_end(simulation, workload, limit=12 * SECOND)
        wanted = [Guarantee.READ_YOUR_WRITES, Guarantee.MONOTONIC_READS]
        must_hold(check_sessions(simulation.history, wanted))
        must_hold(check_causal(simulation.history))
