"""The log of writes, and the state that it leads to: one on every member, and no network here.

A *position* is a place in a history: the epoch in which the last write was made, and how many
writes there are up to it. One leader makes all writes of an epoch, one after the other. So two logs
that have the same position have the same writes up to it, and one comparison says so for all of
them (Ongaro and Ousterhout 2014, section 5.3: the *log matching property*). Redis writes the same
pair as a replication id and an offset.

The oldest writes are folded into a copy of the state, the *base*. What is left is the *backlog*:
only what is in it can be shipped write by write. The *lineage* stays whole: of each epoch, its last
position. It is short, for it grows by one with each failover.
"""

from collections.abc import Iterable
from typing import TypeAlias

from common.contract import NodeId, record
from common.values.sizes import bytes_of

Position: TypeAlias = tuple[int, int]
"""An epoch, and an offset: how many writes there are up to here. Greater is further."""

NOWHERE: Position = (0, 0)
"""Before the first write."""

MOST_BYTES = 2_500_000
"""Of the texts that are shipped in one message, which has 4 MB at the most."""


@record
class Entry:
    """One write of the log.

    Attributes:
        epoch: in which it was made.
        client, number: whose request it was, so that no request is carried out twice. A client ""
            is the mark with which a leader begins an epoch: it writes nothing.
        key: what is written to.
        value: what is written; None deletes the key.
    """

    epoch: int
    client: NodeId
    number: int
    key: str
    value: str | None


@record
class Copy:
    """The whole state at one position.

    Attributes:
        lineage: of each epoch the last position in it, oldest first.
        data: keys and values, in order of keys.
        clients: of each client, its last number and that request's position, in order of names.
    """

    lineage: tuple[Position, ...] = ()
    data: tuple[tuple[str, str], ...] = ()
    clients: tuple[tuple[NodeId, int, Position], ...] = ()


EMPTY = Copy()


class Log:
    """Writes in order, and the state after the last one.

    Attributes:
        base: the state before the first write of the backlog.
        entries: the backlog.
        lineage: of each epoch the last position in it, oldest first; the base's among them.
        data: the value of each key.
        clients: of each client its last number, and that request's position.
    """

    def __init__(self, base: Copy = EMPTY) -> None:
        self.replace(base)

    def replace(self, base: Copy) -> None:
        """Begin with a copy, and no backlog."""
        self.base = base
        self.entries: list[Entry] = []
        self.lineage = list(base.lineage)
        self.data = dict(base.data)
        self.clients = {client: (number, place) for client, number, place in base.clients}

    # Where it ends, and where it was.

    @property
    def position(self) -> Position:
        """Of the last write."""
        return self.lineage[-1] if self.lineage else NOWHERE

    @property
    def offset(self) -> int:
        """How many writes there are, from the very first one on."""
        return self.position[1]

    @property
    def start(self) -> int:
        """How many writes are in the base, and not in the backlog."""
        return self.base.lineage[-1][1] if self.base.lineage else 0

    def at(self, offset: int) -> Position:
        """The position at an offset of this history."""
        return next(
            ((epoch, offset) for epoch, end in self.lineage if offset <= end and offset), NOWHERE
        )

    def first_of(self, epoch: int) -> int:
        """The offset of the first write of an epoch; there may be none so far."""
        return 1 + max((end for each, end in self.lineage if each < epoch), default=0)

    # Writing.

    def append(self, entry: Entry) -> Position:
        """Add a write at the end, let it do what it does, and return its position."""
        position = (entry.epoch, self.offset + 1)
        if self.lineage and self.lineage[-1][0] == entry.epoch:
            self.lineage.pop()
        self.lineage.append(position)
        self.entries.append(entry)
        if entry.value is not None:
            self.data[entry.key] = entry.value
        elif entry.client:
            self.data.pop(entry.key, None)
        if entry.client:
            self.clients[entry.client] = (entry.number, position)
        return position

    def since(self, offset: int, most: int, room: int = MOST_BYTES) -> tuple[Entry, ...]:
        """The writes of the backlog behind an offset: one, and more while there is room.

        Args:
            offset: behind which they are.
            most: so many at most.
            room: for the bytes of their texts.
        """
        first = offset - self.start
        found: list[Entry] = []
        for entry in self.entries[first : first + most]:
            room -= bytes_of(entry.key, entry.value)
            if found and room < 0:
                break
            found.append(entry)
        return tuple(found)

    def copy(self) -> Copy:
        """The state as it is now."""
        clients = ((client, *self.clients[client]) for client in sorted(self.clients))
        return Copy(tuple(self.lineage), tuple(sorted(self.data.items())), tuple(clients))

    def fold(self, most: int) -> int:
        """Leave the last ``most`` writes in the backlog; returns how many went into the base."""
        old = len(self.entries) - most
        if old > 0:
            self._rebuild(self.entries[:old], self.entries[old:])
        return max(old, 0)

    def cut(self, offset: int) -> list[Entry]:
        """Take back all writes behind an offset of the backlog, and return them."""
        assert offset >= self.start, "what is in the base cannot be taken back"
        kept, gone = self.entries[: offset - self.start], self.entries[offset - self.start :]
        self.replace(self.base)
        self._add(kept)
        return gone

    def _rebuild(self, old: list[Entry], kept: list[Entry]) -> None:
        self.replace(self.base)
        self._add(old)
        self.replace(self.copy())
        self._add(kept)

    def _add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.append(entry)

    # Comparing histories.

    def has(self, position: Position) -> bool:
        """Whether a log that ends there can be continued by the backlog of this one.

        It can if this history goes through that position, and every write behind it is in the
        backlog, not in the base.
        """
        return self.start <= position[1] <= self.offset and self.at(position[1]) == position

    def fork(self, position: Position) -> Position:
        """The last position here that a log may have, too, which ends at ``position``.

        It is of no later epoch, and of no greater offset. (KIP-279 has the same rule: *the largest
        epoch not above that one, and where it ends*. It is exact where that log has had the epochs
        that this one has; otherwise the two ask each other once more.)
        """
        epoch, offset = position
        reach = max((end for each, end in self.lineage if each <= epoch), default=0)
        return self.at(min(reach, offset))
