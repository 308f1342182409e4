"""The pieces of a server's state in the lab ``etcd``, each alone: no node, no network, no clock."""

from common.contract import CommandBatch
from common.values.history import Failed, Ok, Unknown
from common.values.units import SECOND
from stage5_fault_tolerance.etcd.batches import MOST_COMMANDS, Batches
from stage5_fault_tolerance.etcd.commands import (
    Changes,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseTimeToLive,
    Put,
    Range,
)
from stage5_fault_tolerance.etcd.deadlines import MOST_AT_ONCE, Deadlines
from stage5_fault_tolerance.etcd.gathering import Gathering
from stage5_fault_tolerance.etcd.leases import Leases
from stage5_fault_tolerance.etcd.messages import Probe, Probed
from stage5_fault_tolerance.etcd.probes import Probes, answer
from stage5_fault_tolerance.etcd.problems import MOST_BYTES
from stage5_fault_tolerance.etcd.requests import REPEAT_AFTER, Asked
from stage5_fault_tolerance.etcd.results import LeaseResult, LeaseTimes
from stage5_fault_tolerance.etcd.store import Store
from stage5_fault_tolerance.etcd.texts import TIMED_OUT
from stage5_fault_tolerance.etcd.watches import Watches

LATE = Unknown(TIMED_OUT)


def filled(*requests: object) -> Batches:
    """Batches with these requests waiting: call 1 until time 1, call 2 until time 2 ..."""
    batches = Batches()
    for number, request in enumerate(requests, 1):
        batches.waiting.append(Asked(number, request, until=number))
    return batches


# Batches.


def test_a_batch_holds_what_waits_in_order_and_one_is_under_way_at_a_time() -> None:
    a, b, c = Put(b"a"), Put(b"b"), Put(b"c")
    batches = filled(a, b)
    assert batches.may_leave()
    batch = batches.next(now=0)
    assert (batch.number, batch.changes) == (1, CommandBatch((a, b)))
    batches.waiting.append(Asked(3, c, until=9))
    assert not batches.may_leave()
    assert batches.end(1, ("A", "B")) == [(1, Ok("A")), (2, Ok("B"))]
    assert batches.end(1, ("A", "B")) == [], "each is told once"
    assert batches.next(now=0).changes == CommandBatch((c,))
    assert batches.end(1, ("A", "B")) == [], "that is the batch before"
    assert batches.end(2, None) == [(3, LATE)], "it happened; with what result, nobody knows"
    assert batches.is_empty()


