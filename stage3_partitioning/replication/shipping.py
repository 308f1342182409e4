"""One leader writes, and ships its log; followers take it, write by write, in order.

Kleppmann, "Designing Data-Intensive Applications", chapter 5, section "Leaders and Followers". All
writes go to the leader. It gives each one a place in its log and ships it. A follower takes a write
only at the very end of what it has. So it always has what the leader had at some time: its log is a
*prefix* of the leader's.

**Shipping.** ``Ship`` says behind which position its writes come. If a follower is at that position
it takes them and says ``Have``; if not, it says with ``Ask`` where it is, and the leader ships what
follows. Now and then the leader ships nothing at all: from that a follower sees that it lacks
something, and how far it is behind.

**A request is carried out once.** A client that gets no answer asks again. The last number of each
client is part of the state, so every copy of the log knows it.

A follower answers reads from what it has. This is *asynchronous* replication: the client hears
``PutDone`` as soon as the leader has the write on its own disk. What that may cost is the subject
of the other parts.
"""

from collections.abc import Mapping
from typing import Any

from common.contract import Node, NodeId, message, on, operation, timer
from common.values.units import MS
from stage3_partitioning.replication.log import EMPTY, Entry, Log, Position

SHIP_EVERY = 50 * MS
"""How long a leader waits until it says again where its log ends."""

MOST_SHIPPED = 64
"""Writes in one message."""

# What a person asks of a client.


@operation
class Put:
    """Write ``value`` to ``key``. Ends with Ok() when it is done, by the mode of the cluster."""

    key: str
    value: str


@operation
class Get:
    """What is under ``key``? Ends with Ok(value), or Ok(None) where nothing is."""

    key: str


# What a client and a member say to each other.


@message
class PutRequest:
    """Write this; ``number`` names the request among all of this client."""

    number: int
    key: str
    value: str


@message
class PutDone:
    """It is written, at this position."""

    number: int
    position: Position


@message
class NotLeader:
    """Only the leader writes. I believe that it is ``leader``; None if I do not know."""

    number: int
    leader: NodeId | None


@message
class GetRequest:
    """What is under this key, in a state at ``at_least`` or later?"""

    number: int
    key: str
    at_least: Position


@message
class Got:
    """The value under the key, in my state at ``position``."""

    number: int
    value: str | None
    position: Position


# What members say to each other.


@message
class Ship:
    """Writes of my log, right behind the position ``after``; perhaps none."""

    epoch: int
    after: Position
    entries: tuple[Entry, ...]


@message
class Have:
    """My log is yours up to ``offset``, and it is on disk."""

    epoch: int
    offset: int


@message
class Ask:
    """My log ends at ``position``: ship what comes behind it."""

    epoch: int
    position: Position


@timer
class ShipAgain:
    """It is time for the leader to say where its log ends."""


