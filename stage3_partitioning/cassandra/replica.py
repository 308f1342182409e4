"""What nodes say to each other, and a replica: a store of cells on the disk of a node.

A node has no files, it has what it saves. So each piece that the store appends to a file is saved
under a key of its own. Whatever the store does in one step becomes durable at once or not at all,
and a flush, a compaction and a write are steps of their own: a crash comes between any of them.
"""

from collections.abc import Mapping
from typing import Any

from common.contract import Node, NodeId, message, on, operation, record, timer
from common.values.sizes import bytes_of
from stage3_partitioning.cassandra.compaction import GRACE, CompactingStore
from stage3_partitioning.cassandra.files import MemoryFiles
from stage3_partitioning.cassandra.indexed import IndexedTable
from stage3_partitioning.cassandra.lsm import Cells, Name
from stage3_partitioning.dynamo.ring import Ring

ONE, QUORUM, ALL = "ONE", "QUORUM", "ALL"

MOST_BYTES = 2_050_000
"""Of the texts in one answer to a read. Two others may have twice as much that a replica lacks, and
that has to fit one message, which has 4 MB."""


@record
class Value:
    """What a column of a row holds; None for nothing: written, that deletes it."""

    row: str
    column: str
    value: str | None


@record
class Shown:
    """A column of a row as a reader is shown it, with the timestamp of its write."""

    row: str
    column: str
    value: str | None
    timestamp: int


# What people ask of a node, which is then the coordinator.


@operation
class Put:
    """Write some columns of one partition.

    Ends with Ok(timestamp) when as many replicas as ``level`` says have it on disk.

    Attributes:
        key: of the partition.
        values: what to write.
        level: ``ONE``, ``QUORUM`` or ``ALL``.
        timestamp: of the write, in microseconds; 0 for the coordinator's own clock.
    """

    key: str
    values: tuple[Value, ...]
    level: str = QUORUM
    timestamp: int = 0


@operation
class Get:
    """Read the rows from ``first`` on and before ``last`` of one partition.

    Ends with Ok(tuple of Shown), sorted by row and column, by the word of as many replicas as
    ``level`` says. What is deleted is shown with the value None.

    Attributes:
        key: of the partition.
        first, last: rows; "" for the beginning, and for the end.
        level: as of a Put.
    """

    key: str
    first: str = ""
    last: str = ""
    level: str = QUORUM


@operation
class PutIf:
    """Write ``values`` if the columns hold just what is ``expected``: a lightweight transaction.

    Ends with Ok(True) if it was done. If it was not, with Ok(tuple of Shown): what the expected
    columns hold. Without values it only looks, and ends like that, too.
    """

    key: str
    expected: tuple[Value, ...]
    values: tuple[Value, ...]


# What nodes say to each other.


@message
class Mutate:
    """Keep these cells; say so, unless ``round`` is 0."""

    round: int
    cells: Cells


@message
class Mutated:
    """They are on my disk."""

    round: int


@message
class Read:
    """What cells do you have from ``first`` on and before ``last``?"""

    round: int
    first: Name
    last: Name


@message
class Found:
    """These. Tombstones are among them."""

    round: int
    cells: Cells


@message
class TooMuch:
    """What you want to read is more than fits one message."""

    round: int


# The store on a node.


@timer
class FlushDue:
    """The memtable is full."""


@timer
class CompactDue:
    """A table more is there: it may be time to merge some."""


class SavedFiles(MemoryFiles):
    """Files in what a node saves.

    Args:
        saved: of a node: ``("file", name, number of the piece)`` and the piece.

    Attributes:
        changes: what has to be saved, in order; a piece that is None has to be forgotten.
    """

    def __init__(self, saved: Mapping[Any, Any]) -> None:
        self.pieces: dict[str, int] = {}
        contents: dict[str, bytes] = {}
        for _, name, piece in sorted(key for key in saved if key[0] == "file"):
            contents[name] = contents.get(name, b"") + saved["file", name, piece]
            self.pieces[name] = piece
        super().__init__(contents)
        self.changes: list[tuple[tuple[str, str, int], bytes | None]] = []

    def append(self, name: str, data: bytes) -> None:
        """Write to the end: a piece more."""
        super().append(name, data)
        self.pieces[name] = self.pieces.get(name, 0) + 1
        self.changes.append((("file", name, self.pieces[name]), data))

    def remove(self, name: str) -> None:
        """Throw all pieces away."""
        super().remove(name)
        for piece in range(self.pieces.pop(name)):
            self.changes.append((("file", name, piece + 1), None))


class Replica(Node):
    """A node that keeps cells.

    Args:
        id, peers: its name, and those of the others.
        n: how many homes a partition has.
        memtable_cells, strategy, grace, table_cells: as of a store.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        n: int = 3,
        memtable_cells: int = 1000,
        strategy: str = "size-tiered",
        grace: int = GRACE,
        table_cells: int = 1000,
    ) -> None:
        super().__init__(id, peers)
        self.n = n
        self.ring = Ring((id, *peers))
        self.options: dict[str, Any] = {
            "memtable_cells": memtable_cells,
            "strategy": strategy,
            "grace": grace,
            "table_cells": table_cells,
        }
        self.flush_is_due = False
        """Whether a timer is set."""

    def on_start(self) -> None:
        """Open the store on what is saved."""
        self.files = SavedFiles(self.saved)
        self.store = CompactingStore(self.files, table=IndexedTable, **self.options)
        self.make_durable()

    def status(self) -> Mapping[str, object]:
        """What the dashboard shows."""
        return {"memtable": len(self.store.memtable), "tables": len(self.store.tables)}

    def homes(self, key: str) -> tuple[NodeId, ...]:
        """Who keeps a partition."""
        return self.ring.homes(key, self.n)

    @on(Mutate)
    def mutate_received(self, mutate: Mutate, sender: NodeId) -> None:
        """Write the cells, and say so if an answer is wanted; a full memtable is flushed soon."""
        self.keep(mutate.cells)
        if mutate.round:
            self.send(sender, Mutated(mutate.round))

    @on(Read)
    def read_received(self, read: Read, sender: NodeId) -> None:
        """Say what is here, tombstones too; or that it is too much."""
        cells = tuple(self.store.scan(read.first, read.last))
        fits = sum(bytes_of(*name, cell.value) for name, cell in cells) <= MOST_BYTES
        self.send(sender, Found(read.round, cells) if fits else TooMuch(read.round))

    def keep(self, cells: Cells) -> None:
        """Write cells to the store."""
        self.store.write(dict(cells))
        self.make_durable()
        if self.store.full and not self.flush_is_due:
            self.flush_is_due = True
            self.set_timer(0, FlushDue())

    @on(FlushDue)
    def flush_due(self, timer: FlushDue) -> None:
        """Flush; then there is a table more, and it may be time to compact."""
        self.flush_is_due = False
        self.store.flush()
        self.make_durable()
        self.set_timer(0, CompactDue())

    @on(CompactDue)
    def compact_due(self, timer: CompactDue) -> None:
        """Compact, once for each step, as long as there is something to do."""
        if self.store.compact(self.now):
            self.make_durable()
            self.set_timer(0, CompactDue())

    def make_durable(self) -> None:
        """Save what the store has done to its files."""
        for key, piece in self.files.changes:
            if piece is None:
                self.forget(key)
            else:
                self.save(key, piece)
        self.files.changes.clear()
