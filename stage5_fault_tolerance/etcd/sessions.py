"""How a server gets commands into the log, whoever leads: in batches, each carried out once.

A server that is asked for a change is itself a client of the cluster (section 8 of the paper): it
sends a batch to the leader, numbered, and sends it again until the batch is applied. It has one
batch under way at a time. What it is asked for meanwhile makes up the next one, so the busier the
server, the more commands share an entry, a message and a flush.

The batch is done when this server itself has applied it. So an answer needs no message, and
whoever is answered finds the change here from then on. A follower must not wait for the next
heartbeat to hear what is committed: leaders say so at once if a follower waits for it, and else
after a moment, unless the next entries have said it by then (:class:`Committed`).
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

from common.contract import (
    Application,
    AtMostOnce,
    CallId,
    CommandBatch,
    NodeId,
    Numbered,
    TimerId,
    begin_life,
    message,
    on,
    timer,
)
from common.contract.sizes import value_size
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS, SECOND
from stage4_consensus.raft.messages import Role, Snapshot
from stage4_consensus.raft.parallel_writes import ParallelWrites
from stage4_consensus.raft.requests import CommandRequest, NotLeader, Refusal
from stage5_fault_tolerance.etcd.commands import (
    Compact,
    DeleteRange,
    Disarm,
    LeaseGrant,
    LeaseRevoke,
    Put,
)
from stage5_fault_tolerance.etcd.problems import MOST_BYTES, problem_of, size_of
from stage5_fault_tolerance.etcd.results import Refused
from stage5_fault_tolerance.etcd.store import Store
from stage5_fault_tolerance.etcd.texts import TIMED_OUT, TOO_MANY_REQUESTS

MOST_COMMANDS = 512
"""Commands in one batch."""
MOST_WAITING = 10_000
"""Requests that wait in one server; more are refused."""
KEPT_BYTES = 64 * 1024
"""Larger results of batches are not in snapshots."""
TELL_AFTER = 2 * MS
"""How long a leader waits for the next entries to tell followers what is committed."""
ATTEND_EVERY = 100 * MS
"""How often to look whether something has been under way for too long."""


@message
class Committed:
    """The leader of ``term`` has committed up to ``index``, where there is an entry of ``of_term``.

    A log with an entry of that index and term equals the leader's up to there (Log Matching,
    section 5.3), so the follower may commit it. Nobody answers, and nothing depends on it.
    """

    term: int
    index: int
    of_term: int


@timer
class TellCommitted:
    """It is time to tell followers what is committed, if nothing else has told them."""


@timer
class Attend:
    """It is time to look at what is under way."""


@dataclass(slots=True)
class Asked:
    """A request that is not answered yet, and when to give up."""

    call: CallId | None
    """None once it was given up."""
    request: object
    until: int


@dataclass(slots=True)
class UnderWay:
    """A batch on its way through the log, who waits for which of its results, and since when."""

    request: CommandRequest
    asked: list[Asked]
    sent_at: int


class ServerSessions(AtMostOnce):
    """The table of sessions; in snapshots it leaves out results that are large.

    A transaction may find as much as is in the store. A server that learns from a snapshot that its
    batch was carried out can then not tell its clients with what result: for them it is unknown.
    """

    def last_of(self, server: NodeId) -> tuple[int, object]:
        """The number of a server's last batch that was applied, and its result if it is known."""
        return self._last.get(server, (0, None))

    def snapshot(self) -> object:
        """As in AtMostOnce, without large results."""
        whole: Any = super().snapshot()
        inner, table = whole
        return (inner, tuple((*row[:2], _if_small(row[2])) for row in table))


def _if_small(result: object) -> object:
    return result if value_size(result) <= KEPT_BYTES else None


