"""Graded suite of the lab ``etcd``, part 3: what one batch holds, and how its changes end."""

from common.contract import CommandBatch, Return
from common.course.suites.grading import graded
from common.course.suites.kit import ask_ok
from common.values.history import Unknown
from common.values.units import MS, SECOND
from stage4_consensus.raft.messages import AppendEntries
from tests.stage5_fault_tolerance.etcd.cluster import SLOW, cluster, elected, others_than, shown
from tests.stage5_fault_tolerance.etcd.lab import EtcdLab
from tests.stage5_fault_tolerance.etcd.one_server import Follower, sent

LAB = "etcd"


@graded(
    points=2,
    title="Batches are bounded",
    requirement="docstring of next: most commands, most bytes, in the order in which they came",
)
def test_a_batch_holds_as_much_as_it_may_and_no_more(lab: EtcdLab) -> None:
    some = lab.Put(b"k", b"x" * 500_000)
    rest = lab.MOST_BYTES - lab.size_of(some) - lab.size_of(lab.Put(b"k", b""))
    exact, larger = lab.Put(b"k", b"x" * rest), lab.Put(b"k", b"x" * (rest + 1))
    small = lab.Put(b"k", b"y")
    for waiting, taken in {
        (small,) * (lab.MOST_COMMANDS + 9): lab.MOST_COMMANDS,
        (some, exact, small): 2,
        (some, larger, small): 1,
        (exact, small, some, small): 2,
    }.items():
        one, first = Follower(lab), lab.Put(b"first")
        one.hear("n2", AppendEntries(1, 0, 0, (), 0, 1))
        one.ask(first)
        for request in waiting:
            assert not sent(one.ask(request)), "one batch at a time"
        done = one.take_of("n1", 1, CommandBatch((first,)), index=1, commit=1)
        (batch,) = [each for each in sent(done) if type(each).__name__ == "Batch"]
        assert batch.number == 2
        assert batch.changes.commands == waiting[:taken]
    small, large = lab.Put(b"k", b"y"), lab.Put(b"k", b"x" * lab.MOST_BYTES)
    for order in ((large, small), (large, large, small), (small, large, small)):
        batches = lab.Batches()
        batches.waiting.extend(lab.Asked(call, each, 9) for call, each in enumerate(order))
        for request in order:
            assert batches.next(0).changes.commands == (request,), "alone, however large it is"
            batches.under_way = None
        assert batches.is_empty(), "nothing more waits"


@graded(
    points=1,
    title="Done, but with what result?",
    requirement="docstring of end: they happened, but clients cannot be told with what result",
)
def test_a_change_whose_result_is_lost_ends_unknown(lab: EtcdLab) -> None:
    one = Follower(lab)
    one.hear("n2", AppendEntries(1, 0, 0, (), 0, 1))
    one.ask(lab.Put(b"a"))
    later = one.take_of("n1", 7, lab.Put(b"b"), index=1, commit=1)
    (ended,) = [each for each in later if isinstance(each, Return)]
    assert isinstance(ended.outcome, Unknown), "batch 1 is applied, for batch 7 is"


def test_a_batch_that_takes_long_is_in_the_log_once_however_often_it_is_repeated(
    lab: EtcdLab,
) -> None:
    config = {**SLOW, "election_timeout": (9 * SECOND, 10 * SECOND), "snapshot_every": 100}
    simulation = cluster(lab, 5, disk_latency=1500 * MS, config=config)
    leader = elected(simulation, within=30 * SECOND)
    ask_ok(simulation, leader, lab.Put(b"k", b"x"), within=20 * SECOND)
    for asked in (*others_than(leader), leader):
        before = shown(simulation, leader, "raft/last")
        ask_ok(simulation, asked, lab.Put(b"k", b"x"), within=20 * SECOND)
        assert shown(simulation, leader, "raft/last") == before + 1, f"{asked} repeats its batch"
        assert elected(simulation) == leader
