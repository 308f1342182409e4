"""The Raft inside a server of the store: what a leader does for the other servers, and for leases.

It is Raft as in stage 4, with the leader's disk at work while its followers' are. Beside that:

* A leader puts the servers' batches into the log, and answers their probes once it is proven that
  it still led after they had come (thesis, section 6.4).
* A follower must not wait for the next heartbeat to hear what is committed, for its clients are
  answered when it has applied what they asked for. So a leader says so at once if a follower waits
  for it, and else after a moment, unless the next entries have said it by then.
* A leader ends leases, by its own clock. The end is an entry of its own term, appended by the
  leader that decided it and by no other. It is not handed on like a client's command: it could then
  arrive at a later leader that has heard of the lease's owner meanwhile.
"""

from typing import Any

from common.contract import (
    Application,
    CommandBatch,
    NodeId,
    Numbered,
    TimerId,
    delivery,
    on,
    timer,
)
from common.contract.asking import NUMBERS_OF_A_LIFE
from common.values.units import MS
from stage4_consensus.raft.messages import Role, Snapshot
from stage4_consensus.raft.parallel_writes import ParallelWrites
from stage4_consensus.raft.requests import QueryRequest, TransferRequest
from stage4_consensus.raft.under_way import HandOver, PendingRead
from stage5_fault_tolerance.etcd.commands import (
    Arm,
    Compact,
    Compare,
    DeleteRange,
    Disarm,
    LeaseGrant,
    LeaseRevoke,
    Put,
    Range,
    Txn,
)
from stage5_fault_tolerance.etcd.deadlines import Deadlines
from stage5_fault_tolerance.etcd.messages import Batch, Committed, Probe, Probed
from stage5_fault_tolerance.etcd.results import (
    DeleteResult,
    Done,
    KeyValue,
    LeaseKept,
    LeaseResult,
    PutResult,
    RangeResult,
    Refused,
    TxnResult,
)
from stage5_fault_tolerance.etcd.sessions import ServerSessions, expiry_session
from stage5_fault_tolerance.etcd.store import HistoryPart, Store

TELL_AFTER = 2 * MS
"""How long a leader waits for the next entries to tell followers what is committed."""
LOOK_EVERY = 250 * MS
"""How often a leader looks for leases that have ended."""


@timer
class TellCommitted:
    """It is time to tell followers what is committed, if nothing else has told them."""


@timer
class LeaseLook:
    """It is time to look for leases that have ended."""


# What is told to the server around it.


@delivery
class NewLeader:
    """From now on ``leader`` leads, which may be this server itself."""

    leader: NodeId


@delivery
class Applied:
    """The store has changed, by commands or by a snapshot."""


@delivery
class ProbeAnswered:
    """The leader has answered a probe of this server."""

    probed: Probed


@delivery
class TransferFailed:
    """The target did not take over in time; this server goes on leading."""


