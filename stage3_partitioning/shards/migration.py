"""A migration: a chunk goes to another shard while clients write to it.

1. **Clone.** The config server tells the donor, the donor tells the recipient. The recipient throws
   away what lies there from earlier times. The donor sends every document, a batch at a time.
2. **Catch up.** What is written meanwhile is sent again, as it is by then: deletions too.
3. **Critical section.** When what is left fits into one batch, the donor closes the chunk: nobody
   reads or writes it. It sends the last batch.
4. **Commit.** The recipient has everything on disk. Now the donor asks the config server, which
   makes the next table if its own is still the one at which the migration began. That is the one
   moment at which the owner changes.
5. **Range deletion.** What the donor still has of the chunk are *orphans*. Nobody is shown them,
   and they are deleted a few at a time.

**When is it over?** A migration is named after the version of the table at which it began. Each
table that is newer ends it: if the chunk is the recipient's there it was committed, else it never
will be. So the donor, after a crash or when nothing goes on, need not know how far it had got. It
asks for a newer table (GiveUp) until it has one, and what it has closed stays closed till then. A
Commit that is still on its way then comes too late, because the version is another. (MongoDB
does the same: "ensure chunk version is greater than", in its migration recovery.)
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from common.contract import NodeId, on, record, timer
from common.values.sizes import bytes_of
from common.values.units import MS
from stage3_partitioning.shards.chunks import Table, Version, chunk_of
from stage3_partitioning.shards.messages import (
    Batch,
    Commit,
    GiveUp,
    Item,
    MoveChunk,
    Receive,
    Taken,
)
from stage3_partitioning.shards.shard import MOST_BYTES, Shard

AGAIN_AFTER = 100 * MS
"""What is not answered is said again after so long; orphans are deleted as often."""

PATIENCE = 10
"""So often a donor says the same thing again before it gives up."""

BATCH = 100
"""Documents of a batch, if they have no more than MOST_BYTES together."""


@timer
class MigrationTick:
    """Time to say again what was not answered, and to delete some orphans."""


@record
class Donating:
    """The chunk that this shard gives away. Durable.

    Attributes:
        migration: the version of the table at which it began.
        closed: whether the critical section has begun.
    """

    migration: Version
    low: str
    high: str
    to: NodeId
    closed: bool


@record
class Incoming:
    """The chunk that this shard is given. Durable.

    Attributes:
        taken: the number of the last batch that is on disk.
    """

    migration: Version
    low: str
    high: str
    donor: NodeId
    taken: int


@dataclass(slots=True)
class Clone:
    """How far a donor has got. A crash forgets it, and the migration is given up.

    Attributes:
        left: places that were not sent since they were written last.
        sent: what the recipient has not answered.
        number: of the batch that was sent last; 0 for Receive.
        waited: how often it was said again.
        complete: whether the recipient has everything.
    """

    left: set[str]
    sent: Receive | Batch
    number: int = 0
    waited: int = 0
    complete: bool = field(default=False)


class Migrating(Shard):
    """A shard that gives and takes chunks.

    Args:
        id, peers, options: as for Shard.
        batch: how many documents are in a batch, and are deleted at a time.
        again_after: in microseconds, between two ticks.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        batch: int = BATCH,
        again_after: int = AGAIN_AFTER,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.batch = batch
        self.again_after = again_after
        self.donating: Donating | None = None
        """Saved under "donating"."""
        self.incoming: Incoming | None = None
        """Saved under "incoming"."""
        self.clone: Clone | None = None
        """How far it has got, while this life is donating and has not given up."""

    def status(self) -> Mapping[str, object]:
        """What moves, too."""
        moving = f"to {self.donating.to}" if self.donating else ""
        moving = f"from {self.incoming.donor}" if self.incoming else moving
        return {**super().status(), "moving": moving}

    def on_start(self) -> None:
        """Take up the notes of an earlier life. What was closed is still closed."""
        super().on_start()
        donating, incoming = self.saved.get("donating"), self.saved.get("incoming")
        if isinstance(donating, Donating):
            self.donating = donating
            if donating.closed:
                self.closed = (donating.low, donating.high)
        if isinstance(incoming, Incoming):
            self.incoming = incoming
        self.set_timer(self.again_after, MigrationTick())

    def adopt(self, table: Table) -> None:
        """A newer table ends the migrations that began before it: forget the notes ("donating" and
        "incoming"), and open what was closed, for the table says whose it is."""
        super().adopt(table)
        if self.donating is not None and self.table.version > self.donating.migration:
            self.donating = self.clone = None
            self.closed = ("", "")
            self.forget("donating")
        if self.incoming is not None and self.table.version > self.incoming.migration:
            self.incoming = None
            self.forget("incoming")

    # The donor.

    @on(MoveChunk)
    def move_chunk_received(self, move: MoveChunk, sender: NodeId) -> None:
        """Begin, unless a migration is under way here, or the config server's table is not the one
        of this message any more, or the chunk is not this shard's.

        It is noted under "donating". Everything in the chunk is left to send: each document, and
        each place at which a session has changed something last, for that may be a deletion.
        """
        self.adopt(move.table)
        chunk = chunk_of(self.table, move.low)
        if self.donating or self.table != move.table or chunk.shard != self.id:
            return
        self.donating = Donating(self.table.version, chunk.low, chunk.high, move.to, False)
        self.save("donating", self.donating)
        changed = {session.place for session in self.sessions.values()}
        here = self.documents.between(chunk.low, chunk.high)
        places = {*here, *(place for place in changed if chunk.covers(place))}
        self.clone = Clone(places, Receive(self.table, chunk.low))
        self.send(move.to, self.clone.sent)

    def written(self, place: str) -> None:
        """What is written while its chunk is cloned has to be sent once more."""
        donating, clone = self.donating, self.clone
        if donating and clone and donating.low <= place < donating.high:
            clone.left.add(place)

    @on(Taken)
    def taken_received(self, taken: Taken, recipient: NodeId) -> None:
        """The recipient has what was sent last: send more, or commit when it was all.

        An answer to something else came too late.
        """
        donating, clone = self.donating, self.clone
        if donating is None or clone is None or clone.complete:
            return
        if (taken.migration, taken.number) != (donating.migration, clone.number):
            return
        clone.waited = 0
        if donating.closed:
            clone.complete = True
            self.send(self.config_server, Commit(donating.migration, donating.low, donating.to))
        else:
            self.send_batch(donating, clone)

    def send_batch(self, donating: Donating, clone: Clone) -> None:
        """Send the next batch: :meth:`first_of` what is left, in the order of places.

        If it is all that is left, the critical section begins first: it is noted on disk, under
        "donating", and from now on nothing is read or written in the chunk. An empty batch is sent,
        too.
        """
        places = self.first_of(clone.left)
        clone.left.difference_update(places)
        if not clone.left:
            self.donating = replace(donating, closed=True)
            self.save("donating", self.donating)
            self.closed = (donating.low, donating.high)
        clone.number += 1
        items = tuple(self.item(place) for place in places)
        clone.sent = Batch(donating.migration, clone.number, items)
        self.send(donating.to, clone.sent)

    def first_of(self, left: Collection[str]) -> list[str]:
        """The first places, in order: ``batch`` of them, or as many as fit one message."""
        first = sorted(left)[: self.batch]
        size = 0
        for many, place in enumerate(first):
            size += bytes_of(place, self.documents.get(place))
            if many and size > MOST_BYTES:
                return first[:many]
        return first

    def item(self, place: str) -> Item:
        """What is there now, and the sessions whose latest change was there."""
        sessions = (each for each in self.sessions.items() if each[1].place == place)
        return Item(place, self.documents.get(place), tuple(sorted(sessions, key=lambda e: e[0])))

    def go_on(self, donating: Donating) -> None:
        """Say again what was not answered, to the recipient or to the config server.

        A donor gives up when it does not know any more how far it had got, or when the recipient
        has been silent for PATIENCE ticks. It never commits after that.
        """
        clone = self.clone
        if clone is not None and not clone.complete:
            clone.waited += 1
            if clone.waited > PATIENCE:
                clone = self.clone = None
        if clone is None:
            self.send(self.config_server, GiveUp(donating.migration, donating.low))
        elif clone.complete:
            self.send(self.config_server, Commit(donating.migration, donating.low, donating.to))
        else:
            self.send(donating.to, clone.sent)

    # The recipient.

    @on(Receive)
    def receive_received(self, receive: Receive, donor: NodeId) -> None:
        """Get ready, unless the table is newer by now or another chunk is coming. What is coming is
        noted under "incoming".

        What lies in the range was left there by an earlier migration, and is not what the donor
        has: a document that was deleted there would come back. So it is deleted first.
        """
        self.adopt(receive.table)
        if self.table != receive.table:
            return
        chunk = chunk_of(self.table, receive.low)
        if self.incoming is None:
            for place in self.documents.between(chunk.low, chunk.high):
                self.keep(place, None)
            self.incoming = Incoming(self.table.version, chunk.low, chunk.high, donor, 0)
            self.save("incoming", self.incoming)
        if (self.incoming.donor, self.incoming.low) == (donor, chunk.low):
            self.send(donor, Taken(self.incoming.migration, self.incoming.taken))

    @on(Batch)
    def batch_received(self, batch: Batch, donor: NodeId) -> None:
        """The next batch goes to disk, with a note of its number ("incoming"); one that comes again
        does not. Both are answered.

        Of a session the change with the greater number holds, whether it came or was here. It is
        saved under ("session", its name).
        """
        incoming = self.incoming
        if incoming is None or (incoming.migration, incoming.donor) != (batch.migration, donor):
            return
        if batch.number == incoming.taken + 1:
            for item in batch.items:
                self.keep(item.place, item.value)
                for name, session in item.sessions:
                    if name not in self.sessions or session.number > self.sessions[name].number:
                        self.sessions[name] = session
                        self.save(("session", name), session)
            incoming = self.incoming = replace(incoming, taken=batch.number)
            self.save("incoming", incoming)
        if batch.number <= incoming.taken:
            self.send(donor, Taken(batch.migration, batch.number))

    # Both.

    @on(MigrationTick)
    def migration_tick(self, timer: MigrationTick) -> None:
        """Go on with what is given, ask what became of what is taken, delete some orphans."""
        if self.donating is not None:
            self.go_on(self.donating)
        if self.incoming is not None:
            self.refresh()
        for place in self.orphans()[: self.batch]:
            self.keep(place, None)
        self.set_timer(self.again_after, MigrationTick())

    def orphans(self) -> list[str]:
        """The documents that lie here, are another shard's, and are not about to become this
        shard's, in the order of places.

        It is asked at the moment of deletion. A range that was given away may have come back.
        """
        coming = self.incoming
        low, high = (coming.low, coming.high) if coming else ("", "")
        return [
            place
            for chunk in self.table.chunks
            if chunk.shard != self.id
            for place in self.documents.between(chunk.low, chunk.high)
            if not low <= place < high
        ]
