"""The consistent register: linearizable, and silent where there is no majority.

Every value has a *tag*, (counter, replica), and the greater tag is the newer value. The replica
that a client asks coordinates the operation in two phases, each of which ends when a majority of
the replicas has answered:

* *query*: what are your tag and value? The greatest tag of a majority is at least that of every
  operation that ended before, because any two majorities share a replica.
* *update*: take this tag and value, if the tag is greater than yours. A write sends a new tag, one
  above the greatest. A read sends what it found (*write-back*) before it answers. Without that,
  its value might be on one replica only, and the next read might miss it.

That is the register of Attiya, Bar-Noy and Dolev ("Sharing memory robustly in message-passing
systems", 1995, section 3) for many writers (Lynch and Shvartsman 1997, section 4: a write queries
first). No clock, no leader, no failure detector: nothing but majorities.

What they leave open, and how it is done here:

* A replica saves its tag and value before it answers, so that a crash does not take back what a
  quorum was told. It coordinates with itself as with any other replica, without a message.
* Phases are bounded: what has no majority after ``attempts`` tries is given up. Given up in its
  query phase, a write has sent its value nowhere: it certainly did not happen (Refusal). Given up
  in its update phase it may be on some replicas, and a later read may find it and write it back:
  nobody can tell (Doubt). A read has no effect of its own, so it is refused in either phase.
* A network repeats requests, and so do clients. Two writes of one request would bring an old value
  back, so a replica saves the number of each client's latest write together with the tag that it
  gave it: a repetition runs the update phase once more with the same tag, and that is harmless.
  Nothing but what is saved in the same step as it is chosen would survive the crash in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from common.contract import Node, NodeId, TimerId, message, on, record, timer
from common.values.quorum import is_majority
from common.values.units import MS
from stage1_foundations.cap.client import (
    Doubt,
    ReadReply,
    ReadRequest,
    Refusal,
    Request,
    Value,
    WriteReply,
    WriteRequest,
)

Tag: TypeAlias = tuple[int, NodeId]
"""(counter, the replica that chose it). Tags are compared as tuples; no two writes share one."""

ROUNDS_OF_A_LIFE = 2**32
"""How many operations a replica may coordinate between two crashes."""


@record
class Tagged:
    """A value with its tag; the tag (0, "") is that of the value before all writes."""

    tag: Tag = (0, "")
    value: Value = None


@record
class LatestWrite:
    """A client's latest write that was decided, and how.

    Attributes:
        number: that of the client's request.
        written: the tag and value that its update phase spreads, or None where it was refused.
    """

    number: int
    written: Tagged | None


# Messages between replicas. ``round`` names the operation at its coordinator.


@message
class Query:
    """What do you hold?"""

    round: int


@message
class QueryReply:
    """This is what I hold, and it is durable."""

    round: int
    held: Tagged


@message
class Update:
    """Hold this, if its tag is greater than yours."""

    round: int
    held: Tagged


@message
class UpdateReply:
    """What I hold has at least the tag of your Update, and it is durable."""

    round: int


@timer
class TryAgain:
    """Time to send the phase's message again to those that have not answered, or to give up."""

    client: NodeId


@dataclass(slots=True)
class Pending:
    """An operation that this replica coordinates.

    Attributes:
        request: what the client asked for.
        round: names the operation in messages. Only grows, over crashes too: an answer to an
            earlier one says nothing about this one.
        updating: whether it is in its second phase.
        found: query phase: the greatest tag so far; update phase: what is being spread.
        answered: who has answered in the present phase.
        tries: how often a phase's message was sent, in both phases together.
        timer: what will bring the next try.
    """

    request: Request
    round: int
    found: Tagged
    updating: bool = False
    answered: set[NodeId] = field(default_factory=set)
    tries: int = 0
    timer: TimerId = 0