def test_a_batch_is_bounded_in_commands_and_in_bytes_but_one_alone_may_be_larger() -> None:
    batches = filled(*[Put(b"k")] * (MOST_COMMANDS + 3))
    assert len(batches.next(now=0).changes.commands) == MOST_COMMANDS
    large, half = Put(b"k", b"x" * MOST_BYTES), Put(b"k", b"x" * (MOST_BYTES // 2))
    batches = filled(large, half, half, half)
    sizes = []
    while batches.waiting:
        sizes.append(len(batches.next(now=0).changes.commands))
    assert sizes == [1, 1, 1, 1]


def test_what_waits_too_long_has_failed_and_what_was_sent_is_unknown() -> None:
    batches = filled(Put(b"a"), Put(b"b"))
    batches.next(now=0)
    batches.waiting.append(Asked(3, Put(b"c"), until=1))
    assert batches.expire(now=1) == [(3, Failed(TIMED_OUT)), (1, LATE)]
    assert batches.expire(now=1) == []
    assert batches.end(1, ("A", "B")) == [(2, Ok("B"))], "the other one has its answer"


def test_a_batch_is_sent_again_as_it_was() -> None:
    batches = filled(Put(b"a"))
    assert batches.again(now=5) is None
    batch = batches.next(now=0)
    assert not batches.is_silent(REPEAT_AFTER - 1)
    assert batches.is_silent(REPEAT_AFTER)
    assert batches.again(now=REPEAT_AFTER) == batch
    assert not batches.is_silent(REPEAT_AFTER + 1)


def test_each_try_to_gather_more_doubles_what_is_expected_or_the_time_to_the_next() -> None:
    gathering = Gathering(most=6)
    expected = []
    for _ in range(12):
        gathering.batch_left()
        expected.append(gathering.expected)
    assert expected == [1, 1, 1, 1, 1, 1, 1, 2, 4, 6, 6, 6]
    gathering.time_is_up(here=0)
    tries = 0
    for _ in range(100):
        gathering.batch_left()
        if gathering.expected > 1:
            tries += 1
            gathering.time_is_up(here=1)
    assert tries <= 6, "in vain: it tries after 2, 4, 8 ... batches"


# Probes.


def test_a_read_that_comes_while_a_probe_is_under_way_waits_for_the_next_one() -> None:
    probes = Probes()
    probes.waiting.append(Asked(1, LeaseKeepAlive(7), until=9))
    probes.waiting.append(Asked(2, LeaseTimeToLive(8), until=9))
    assert probes.next(now=0) == Probe(1, renew=(7,), times=(8,))
    late = Asked(3, Range(b"a"), until=9)
    probes.waiting.append(late)
    assert not probes.may_leave()
    probes.record_answer(Probed(0, 0, ()))
    assert not probes.may_leave(), "that is another probe's answer"
    probes.record_answer(Probed(1, 5, ()))
    probes.record_answer(Probed(1, 5, ()))
    assert probes.take_ready(applied=4) == [], "this copy is not as new"
    assert [asked.call for asked, _ in probes.take_ready(applied=5)] == [1, 2]
    probes.next(now=0)
    probes.record_answer(Probed(2, 3, ()))
    assert probes.take_ready(applied=5) == [(late, Probed(2, 3, ()))]
    assert probes.is_empty()


def test_reads_are_answered_in_the_order_of_their_probes() -> None:
    probes = Probes()
    for number, applied in ((1, 9), (2, 4)):
        probes.waiting.append(Asked(number, Range(b"a"), until=9))
        probes.next(now=0)
        probes.record_answer(Probed(number, applied, ()))
    assert probes.take_ready(applied=4) == [], "an earlier one waits for more"
    assert [asked.call for asked, _ in probes.take_ready(applied=9)] == [1, 2]


def test_a_read_that_takes_too_long_has_failed_wherever_it_waits() -> None:
    probes = Probes()
    for call in (1, 2, 3):
        probes.waiting.append(Asked(call, Range(b"a"), until=call))
        if call < 3:
            probes.next(now=0)
        if call < 2:
            probes.record_answer(Probed(1, 8, ()))
    assert probes.expire(now=2) == [(2, Failed(TIMED_OUT)), (1, Failed(TIMED_OUT))]
    assert probes.expire(now=3) == [(3, Failed(TIMED_OUT))]
    assert probes.take_ready(applied=8) == []
    assert not probes.is_empty(), "a probe is under way still"


def test_a_sign_of_life_is_answered_by_what_the_leader_said() -> None:
    store = Store()
    store.apply(LeaseGrant(9, 7))
    probed = Probed(1, 1, ((7, 9), (8, 0)))
    assert answer(store, LeaseKeepAlive(7), probed) == LeaseResult(1, 7, 9)
    assert answer(store, LeaseKeepAlive(8), probed) == LeaseResult(1, 8, 0)
    assert answer(store, LeaseKeepAlive(6), probed) == LeaseResult(1, 6, 0), "there is none"
    assert answer(store, LeaseTimeToLive(7), Probed(1, 1, ((7, 4),))) == LeaseTimes(1, 7, 4, 9)
    assert answer(store, LeaseTimeToLive(8), probed) == LeaseTimes(1, 8, -1, 0)


# Deadlines.


def test_a_lease_lives_from_when_it_is_known_and_a_sign_of_life_renews_it() -> None:
    leases, deadlines = Leases(), Deadlines()
    leases.grant(5, id=7)
    deadlines.know(leases, now=0)
    leases.grant(5, id=8)
    deadlines.know(leases, now=2 * SECOND)
    assert deadlines.left(7, now=2 * SECOND) == 3, "to know of another one renews nothing"
    assert deadlines.left(8, now=2 * SECOND) == 5
    assert deadlines.left(9, now=0) is None
    deadlines.renew(7, 5, now=4 * SECOND)
    assert deadlines.decide(now=7 * SECOND) == [8]
    assert deadlines.decide(now=7 * SECOND) == [], "its end is in the log already"
    deadlines.renew(8, 5, now=7 * SECOND)
    assert deadlines.left(8, now=7 * SECOND) == 0, "no sign of life helps any more"
    assert deadlines.left(7, now=9 * SECOND) == 1, "it is over, but nobody has decided so"
    assert deadlines.entries == 1


def test_a_lease_that_is_granted_again_under_its_number_begins_anew() -> None:
    leases, deadlines = Leases(), Deadlines()
    leases.grant(2, id=7)
    deadlines.know(leases, now=0)
    assert deadlines.decide(now=2 * SECOND) == [7]
    leases.end(7)
    deadlines.know(leases, now=3 * SECOND)
    leases.grant(2, id=7)
    deadlines.know(leases, now=4 * SECOND)
    assert deadlines.left(7, now=4 * SECOND) == 2
    assert deadlines.decide(now=6 * SECOND) == [7]


def test_of_many_leases_that_end_at_once_some_wait_for_the_next_look() -> None:
    leases, deadlines = Leases(), Deadlines()
    for id in range(1, MOST_AT_ONCE + 6):
        leases.grant(2, id)
    deadlines.know(leases, now=0)
    assert len(deadlines.decide(now=2 * SECOND)) == MOST_AT_ONCE
    assert len(deadlines.decide(now=2 * SECOND)) == 5
    assert deadlines.decide(now=2 * SECOND) == []
    assert deadlines.entries == 2


# Watches.


def test_questions_wait_for_their_revision_and_are_answered_once() -> None:
    watches = Watches()
    for call, revision in ((1, 4), (2, 2), (3, 4)):
        watches.add(call, Changes(revision))
    assert watches.take_ready(revision=1) == []
    assert watches.take_ready(revision=3) == [(2, Changes(2))]
    assert [call for call, _ in watches.take_ready(revision=4)] == [1, 3]
    assert watches.take_ready(revision=9) == []