class Member(Node):
    """The leader or a follower.

    Args:
        id, peers: the members of the cluster.
        leader: who leads at the very beginning.
        ship_every: in microseconds, between two words of the leader.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        leader: NodeId = "n1",
        ship_every: int = SHIP_EVERY,
    ) -> None:
        super().__init__(id, peers)
        self.ship_every = ship_every
        self.members = tuple(sorted((id, *peers)))
        self.epoch = 1
        """The reign that this member knows of. Each has one leader."""
        self.leader: NodeId | None = leader
        """Who leads in this epoch; None if it is not known."""
        self.log = Log()
        self.behind = 0
        """How many writes this follower lacked when it last heard from the leader: its lag."""

    @property
    def leads(self) -> bool:
        """Whether this member is the leader."""
        return self.leader == self.id

    def status(self) -> Mapping[str, object]:
        """Its part, where its log ends, how far it is behind, and how many keys it has."""
        return {
            "role": "leader" if self.leads else "follower",
            "epoch": self.epoch,
            "offset": self.log.offset,
            "behind": self.behind,
            "keys": len(self.log.data),
        }

    def on_start(self) -> None:
        """Take the log again that is on disk: the base, and every write behind it."""
        saved: Mapping[Any, Any] = self.saved
        self.log = Log(saved.get("base", EMPTY))
        while entry := saved.get(("entry", self.log.offset + 1)):
            self.log.append(entry)
        self.set_timer(self.ship_every, ShipAgain())

    # Writing and reading.

    @on(PutRequest)
    def put_requested(self, request: PutRequest, sender: NodeId) -> None:
        """A client wants to write. Only the leader can: others say who that is (``NotLeader``).

        A number greater than the client's last one (``log.clients``) is a new request: make an
        entry of it in this epoch, and take it. The last number is a repetition: nothing is written,
        its position is the old one. In both cases ``written`` says what happens next. A lesser
        number was long under way, and nobody waits for it: do nothing.
        """
        if not self.leads:
            self.send(sender, NotLeader(request.number, self.leader))
            return
        last, position = self.log.clients.get(sender, (0, (0, 0)))
        if request.number < last:
            return
        if request.number > last:
            position = self.lead_with(
                Entry(self.epoch, sender, request.number, request.key, request.value)
            )
        self.written(sender, request.number, position)

    def lead_with(self, entry: Entry) -> Position:
        """Take a new write at the leader, ship it to every follower, and return its position.

        It is shipped with the position after which it comes.
        """
        after = self.log.position
        self.take((entry,))
        self.broadcast(Ship(self.epoch, after, (entry,)))
        return self.log.position

    def take(self, entries: tuple[Entry, ...]) -> None:
        """Add writes at the end of the log, each of them saved under ("entry", its offset)."""
        for entry in entries:
            _, offset = self.log.append(entry)
            self.save(("entry", offset), entry)

    def written(self, client: NodeId, number: int, position: Position) -> None:
        """A client's write is on the leader's disk: tell it so with ``PutDone``."""
        self.send(client, PutDone(number, position))

    @on(GetRequest)
    def get_requested(self, request: GetRequest, sender: NodeId) -> None:
        """A client wants to read: tell it what is here, and at which position that is."""
        self.send(sender, Got(request.number, self.log.data.get(request.key), self.log.position))

    # Shipping.

    @on(ShipAgain)
    def ship_again(self, timer: ShipAgain) -> None:
        """If this is the leader, tell all where the log ends: a ``Ship`` of no writes behind that.

        In any case set the timer again.
        """
        if self.leads:
            self.broadcast(Ship(self.epoch, self.log.position, ()))
        self.set_timer(self.ship_every, ShipAgain())

    @on(Ship)
    def ship_received(self, ship: Ship, sender: NodeId) -> None:
        """Writes have come from the leader. Take them if they come right behind what is here.

        Then say ``Have``: up to here, this log is the leader's. If they come behind another
        position, take none, and ``Ask`` for what comes behind this log's end. After a full shipment
        there may be more: ``Ask``, too. (``behind`` counts what is lacking, for people to see.)
        """
        self.behind = max(0, ship.after[1] + len(ship.entries) - self.log.offset)
        if ship.after != self.log.position:
            self.send(sender, Ask(self.epoch, self.log.position))
            return
        self.take(ship.entries)
        self.behind = 0
        self.send(sender, Have(self.epoch, self.log.offset))
        if len(ship.entries) >= MOST_SHIPPED:
            self.send(sender, Ask(self.epoch, self.log.position))

    @on(Ask)
    def ask_received(self, ask: Ask, sender: NodeId) -> None:
        """A follower says where its log ends: ship what comes behind, ``MOST_SHIPPED`` at most.

        That makes sense only if this log ``has`` that position. If not, see ``strayed``. A
        member that does not lead ships nothing.
        """
        if not self.leads:
            return
        if self.log.has(ask.position):
            entries = self.log.since(ask.position[1], MOST_SHIPPED)
            self.send(sender, Ship(self.epoch, ask.position, entries))
        else:
            self.strayed(ask, sender)

    def strayed(self, ask: Ask, sender: NodeId) -> None:
        """A follower is where the leader has never been. In this part that cannot happen."""
        self.note(f"{sender} is at {ask.position}, where this log has never been")

    @on(Have)
    def have_received(self, have: Have, sender: NodeId) -> None:
        """A follower has the log up to there. In this part nobody waits for that."""
