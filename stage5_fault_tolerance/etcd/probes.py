"""Linearizable reads on every server: ask the leader how new the copy has to be, wait, and look.

Thesis, section 6.4, as etcd does it. A server that is asked sends the leader a probe; the leader
answers by ReadIndex how many commands were applied; once this server has applied as many, it reads
its own copy. All reads that come while a probe is under way share the next one. Pure: it sends
nothing.

A sign of life for a lease takes the same way, without an entry in the log: the leader renews the
lease when it is proven that it still led after the probe had come. So any later leader lets the
lease live for its whole time again, counted from later on.
"""

from dataclasses import dataclass

from common.contract import CallId
from common.values.history import Failed, Outcome
from stage5_fault_tolerance.etcd.commands import LeaseKeepAlive, LeaseTimeToLive
from stage5_fault_tolerance.etcd.messages import Probe, Probed
from stage5_fault_tolerance.etcd.requests import REPEAT_AFTER, Asked
from stage5_fault_tolerance.etcd.results import LeaseResult, LeaseTimes
from stage5_fault_tolerance.etcd.store import Store
from stage5_fault_tolerance.etcd.texts import TIMED_OUT


@dataclass(slots=True)
class UnderWay:
    """A probe that is not answered, who waits for its answer, and when it was sent last."""

    probe: Probe
    asked: list[Asked]
    sent_at: int


@dataclass(slots=True)
class Proven:
    """What a probe's answer said, and the reads that wait until this copy is as new."""

    probed: Probed
    asked: list[Asked]


class Probes:
    """The reads that a server was asked for and has not answered.

    Attributes:
        last_number: of the latest probe. Only grows, over crashes too.
        waiting: those for the next probe.
        under_way: the probe that was sent, or None.
        proven: those of earlier probes, in the order of the probes.
    """

    def __init__(self) -> None:
        self.last_number = 0
        self.waiting: list[Asked] = []
        self.under_way: UnderWay | None = None
        self.proven: list[Proven] = []

    def may_leave(self) -> bool:
        """Whether there is something to ask, and no answer is on its way."""
        return self.under_way is None and bool(self.waiting)

    def next(self, now: int) -> Probe:
        """Make a probe for what waits; from now on it is under way.

        A read that comes later must not share it: the leader may have said already how new a copy
        has to be, and more may have been acknowledged since.
        """
        asked, self.waiting = self.waiting, []
        requests = [each.request for each in asked]
        renew = tuple(each.id for each in requests if isinstance(each, LeaseKeepAlive))
        times = tuple(each.id for each in requests if isinstance(each, LeaseTimeToLive))
        self.last_number += 1
        probe = Probe(self.last_number, renew, times)
        self.under_way = UnderWay(probe, asked, now)
        return probe

    def record_answer(self, probed: Probed) -> None:
        """Now it is known how new this copy has to be. An answer that comes twice says nothing."""
        if self.under_way is not None and self.under_way.probe.number == probed.number:
            self.proven.append(Proven(probed, self.under_way.asked))
            self.under_way = None

    def take_ready(self, applied: int) -> list[tuple[Asked, Probed]]:
        """The reads for which a copy that has applied so many commands is new enough."""
        ready: list[tuple[Asked, Probed]] = []
        while self.proven and self.proven[0].probed.applied <= applied:
            proven = self.proven.pop(0)
            ready += [(asked, proven.probed) for asked in proven.asked]
        return ready

    def expire(self, now: int) -> list[tuple[CallId, Outcome]]:
        """Give up what took too long; returns the ends.

        A read has no effect, so it has failed. So has a sign of life: if it helped after all, that
        does no harm.
        """
        ends: list[tuple[CallId, Outcome]] = []
        under_way = [self.under_way.asked] if self.under_way is not None else []
        for asked in (self.waiting, *under_way, *(each.asked for each in self.proven)):
            ends += [(each.call, Failed(TIMED_OUT)) for each in asked if each.until <= now]
            asked[:] = [each for each in asked if each.until > now]
        return ends

    def is_silent(self, now: int) -> bool:
        """Whether the probe is under way for so long that it may be lost."""
        return self.under_way is not None and now - self.under_way.sent_at >= REPEAT_AFTER

    def again(self, now: int) -> Probe | None:
        """The probe under way, to be sent once more."""
        if self.under_way is None:
            return None
        self.under_way.sent_at = now
        return self.under_way.probe

    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return self.under_way is None and not self.waiting and not self.proven


def answer(store: Store, request: object, probed: Probed) -> object:
    """What a copy that is new enough answers to a read.

    Args:
        store: the copy.
        request: what was asked.
        probed: what the leader said of leases.
    """
    revision = store.history.revision
    left = dict(probed.left)
    match request:
        case LeaseKeepAlive(id):
            return LeaseResult(revision, id, left.get(id, 0))
        case LeaseTimeToLive(id):
            lease = store.leases.held.get(id)
            if lease is None:
                return LeaseTimes(revision, id, -1, 0)
            keys = tuple(sorted(lease.keys)) if request.keys else ()
            return LeaseTimes(revision, id, left.get(id, lease.ttl), lease.ttl, keys)
    return store.query(request)
