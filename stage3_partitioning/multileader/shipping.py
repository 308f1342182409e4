"""Leaders that ship their logs to each other: everybody gets every write, causes first.

Petersen et al. 1997, "Flexible update propagation for weakly consistent replication", sections 2
and 3 (Bayou); Kleppmann, "Designing Data-Intensive Applications", chapter 5, has the topologies.

A leader answers its own people at once, whatever the network does. It keeps *all* writes, its own
and those of others, in one log, in the order in which it took them. Two rules make that order safe:

* It takes the writes of each leader in the order of their numbers, and leaves none out. So a vector
  (``versions.py``) says exactly what it has.
* It takes a write only when it has all that the write's leader had before (``after``). So an update
  never comes before the insertion that it changes, whatever way either took. Kleppmann's figure
  5-9 has the log of a store that forgot this rule.

**Shipping.** A new write is pushed once, along the topology. Now and then each leader also says
what it has to those that ship to it, and they ship what it lacks. That makes good what was lost,
and helps a leader that was away. A push that comes too early is dropped, and shipped again later.

**No loops.** A write that is there already is taken no second time, and so is passed on no second
time. In a ring it ends before its own leader.

The log is never cut here. Real systems cut what all have (Bayou, section 4), and then have to copy
the whole store to one who was away for too long.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from common.contract import CallId, Node, NodeId, message, on, operation, timer
from common.values.history import Ok
from common.values.units import MS
from stage3_partitioning.multileader.versions import Vector, Write, count, covers

ASK_EVERY = 100 * MS
"""How long a leader waits before it asks its sources again for what it lacks."""

MOST_SHIPPED = 64
"""Writes in one message."""

Topology: TypeAlias = Literal["all", "ring", "star"]
"""Everybody to everybody; each to the next one; or all by way of the first one, the hub."""

# What a person asks of a leader.


@operation
class Put:
    """Write ``value`` to ``key``. Ends with Ok() as soon as it is on this leader's disk."""

    key: str
    value: str


@operation
class Get:
    """What is under ``key`` here? What it ends with is up to the kind of leader."""

    key: str


# What leaders say to each other.


@message
class Shipment:
    """Writes of my log that you may lack, in its order."""

    writes: tuple[Write, ...]


@message
class Have:
    """I have all that ``vector`` has heard of: ship me what I lack."""

    vector: Vector


@timer
class AskAgain:
    """It is time to ask for what is lacking here."""


class Leader(Node):
    """One of several leaders; what becomes of concurrent writes is up to subclasses.

    Args:
        id: the name of this leader.
        peers: the other leaders.
        topology: who ships to whom.
        ask_every: in microseconds, how long until its sources are asked again.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        topology: Topology = "all",
        ask_every: int = ASK_EVERY,
    ) -> None:
        super().__init__(id, peers)
        self.topology: Topology = topology
        self.ask_every = ask_every
        self.log: list[Write] = []
        """All writes that are here, in the order in which they were taken."""
        self.have: Vector = ()
        """Of each leader, how many of its writes that is."""

    def status(self) -> Mapping[str, object]:
        """How many writes are here."""
        return {"writes": len(self.log)}

    def on_start(self) -> None:
        """Take again what is on disk, in the same order, and begin to ask."""
        for number in range(len(self.saved)):
            self.add(self.saved["log", number])
        self.set_timer(self.ask_every, AskAgain())

    # Who ships to whom.

    def targets(self) -> tuple[NodeId, ...]:
        """To whom this leader ships, by the topology; names are in order of the alphabet.

        * ``all``: to everybody else.
        * ``ring``: to the next name, and the last one to the first.
        * ``star``: the first name is the hub, and ships to everybody; the others ship to the hub.
        """
        return self.peers_by_topology(+1)

    def sources(self) -> tuple[NodeId, ...]:
        """Who ships to this leader: in a ring the name before, else the same as the targets."""
        return self.peers_by_topology(-1)

    def peers_by_topology(self, step: int) -> tuple[NodeId, ...]:
        """The neighbours in one direction: +1 for those shipped to, -1 for those that ship here."""
        members = sorted((self.id, *self.peers))
        at = members.index(self.id)
        if self.topology == "ring" and len(members) > 1:
            return (members[(at + step) % len(members)],)
        if self.topology == "star" and at > 0:
            return (members[0],)
        return self.peers

    def pushed_to(self, write: Write, source: NodeId) -> tuple[NodeId, ...]:
        """To which targets a write that was just taken is passed on at once.

        Not to where it came from, and not to its own leader: they have it. Where all ship to all,
        only a leader's own writes are pushed: its own leader has pushed it to everybody else.

        Args:
            write: what was taken.
            source: who sent it; this leader itself for its own.
        """
        if self.topology == "all" and source != self.id:
            return ()
        return tuple(to for to in self.targets() if to not in (source, write.leader))

    # Writing.

    @on(Put)
    def put(self, put: Put, call: CallId) -> None:
        """Write here and answer at once: the next number of this leader, after all that is here."""
        number = count(self.have, self.id) + 1
        seen = self.seen_of(put.key)
        stamp = self.stamp()
        self.take(Write(self.id, number, self.have, seen, put.key, put.value, stamp), self.id)
        self.finish(call, Ok())

    def take(self, write: Write, source: NodeId) -> None:
        """Save a write under ("log", its place in the log, from 0), add it there, and pass it on.

        Args:
            write: the next one of its leader.
            source: who sent it; this leader itself for its own.
        """
        self.save(("log", len(self.log)), write)
        self.add(write)
        for to in self.pushed_to(write, source):
            self.send(to, Shipment((write,)))

    def add(self, write: Write) -> None:
        """Put a write at the end of the log, count it, and let it do what it does."""
        self.log.append(write)
        had = {**dict(self.have), write.leader: write.number}
        self.have = tuple(sorted(had.items()))
        self.apply(write)

    # Shipping.

    def is_due(self, write: Write) -> bool:
        """Whether a write may be taken now: the next one of its leader, and all causes are here."""
        is_next = write.number == count(self.have, write.leader) + 1
        return is_next and covers(self.have, write.after)

    @on(Shipment)
    def shipment_received(self, shipment: Shipment, sender: NodeId) -> None:
        """Take what is due, in the order of the shipment; after a full one ask for more at once."""
        for write in shipment.writes:
            if self.is_due(write):
                self.take(write, sender)
        if len(shipment.writes) >= MOST_SHIPPED:
            self.send(sender, Have(self.have))

    @on(Have)
    def have_received(self, have: Have, sender: NodeId) -> None:
        """Ship the first writes of the log that the sender lacks; nothing, if it lacks none."""
        known = dict(have.vector)
        lacking = [each for each in self.log if each.number > known.get(each.leader, 0)]
        if lacking:
            self.send(sender, Shipment(tuple(lacking[:MOST_SHIPPED])))

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Tell all sources what is here, so that they ship what is not."""
        for source in self.sources():
            self.send(source, Have(self.have))
        self.set_timer(self.ask_every, AskAgain())

    # What differs.

    def stamp(self) -> int:
        """The time stamp of a new write; the clock's, unless a subclass knows better."""
        return self.now

    def seen_of(self, key: str) -> Vector:
        """What the author of a new write has seen of its key: all that is here, unless said."""
        return self.have

    def apply(self, write: Write) -> None:
        """A write has come into the log."""
