"""Graded suite of the lab ``raft``: the leader's disk works in parallel (thesis 10.2.1)."""

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import STEADY, ask_ok, names
from common.values.faults import Disk
from common.values.units import MS
from stage4_consensus.raft.checks_outside import elect
from tests.stage4_consensus.raft.cluster import cluster, sweep_once
from tests.stage4_consensus.raft.lab import RaftLab
from tests.stage4_consensus.raft.one_server import OneServer, find, only

LAB = "raft"

KIND = {"kind": "ParallelRegisters"}


@graded(
    points=2,
    title="Counts what it has saved",
    requirement="thesis 10.2.1: the leader counts its own disk once its write has completed",
)
def test_a_leader_that_has_not_saved_an_entry_does_not_count_itself(lab: RaftLab) -> None:
    one = OneServer(lab, names(5), **KIND, pre_vote=False)
    one.fire(lab.ElectionTimeout)
    one.receive("n2", lab.RequestVoteReply(1, True))
    sent = one.receive("n3", lab.RequestVoteReply(1, True))
    one.fire(lab.WriteDue)
    for follower in ("n2", "n3"):
        one.accept(follower, sent)
    assert one.server.commit_index == 1
    sent = one.command("a")
    assert find(sent, lab.AppendEntries, "n2"), "the followers need not wait for its disk"
    assert len(one.entries()) == 1
    assert not find(one.accept("n2", sent) + one.accept("n3", sent), lab.Answer), "two of five"
    assert only(one.fire(lab.WriteDue), lab.Answer).number == 1
    assert len(one.entries()) == 2
    one.command("b", 2)
    one.append(9, (2, 1), [])
    assert len(one.entries()) == 3, "as a follower it answers for all of its log"


@graded(
    points=2,
    title="One flush less",
    requirement="thesis 10.2.1: the disk write is not on the path before the network any more",
)
def test_a_command_waits_for_the_slowest_of_a_majority_of_disks_only(lab: RaftLab) -> None:
    for kind, flushes in (("RaftRegisters", 2), ("ParallelRegisters", 1)):
        simulation = cluster(lab, 1, 3, config={"kind": kind}, link=STEADY)
        elect(simulation)
        ask_ok(simulation, "c1", lab.Put("x", "1"))
        for id in names(3):
            simulation.inject(Disk(simulation.now, id, 30 * MS))
        start = simulation.now
        ask_ok(simulation, "c1", lab.Put("x", "2"))
        assert (simulation.now - start) // (30 * MS) == flushes, kind


@graded(
    points=3,
    title="As safe as before",
    requirement="thesis 10.2.1: through crashes at any moment, with slow disks",
)
def test_it_is_linearizable_when_leaders_crash_before_they_have_written(
    lab: RaftLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        kinds = ("crash", "disk", "partition", "link", "block")
        sweep_once(lab, seed, 3 + 2 * (seed % 2), kinds, config=KIND)
