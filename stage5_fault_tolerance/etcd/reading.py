"""Linearizable reads on every server: ask the leader how new one has to be, wait, and look.

Thesis, section 6.4, as etcd does it. A server that is asked sends the leader a :class:`Probe`; the
leader answers by ReadIndex how many commands were applied; once this server has applied as many, it
reads its own copy. All reads that come while a probe is under way share the next one.

A sign of life for a lease takes the same way, without an entry in the log: the leader renews the
lease when the probe comes, and the answer proves that it still led afterwards. So any later leader
lets the lease live for its whole time again, counted from later on.
"""

from typing import Any

from common.contract import CallId, NodeId, on
from common.values.history import Failed, Ok
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.requests import Answer, QueryRequest
from stage5_fault_tolerance.etcd.commands import (
    HashKV,
    LeaseKeepAlive,
    LeaseList,
    LeaseTimeToLive,
    Probe,
    Range,
    Status,
    Txn,
)
from stage5_fault_tolerance.etcd.gathering import Gathering
from stage5_fault_tolerance.etcd.problems import problem_of
from stage5_fault_tolerance.etcd.results import (
    LeaseResult,
    LeaseTimes,
    Probed,
    Refused,
    StatusResult,
)
from stage5_fault_tolerance.etcd.sessions import ATTEND_EVERY, MOST_WAITING, Asked, Attend
from stage5_fault_tolerance.etcd.texts import TIMED_OUT, TOO_MANY_REQUESTS
from stage5_fault_tolerance.etcd.transactions import changes_something, may_be_stale


class Reading(Gathering):
    """Questions, and signs of life."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.asking: list[Asked] = []
        """Reads that wait for the next probe."""
        self.probe: QueryRequest | None = None
        """The probe under way."""
        self.probe_sent_at = 0
        self.probing: list[Asked] = []
        """Reads that wait for its answer."""
        self.proven: list[tuple[Probed, list[Asked]]] = []
        """Reads that wait until this server has applied as much as the answer says."""

    # Who needs no probe.

    @on(Status)
    def status_asked(self, request: Status, call: CallId) -> None:
        """Tell how this server is."""
        store = self.store
        found = StatusResult(
            revision=store.history.revision,
            size=store.size(),
            full=store.full,
            term=self.current_term,
            leader=self.leader,
            index=self.log.last_index,
            applied=self.last_applied,
        )
        self.finish(call, Ok(found))

    @on(LeaseList, HashKV)
    def look_here(self, request: object, call: CallId) -> None:
        """Answer from this server's copy as it is."""
        self.finish(call, Ok(self.store.query(request)))

    @on(Range)
    def range_asked(self, request: Range, call: CallId) -> None:
        """A serializable range is answered at once, any other from what is not stale."""
        self._look(request, request.serializable, call)

    @on(Txn)
    def txn_asked(self, request: Txn, call: CallId) -> None:
        """A transaction that cannot change anything is a read, whichever side is taken."""
        if changes_something(request):
            self.change_asked(request, call)
        else:
            self._look(request, may_be_stale(request), call)

    @on(LeaseTimeToLive, LeaseKeepAlive)
    def lease_asked(self, request: LeaseTimeToLive | LeaseKeepAlive, call: CallId) -> None:
        """Only the leader knows the time."""
        self._look(request, False, call)

    def _look(self, request: object, stale_will_do: bool, call: CallId) -> None:
        if problem := problem_of(request):
            self.finish(call, Ok(Refused(problem)))
        elif stale_will_do:
            self.finish(call, Ok(self.store.query(request)))
        elif len(self.asking) >= MOST_WAITING:
            self.finish(call, Ok(Refused(TOO_MANY_REQUESTS)))
        else:
            self.asking.append(Asked(call, request, self.now + self.request_timeout))
            self.send_probe()
            self.attend_later()

    # The probe.

    def send_probe(self) -> None:
        """Ask the leader, unless an answer is on its way already."""
        if self.probe is not None or not self.asking:
            return
        self.probing, self.asking = self.asking, []
        requests = [each.request for each in self.probing]
        renew = tuple(each.id for each in requests if isinstance(each, LeaseKeepAlive))
        times = tuple(each.id for each in requests if isinstance(each, LeaseTimeToLive))
        self.last_number += 1
        self.probe = QueryRequest(self.last_number, Probe(renew, times))
        self._hand_over_probe()

    def _hand_over_probe(self) -> None:
        assert self.probe is not None, "there is something to ask"
        self.probe_sent_at = self.now
        if self.role is Role.LEADER:
            self.query_requested(self.probe, self.id)
        elif self.leader is not None:
            self.send(self.leader, self.probe)

    @on(Answer)
    def probe_answered(self, answer: Answer, sender: NodeId) -> None:
        """Now it is known how new this copy has to be."""
        if self.probe is None or answer.number != self.probe.number:
            return
        assert isinstance(answer.value, Probed), "a probe is answered by Probed"
        self.proven.append((answer.value, self.probing))
        self.probe, self.probing = None, []
        self.serve_proven()
        self.send_probe()

    def after_applying(self) -> None:
        """What has been waiting for this copy may be answered now."""
        super().after_applying()
        if self.proven:
            self.serve_proven()

    def serve_proven(self) -> None:
        """Answer the reads that this copy is new enough for."""
        while self.proven and self.proven[0][0].applied <= self.store.applied:
            probed, asked = self.proven.pop(0)
            for each in asked:
                if each.call is not None:
                    self.finish(each.call, Ok(self._answer(each.request, probed)))

    def _answer(self, request: object, probed: Probed) -> object:
        revision = self.store.history.revision
        match request:
            case LeaseKeepAlive(id):
                return LeaseResult(revision, id, dict(probed.leases)[id])
            case LeaseTimeToLive(id):
                lease = self.store.leases.held.get(id)
                if lease is None:
                    return LeaseTimes(revision, id, -1, 0)
                left = dict(probed.remaining).get(id, lease.ttl)
                keys = tuple(sorted(lease.keys)) if request.keys else ()
                return LeaseTimes(revision, id, left, lease.ttl, keys)
        return self.store.query(request)

    # When it takes long.

    def ask_again(self) -> None:
        """Ask another leader for the probe too."""
        super().ask_again()
        if self.probe is not None:
            self._hand_over_probe()

    def attend(self, timer: Attend) -> None:
        """A read that takes too long has failed, for it has no effect; a sign of life may have."""
        if self.probe is not None and self.now - self.probe_sent_at >= 2 * ATTEND_EVERY:
            self._hand_over_probe()
        for asked in (self.asking, self.probing, *(waiting for _, waiting in self.proven)):
            for each in asked:
                if each.call is not None and each.until <= self.now:
                    self.finish(each.call, Failed(TIMED_OUT))
                    each.call = None
        self.asking = [each for each in self.asking if each.call is not None]
        super().attend(timer)

    def is_busy(self) -> bool:
        """Whether anybody waits."""
        return super().is_busy() or bool(self.probe or self.asking or self.proven)
