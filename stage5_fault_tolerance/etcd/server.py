"""A server of the store: what any of its clients may ask, and who does what about it.

Its Raft is a node within it (``consensus``), which keeps the stores of all servers the same, and
speaks with the leader. The server itself hands on what its clients ask for, and answers when its
own copy is ready. What waits meanwhile is kept by pieces with rules of their own:

* ``batches``: changes. They go to the leader, and through the log; answered once applied here.
* ``probes``: reads, and signs of life. The leader tells how new this copy has to be.
* ``watches``: questions about the future.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from common.contract import (
    CallId,
    Node,
    NodeId,
    TimerId,
    begin_life,
    on,
    timer,
)
from common.values.history import Ok, Unknown
from common.values.units import MS, SECOND
from stage4_consensus.raft.messages import Role
from stage5_fault_tolerance.etcd.batches import Batches
from stage5_fault_tolerance.etcd.commands import (
    Arm,
    Changes,
    Compact,
    DeleteRange,
    Disarm,
    Dump,
    HashKV,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseList,
    LeaseRevoke,
    LeaseTimeToLive,
    MoveLeader,
    Put,
    Range,
    Status,
    Txn,
)
from stage5_fault_tolerance.etcd.consensus import (
    Applied,
    Consensus,
    NewLeader,
    ProbeAnswered,
    TransferFailed,
)
from stage5_fault_tolerance.etcd.gathering import GATHER_FOR
from stage5_fault_tolerance.etcd.messages import Batch, Probe
from stage5_fault_tolerance.etcd.probes import Probes, answer
from stage5_fault_tolerance.etcd.problems import problem_of
from stage5_fault_tolerance.etcd.requests import MOST_WAITING, Asked
from stage5_fault_tolerance.etcd.results import (
    Done,
    Events,
    HashResult,
    LeaseIds,
    LeaseTimes,
    Refused,
    StatusResult,
)
from stage5_fault_tolerance.etcd.texts import (
    BAD_TRANSFEREE,
    NOT_LEADER,
    TOO_MANY_REQUESTS,
    TRANSFER_TIMED_OUT,
)
from stage5_fault_tolerance.etcd.transactions import changes_something, may_be_stale
from stage5_fault_tolerance.etcd.watches import Watches

ATTEND_EVERY = 100 * MS
"""How often to look whether something has been under way for too long."""


@timer
class GatheredEnough:
    """The server does not wait for more."""


@timer
class Attend:
    """It is time to look at what is under way."""


class EtcdServer(Node):
    """A server of the replicated multi-version store.

    Args:
        id: the name of this server.
        peers: the other servers, and no one else.
        request_timeout: how long a request may take, in microseconds; then its outcome is unknown.
        config: what :class:`~stage4_consensus.raft.core.Core` takes. Timeouts are larger by
            default than there, because clients keep processors busy as well.
    """

    subnodes = (Consensus,)
    carries = (Events, HashResult, LeaseIds, LeaseTimes)
    """What clients are told, beside what commands end with (``consensus``)."""

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        request_timeout: int = 7 * SECOND,
        election_timeout: tuple[int, int] = (300 * MS, 600 * MS),
        heartbeat_every: int = 100 * MS,
        snapshot_every: int = 5000,
        **config: Any,
    ) -> None:
        super().__init__(id, peers)
        self.request_timeout = request_timeout
        raft = Consensus(
            id,
            peers,
            election_timeout=election_timeout,
            heartbeat_every=heartbeat_every,
            snapshot_every=snapshot_every,
            **config,
        )
        self.raft = self.subnode("raft", raft)
        self.store = raft.store
        self.batches = Batches()
        self.probes = Probes()
        self.watches = Watches()
        self.moving: CallId | None = None
        """The transfer of the leadership that a client waits for."""
        self.gather_timer: TimerId = 0
        self.attend_timer: TimerId = 0

    def on_start(self) -> None:
        """Begin with numbers that no earlier life has used."""
        self.batches.last_number = self.probes.last_number = begin_life(self)

    def status(self) -> Mapping[str, object]:
        """Who leads, and how much is in the store."""
        history = self.store.history
        return {
            "role": self.raft.role.value,
            "term": self.raft.current_term,
            "leader": self.raft.leader or "",
            "revision": history.revision,
            "keys": len(history.current),
            "leases": len(self.store.leases.held),
        }

    # What clients ask.

    @on(Put, DeleteRange, Compact, LeaseGrant, LeaseRevoke, Arm, Disarm)
    def change_asked(self, request: object, call: CallId) -> None:
        """Take a command that changes something, unless it is wrong whatever the store holds."""
        if problem := problem_of(request):
            self.finish(call, Ok(Refused(problem)))
        elif len(self.batches.waiting) >= MOST_WAITING:
            self.finish(call, Ok(Refused(TOO_MANY_REQUESTS)))
        else:
            if isinstance(request, LeaseGrant) and not request.id:
                request = replace(request, id=self.random.randrange(1, 2**63))
            self.batches.waiting.append(Asked(call, request, self.now + self.request_timeout))
            self.send_batch()
            self.attend_later()

    @on(Txn)
    def txn_asked(self, request: Txn, call: CallId) -> None:
        """A transaction whose two sides change nothing is a read."""
        if changes_something(request):
            self.change_asked(request, call)
        else:
            self.read_asked(request, call, stale_will_do=may_be_stale(request))

    @on(Range)
    def range_asked(self, request: Range, call: CallId) -> None:
        """A serializable range is answered at once, any other from what is not stale."""
        self.read_asked(request, call, stale_will_do=request.serializable)

    @on(LeaseTimeToLive, LeaseKeepAlive)
    def lease_asked(self, request: LeaseTimeToLive | LeaseKeepAlive, call: CallId) -> None:
        """Only the leader knows the time."""
        self.read_asked(request, call, stale_will_do=False)

    def read_asked(self, request: object, call: CallId, *, stale_will_do: bool) -> None:
        """Answer from this copy as it is where that will do, else once it is new enough."""
        if problem := problem_of(request):
            self.finish(call, Ok(Refused(problem)))
        elif stale_will_do:
            self.finish(call, Ok(self.store.query(request)))
        elif len(self.probes.waiting) >= MOST_WAITING:
            self.finish(call, Ok(Refused(TOO_MANY_REQUESTS)))
        else:
            self.probes.waiting.append(Asked(call, request, self.now + self.request_timeout))
            self.send_probe()
            self.attend_later()

    @on(LeaseList, HashKV, Dump)
    def look_here(self, request: object, call: CallId) -> None:
        """Answer from this server's copy as it is."""
        self.finish(call, Ok(self.store.query(request)))

    @on(Status)
    def status_asked(self, request: Status, call: CallId) -> None:
        """Tell how this server is."""
        found = StatusResult(
            revision=self.store.history.revision,
            size=self.store.size(),
            alarms=self.store.alarms,
            term=self.raft.current_term,
            leader=self.raft.leader,
            index=self.raft.log.last_index,
            applied=self.raft.last_applied,
        )
        self.finish(call, Ok(found))

    @on(Changes)
    def changes_asked(self, request: Changes, call: CallId) -> None:
        """Answer now if there is anything, else once there is."""
        self.watches.add(call, request)
        self.serve_watches()

    @on(MoveLeader)
    def move_asked(self, request: MoveLeader, call: CallId) -> None:
        """Begin to hand over; the answer comes with the next leader, or when time is up."""
        if self.raft.role is not Role.LEADER:
            self.finish(call, Ok(Refused(NOT_LEADER)))
        elif request.target not in self.raft.configuration.voters:
            self.finish(call, Ok(Refused(BAD_TRANSFEREE)))
        elif request.target == self.id:
            self.finish(call, Ok(Done(self.store.history.revision)))
        elif self.raft.hand_over is not None:
            self.finish(call, Unknown(TRANSFER_TIMED_OUT))
        else:
            self.moving = call
            self.raft.hand_over_to(request.target)

    # Changes: to the leader, and into the log.

    def send_batch(self) -> None:
        """Send a batch once as many are here as are expected, unless one is under way."""
        if not self.batches.may_leave():
            return
        if self.batches.is_enough():
            self.cancel_timer(self.gather_timer)
            self.gather_timer = 0
            self.hand_to_leader(self.batches.next(self.now))
        elif not self.gather_timer:
            self.gather_timer = self.set_timer(GATHER_FOR, GatheredEnough())

    @on(GatheredEnough)
    def gathered_enough(self, timer: GatheredEnough) -> None:
        """Send what there is, and expect no more than that."""
        self.gather_timer = 0
        self.batches.gathering.time_is_up(len(self.batches.waiting))
        self.send_batch()

    # Reads: how new has this copy to be?

    def send_probe(self) -> None:
        """Ask the leader, unless an answer is on its way already."""
        if self.probes.may_leave():
            self.hand_to_leader(self.probes.next(self.now))

    @on(ProbeAnswered)
    def probe_answered(self, news: ProbeAnswered, subnode: str) -> None:
        """Now it is known how new this copy has to be."""
        self.probes.record_answer(news.probed)
        self.serve_reads()
        self.send_probe()

    # What Raft tells.

    @on(Applied)
    def more_applied(self, news: Applied, subnode: str) -> None:
        """This copy is newer: see whose answer is there now."""
        self.serve_changes()
        self.serve_reads()
        self.serve_watches()

    def serve_changes(self) -> None:
        """Answer the changes whose batch is applied by now, and send the next one."""
        number, results = self.raft.machine.last_of(self.id)
        for call, outcome in self.batches.end(number, results):
            self.finish(call, outcome)
        self.send_batch()

    def serve_reads(self) -> None:
        """Answer the reads that this copy is new enough for."""
        for asked, probed in self.probes.take_ready(self.store.applied):
            self.finish(asked.call, Ok(answer(self.store, asked.request, probed)))

    def serve_watches(self) -> None:
        """Answer the questions about what is there by now."""
        for call, request in self.watches.take_ready(self.store.history.revision):
            self.finish(call, Ok(self.store.query(request)))

    @on(NewLeader)
    def leader_changed(self, news: NewLeader, subnode: str) -> None:
        """Ask the new leader for what the old one was asked for."""
        self.end_move(news.leader != self.id)
        self.hand_to_leader(self.batches.again(self.now))
        self.hand_to_leader(self.probes.again(self.now))

    @on(TransferFailed)
    def transfer_failed(self, news: TransferFailed, subnode: str) -> None:
        """The target did not take over in time."""
        self.end_move(False)

    def end_move(self, worked: bool) -> None:
        """Tell the client that asked for another leader, if there is one."""
        if self.moving is not None:
            revision = self.store.history.revision
            self.finish(self.moving, Ok(Done(revision)) if worked else Unknown(TRANSFER_TIMED_OUT))
            self.moving = None

    # Helpers.

    def hand_to_leader(self, request: Batch | Probe | None) -> None:
        """Give it to the server that leads, if there is something to give."""
        if request is not None:
            self.raft.hand_to_leader(request)

    # When it takes long.

    def attend_later(self) -> None:
        """See to it that what is under way is looked at."""
        if not self.attend_timer:
            self.attend_timer = self.set_timer(ATTEND_EVERY, Attend())

    @on(Attend)
    def attend(self, timer: Attend) -> None:
        """Give up what took too long, repeat what may be lost, and look again later."""
        self.attend_timer = 0
        for call, outcome in (*self.batches.expire(self.now), *self.probes.expire(self.now)):
            self.finish(call, outcome)
        if self.batches.is_silent(self.now):
            self.hand_to_leader(self.batches.again(self.now))
        if self.probes.is_silent(self.now):
            self.hand_to_leader(self.probes.again(self.now))
        if not (self.batches.is_empty() and self.probes.is_empty()):
            self.attend_later()