class Consensus(ParallelWrites):
    """Raft, for a server of the store."""

    carries = (
        # What is in the log.
        *(Arm, Compact, Compare, DeleteRange, Disarm, LeaseGrant, LeaseRevoke, Put, Range, Txn),
        # What commands end with, and what else is in snapshots.
        *(DeleteResult, Done, KeyValue, LeaseResult, PutResult, RangeResult, Refused, TxnResult),
        *(HistoryPart, LeaseKept),
    )

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.machine: ServerSessions = ServerSessions(self.store)

        # Volatile state on leaders.
        self.told_index = 0
        """The commit index that followers have been told."""
        self.owed_index = 0
        """The latest entry that a follower waits for."""
        self.proposed: dict[NodeId, int] = {}
        """By server, the number of its latest batch that is in this leader's log, or was."""
        self.deadlines = Deadlines()
        """When leases end. They are new in each term: a new leader knows of no sign of life."""
        self.tell_timer: TimerId = 0
        self.look_timer: TimerId = 0

    def new_application(self) -> Application:
        """A store without a key."""
        self.store = Store()
        return self.store

    # Who leads.

    def begin_replication(self) -> None:
        """This server leads: every lease lives for its whole time again."""
        self.told_index = self.owed_index = 0
        self.proposed = {}
        for index in range(self.last_applied + 1, self.log.last_index + 1):
            command = self.log.entry(index).command
            if isinstance(command, Numbered):
                self.proposed[command.client] = command.number
        self.deadlines = Deadlines()
        self.look_timer = self.set_timer(LOOK_EVERY, LeaseLook())
        super().begin_replication()
        self.deliver(NewLeader(self.id))

    def end_leadership(self) -> None:
        """Time is another's business now."""
        self.cancel_timer(self.look_timer)
        super().end_leadership()

    def follow(self, term: int, leader: NodeId) -> None:
        """Another server leads; that is told once."""
        before = self.leader
        super().follow(term, leader)
        if leader != before:
            self.deliver(NewLeader(leader))

    def hand_over_to(self, target: NodeId) -> None:
        """Let another member lead; NewLeader or TransferFailed tells what came of it."""
        self.transfer_requested(TransferRequest(0, target), self.id)

    def transfer_failed(self, asked: HandOver) -> None:
        """Tell the client that asked for it, or the server around."""
        if asked.client == self.id:
            self.deliver(TransferFailed())
        else:
            super().transfer_failed(asked)

    # What servers ask of the leader.

    def hand_to_leader(self, request: Batch | Probe) -> None:
        """Give it to the server that leads. If none does, it is not sent now, but again later."""
        if self.role is Role.LEADER:
            match request:
                case Batch():
                    self.batch_received(request, self.id)
                case Probe():
                    self.probe_received(request, self.id)
        elif self.leader is not None:
            self.send(self.leader, request)

    def takes_proposals(self) -> bool:
        """Whether this server leads, and is not about to hand over."""
        return self.role is Role.LEADER and self.hand_over is None

    @on(Batch)
    def batch_received(self, batch: Batch, sender: NodeId) -> None:
        """Put a server's batch into the log; that server will see when it is applied.

        A server that hears nothing sends it again. Where it is on its way already it is not
        appended once more: a leader that did would have the more to do the slower it is.
        """
        if self.takes_proposals() and batch.number > self.proposed.get(sender, 0):
            self.proposed[sender] = batch.number
            index = self.propose(Numbered(sender, batch.number, batch.changes))
            if sender != self.id:
                self.owed_index = index

    @on(Probe)
    def probe_received(self, probe: Probe, sender: NodeId) -> None:
        """A leader has to prove that it still leads, before it says anything (6.4)."""
        if self.takes_proposals():
            self.query_requested(QueryRequest(probe.number, probe), sender)

    def answer(self, read: PendingRead) -> None:
        """It is proven that this server led after the query had come: answer, if it is a probe."""
        if not isinstance(read.query, Probe):
            super().answer(read)
            return
        probed = self.proven(read.query)
        if read.client == self.id:
            self.deliver(ProbeAnswered(probed))
        else:
            self.send(read.client, probed)

    def proven(self, probe: Probe) -> Probed:
        """Renew leases, and tell how new a copy must be and how long leases have.

        If the end of a lease is in the log already, nobody is told that it lives.
        """
        held, deadlines = self.store.leases.held, self.deadlines
        deadlines.know(self.store.leases, self.now)
        for id in probe.renew:
            if id in held:
                deadlines.renew(id, held[id].ttl, self.now)
        asked = dict.fromkeys((*probe.renew, *probe.times))
        left = [(id, deadlines.left(id, self.now)) for id in asked]
        known = tuple((id, seconds) for id, seconds in left if seconds is not None)
        return Probed(probe.number, self.store.applied, known)

    @on(Probed)
    def probe_answered(self, probed: Probed, sender: NodeId) -> None:
        """The leader has answered."""
        self.deliver(ProbeAnswered(probed))

    # Leases.

    @on(LeaseLook)
    def look_for_ended(self, timer: LeaseLook) -> None:
        """Append the end of each lease whose time is over, as an entry of the own term."""
        self.look_timer = self.set_timer(LOOK_EVERY, LeaseLook())
        self.deadlines.know(self.store.leases, self.now)
        if over := self.deadlines.decide(self.now):
            number = self.current_term * NUMBERS_OF_A_LIFE + self.deadlines.entries
            ends = CommandBatch(tuple([LeaseRevoke(id) for id in over]))
            self.propose(Numbered(expiry_session(self.id), number, ends))

    # What is committed.

    def apply_committed(self) -> None:
        """Apply; as the leader see to it that followers hear how far."""
        super().apply_committed()
        self.deliver(Applied())
        if self.role is Role.LEADER:
            if self.told_index < self.owed_index <= self.commit_index:
                self.tell_committed()
            elif not self.tell_timer:
                self.tell_timer = self.set_timer(TELL_AFTER, TellCommitted())

    def keep_snapshot(self, snapshot: Snapshot, keep_rest: bool) -> None:
        """A snapshot that comes from the leader changes the store as well."""
        super().keep_snapshot(snapshot, keep_rest)
        self.deliver(Applied())

    def propose(self, command: object) -> int:
        """The entries tell followers what is committed."""
        self.told_index = self.commit_index
        return super().propose(command)

    def tell_committed(self) -> None:
        """Tell everybody how far the log is committed."""
        index = self.told_index = self.commit_index
        self.broadcast(Committed(self.current_term, index, self.log.term_at(index)))

    @on(TellCommitted)
    def tell_is_due(self, timer: TellCommitted) -> None:
        """Tell it unless entries that were sent meanwhile have."""
        self.tell_timer = 0
        if self.role is Role.LEADER and self.told_index < self.commit_index:
            self.tell_committed()

    @on(Committed)
    def committed(self, news: Committed, sender: NodeId) -> None:
        """Commit what the leader has committed, if it is here."""
        is_here = self.log.matches(news.index, news.of_term)
        if news.term == self.current_term and is_here and news.index > self.commit_index:
            self.commit_index = news.index
            self.apply_committed()
