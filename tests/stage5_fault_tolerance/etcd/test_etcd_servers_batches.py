"""Graded suite of the lab ``etcd``, part 3: what one batch holds, and how its changes end."""

from common.contract import CommandBatch, Return
from common.course.suites.grading import graded
from common.course.suites.kit import ask_ok
from common.values.history import Ok, Unknown
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


@graded(
    points=2,
    title="Who has given up",
    requirement="docstring of end: each that still waits gets what stands at its place",
)
def test_who_has_given_up_leaves_the_others_of_its_batch_their_own_results(lab: EtcdLab) -> None:
    for gone in range(4):
        for results in (("r0", "r1", "r2"), None):
            batches = lab.Batches()
            for call in range(3):
                until = 5 if call == gone else 9
                batches.waiting.append(lab.Asked(call, lab.Put(b"k%d" % call), until))
            number = batches.next(0).number
            given_up = batches.expire(5)
            assert [call for call, _ in given_up] == [gone][: gone < 3]
            assert all(isinstance(outcome, Unknown) for _, outcome in given_up)
            assert batches.end(number - 1, results) == [], "it is not applied yet"
            ended = dict(batches.end(number, results))
            assert list(ended) == [call for call in range(3) if call != gone]
            for call, outcome in ended.items():
                lost = isinstance(outcome, Unknown)
                assert lost if results is None else outcome == Ok(f"r{call}"), f"{call}: {outcome}"
            assert batches.end(number, results) == [], "once"


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