class ConsistentReplica(Node):
    """Holds a copy of the register, and coordinates the operations of the clients that ask it.

    Args:
        id: the name of this node.
        peers: the other replicas.
        try_again_after: how long a phase waits before it asks again those that have not answered,
            in microseconds.
        attempts: after how many tries, over both phases, an operation is given up.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        try_again_after: int = 25 * MS,
        attempts: int = 8,
    ) -> None:
        super().__init__(id, peers)
        self.try_again_after = try_again_after
        self.attempts = attempts
        self.replicas = (self.id, *self.peers)
        self.held = Tagged()
        """This copy. Its tag only grows, and what others were told of it is durable."""
        self.latest: dict[NodeId, LatestWrite] = {}
        """By client, its latest write that was decided. Durable."""
        self.pending: dict[NodeId, Pending] = {}
        """By client, the operation that it waits for. Lost in a crash."""
        self.last_round = 0
        """The round of the latest operation that began here."""

    def status(self) -> Mapping[str, object]:
        """The copy, and how many operations are under way."""
        counter, replica = self.held.tag
        tag = f"{counter}.{replica}" if replica else "none"
        return {"value": self.held.value, "tag": tag, "pending": len(self.pending)}

    def on_start(self) -> None:
        """Take up what earlier lives saved, and begin rounds that none of them has used.

        Saved are the number of lives under ``"life"``, what is held under ``"held"``, and each
        client's latest write under ``("latest", client)``.
        """
        life: int = self.saved.get("life", 0)
        self.save("life", life + 1)
        self.last_round = life * ROUNDS_OF_A_LIFE
        for entry in self.saved.items():
            match entry:
                case "held", Tagged() as held:
                    self.held = held
                case ("latest", str(client)), LatestWrite() as latest:
                    self.latest[client] = latest

    # Requests of clients.

    @on(ReadRequest)
    def read_requested(self, request: ReadRequest, sender: NodeId) -> None:
        """Begin the query phase, unless the client has gone on or this is under way already."""
        if request.number > self._newest(sender):
            self._query(sender, request)

    @on(WriteRequest)
    def write_requested(self, request: WriteRequest, sender: NodeId) -> None:
        """Begin the query phase; a write that was decided before is answered as it was decided.

        Decided means refused, or given a tag. One with a tag goes through the update phase again,
        which tells whether it is on a majority by now; it is never given a second tag.
        """
        latest = self.latest.get(sender)
        if request.number > self._newest(sender):
            self._query(sender, request)
        elif latest is None or request.number != latest.number or sender in self.pending:
            return
        elif latest.written is None:
            self.send(sender, Refusal(request.number, "this write was refused before"))
        else:
            pending = self._begin(sender, request)
            self._update(sender, pending, latest.written)

    # The query phase.

    def _query(self, client: NodeId, request: Request) -> None:
        pending = self._begin(client, request)
        pending.answered.add(self.id)
        self._go_on(client, pending)

    @on(QueryReply)
    def query_reply_received(self, reply: QueryReply, sender: NodeId) -> None:
        """Remember the greatest tag; go on to the update phase once a majority has answered."""
        for client, pending in self._waiting_for(reply.round, updating=False):
            pending.answered.add(sender)
            pending.found = newer(pending.found, reply.held)
            self._go_on(client, pending)

    def _go_on(self, client: NodeId, pending: Pending) -> None:
        """Ask on, or, with a majority's answers, decide what the update phase spreads.

        A write gets the next tag now. This copy may have got a greater one since the phase began,
        from another write at this very replica, so it is looked at again: a tag that equals that
        of another write would let two values pass for one.
        """
        if not is_majority(pending.answered, self.replicas):
            if not pending.tries:
                self._try(client, pending)
            return
        found = newer(pending.found, self.held)
        match pending.request:
            case ReadRequest():
                self._update(client, pending, found)
            case WriteRequest(number, value):
                written = Tagged((found.tag[0] + 1, self.id), value)
                self._decide(client, LatestWrite(number, written))
                self._update(client, pending, written)

    # The update phase.

    def _update(self, client: NodeId, pending: Pending, spread: Tagged) -> None:
        """Hold ``spread`` here, and ask the others to."""
        self._hold(spread)
        pending.updating, pending.found, pending.answered = True, spread, {self.id}
        self._try(client, pending)
        self._finish_with_majority(client, pending)

    @on(UpdateReply)
    def update_reply_received(self, reply: UpdateReply, sender: NodeId) -> None:
        """Answer the client once a majority holds the tag, or a greater one."""
        for client, pending in self._waiting_for(reply.round, updating=True):
            pending.answered.add(sender)
            self._finish_with_majority(client, pending)

    def _finish_with_majority(self, client: NodeId, pending: Pending) -> None:
        if not is_majority(pending.answered, self.replicas):
            return
        self._end(client, pending)
        number = pending.request.number
        match pending.request:
            case ReadRequest():
                self.send(client, ReadReply(number, pending.found.value))
            case WriteRequest():
                self.send(client, WriteReply(number))

    # The copy.

    @on(Query)
    def query_received(self, query: Query, sender: NodeId) -> None:
        """Say what this replica holds."""
        self.send(sender, QueryReply(query.round, self.held))

    @on(Update)
    def update_received(self, update: Update, sender: NodeId) -> None:
        """Hold the value if its tag is greater, and say so: by then it is durable."""
        self._hold(update.held)
        self.send(sender, UpdateReply(update.round))

    def _hold(self, offered: Tagged) -> None:
        if offered.tag > self.held.tag:
            self.held = offered
            self.save("held", offered)

    # Patience, and its end.

    @on(TryAgain)
    def try_again(self, timer: TryAgain) -> None:
        """Send the phase's message again to those that have not answered, or give up.

        What is refused must stay refused: the request may arrive again, and then a majority may be
        there. So the refusal of a write is saved before it is sent.
        """
        client, pending = timer.client, self.pending[timer.client]
        if pending.tries < self.attempts:
            self._try(client, pending)
            return
        self._end(client, pending)
        match pending.request:
            case WriteRequest(number) if pending.updating:
                self.send(client, Doubt(number, "only a minority is known to have the write"))
            case WriteRequest(number):
                self._decide(client, LatestWrite(number, None))
                self.send(client, Refusal(number, "no majority of the replicas answered"))
            case ReadRequest(number):
                self.send(client, Refusal(number, "no majority of the replicas answered"))

    def _try(self, client: NodeId, pending: Pending) -> None:
        self.cancel_timer(pending.timer)
        pending.tries += 1
        pending.timer = self.set_timer(self.try_again_after, TryAgain(client))
        for peer in self.peers:
            if peer not in pending.answered and pending.updating:
                self.send(peer, Update(pending.round, pending.found))
            elif peer not in pending.answered:
                self.send(peer, Query(pending.round))

    # Helpers.

    def _newest(self, client: NodeId) -> int:
        """The greatest request number of a client that this replica knows of."""
        decided = self.latest[client].number if client in self.latest else -1
        under_way = self.pending[client].request.number if client in self.pending else -1
        return max(decided, under_way)

    def _begin(self, client: NodeId, request: Request) -> Pending:
        """Coordinate ``request``. What the client asked before, it has given up by now."""
        if client in self.pending:
            self._end(client, self.pending[client])
        self.last_round += 1
        self.pending[client] = Pending(request, self.last_round, self.held)
        return self.pending[client]

    def _end(self, client: NodeId, pending: Pending) -> None:
        self.cancel_timer(pending.timer)
        del self.pending[client]

    def _decide(self, client: NodeId, decided: LatestWrite) -> None:
        self.latest[client] = decided
        self.save(("latest", client), decided)

    def _waiting_for(self, round: int, updating: bool) -> list[tuple[NodeId, Pending]]:
        """The operation of this round if it is in this phase, with its client; or nothing."""
        return [
            (client, pending)
            for client, pending in self.pending.items()
            if pending.round == round and pending.updating == updating
        ]


def newer(one: Tagged, other: Tagged) -> Tagged:
    """The one with the greater tag."""
    return one if one.tag >= other.tag else other