class Sessions(ParallelWrites):
    """Changes: from the request to its answer."""

    request_timeout = 7 * SECOND
    """How long a request may take, in microseconds; then its outcome is unknown. As in etcd."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.machine: ServerSessions = ServerSessions(self.store)
        self.last_number = 0
        """The number of this server's latest request to a leader. Only grows, over crashes too."""
        self.asked: deque[Asked] = deque()
        """Commands that wait for the next batch."""
        self.batch: UnderWay | None = None
        self.told_index = 0
        """As a leader: the commit index that followers have been told."""
        self.owed_index = 0
        """As a leader: the latest entry that a follower waits for."""
        self.tell_timer: TimerId = 0
        self.attend_timer: TimerId = 0

    def on_start(self) -> None:
        """Begin with numbers that no earlier life has used."""
        super().on_start()
        self.last_number = begin_life(self)

    def new_application(self) -> Application:
        """A store without a key."""
        self.store = Store()
        return self.store

    # From a client to the leader.

    @on(Put, DeleteRange, Compact, LeaseGrant, LeaseRevoke, Disarm)
    def change_asked(self, request: object, call: CallId) -> None:
        """Take a command that changes something, unless it is wrong whatever the store holds."""
        if problem := problem_of(request):
            self.finish(call, Ok(Refused(problem)))
        elif len(self.asked) >= MOST_WAITING:
            self.finish(call, Ok(Refused(TOO_MANY_REQUESTS)))
        else:
            if isinstance(request, LeaseGrant) and not request.id:
                request = replace(request, id=self.random.randrange(1, 2**63))
            self.asked.append(Asked(call, request, self.now + self.request_timeout))
            self.send_batch()
            self.attend_later()

    def send_batch(self) -> None:
        """Make a batch of what waits, unless one is under way already."""
        if self.batch is not None or not self.asked:
            return
        taken: list[Asked] = []
        size = 0
        while self.asked and len(taken) < MOST_COMMANDS:
            size += size_of(self.asked[0].request)
            if taken and size > MOST_BYTES:
                break
            taken.append(self.asked.popleft())
        self.last_number += 1
        command = CommandBatch(tuple([each.request for each in taken]))
        request = CommandRequest(self.last_number, command)
        self.batch = UnderWay(request, taken, self.now)
        self.hand_to_leader(request)

    def hand_to_leader(self, request: CommandRequest) -> None:
        """Give the batch to whoever leads; without a leader it waits until there is one."""
        if self.role is Role.LEADER:
            self.command_requested(request, self.id)
        elif self.leader is not None:
            self.send(self.leader, request)

    @on(CommandRequest)
    def command_requested(self, request: CommandRequest, sender: NodeId) -> None:
        """A server's batch goes into the log, and the server will see for itself what became of it;
        other clients are answered as usual."""
        if sender not in self.peers and sender != self.id:
            super().command_requested(request, sender)
        elif self.takes_requests(sender, request.number):
            index = self.propose(Numbered(sender, request.number, request.command))
            if sender != self.id:
                self.owed_index = index

    def propose(self, command: object) -> int:
        """Entries tell followers what is committed."""
        self.told_index = self.commit_index
        return super().propose(command)

    @on(NotLeader, Refusal)
    def not_taken(self, reply: NotLeader | Refusal, sender: NodeId) -> None:
        """Who was taken for the leader does not lead, or is about to hand over: try again soon."""

    # From the log to the client.

    def apply_committed(self) -> None:
        """Apply; as the leader say at once how far; then see whom there is an answer for."""
        super().apply_committed()
        if self.role is Role.LEADER:
            if self.told_index < self.owed_index <= self.commit_index:
                self.tell_committed()
            elif not self.tell_timer:
                self.tell_timer = self.set_timer(TELL_AFTER, TellCommitted())
        self.after_applying()

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

    def keep_snapshot(self, snapshot: Snapshot, keep_rest: bool) -> None:
        """With a snapshot that comes from the leader, much may be answered."""
        super().keep_snapshot(snapshot, keep_rest)
        self.after_applying()

    def after_applying(self) -> None:
        """Answer those whose batch is applied by now, and send the next one."""
        if self.batch is None:
            return
        number, results = self.machine.last_of(self.id)
        if number < self.batch.request.number:
            return
        asked, self.batch = self.batch.asked, None
        if isinstance(results, tuple):
            for each, result in zip(asked, results, strict=True):
                if each.call is not None:
                    self.finish(each.call, Ok(result))
        else:
            self.give_up(asked)
        self.send_batch()

    # When it takes long.

    def begin_replication(self) -> None:
        """Now it leads itself: what it has asked another leader for, it takes."""
        self.told_index = self.owed_index = 0
        super().begin_replication()
        self.ask_again()

    def follow(self, term: int, leader: NodeId) -> None:
        """With another leader, ask that one."""
        before = self.leader
        super().follow(term, leader)
        if leader != before:
            self.ask_again()

    def ask_again(self) -> None:
        """Repeat what is under way; its number makes that harmless."""
        if self.batch is not None:
            self.batch.sent_at = self.now
            self.hand_to_leader(self.batch.request)

    def attend_later(self) -> None:
        """See to it that somebody looks at what is under way."""
        if not self.attend_timer:
            self.attend_timer = self.set_timer(ATTEND_EVERY, Attend())

    @on(Attend)
    def attend(self, timer: Attend) -> None:
        """Give up what took too long, repeat what may be lost, and look again later."""
        self.attend_timer = 0
        while self.asked and self.asked[0].until <= self.now:
            late = self.asked.popleft()
            assert late.call is not None, "only what is under way is given up before its turn"
            self.finish(late.call, Failed(TIMED_OUT))
        if self.batch is not None:
            self.give_up([each for each in self.batch.asked if each.until <= self.now])
            if self.now - self.batch.sent_at >= 2 * ATTEND_EVERY:
                self.ask_again()
        if self.is_busy():
            self.attend_later()

    def give_up(self, asked: list[Asked]) -> None:
        """Tell clients that nobody knows; what they asked for may still happen."""
        for each in asked:
            if each.call is not None:
                self.finish(each.call, Unknown(TIMED_OUT))
                each.call = None

    def is_busy(self) -> bool:
        """Whether anybody waits."""
        return self.batch is not None or bool(self.asked)


def expiry_session(server: NodeId) -> str:
    """Under which name a leader ends leases."""
    return f"{server}/leases"
