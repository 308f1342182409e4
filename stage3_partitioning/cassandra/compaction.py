"""Part 3: compaction. Several tables become fewer, and what is deleted goes at last.

The more tables there are, the more a read has to ask. Compaction merges some of them into new ones:
of each name the newest cell is left. Which tables, is a choice with a price:

* **Size-tiered** merges tables that are about equally large. A cell is written once for each size,
  so few times; a read may have to ask several tables of each size.
* **Levelled** keeps the tables of a level apart from each other, so a read asks at most one of each
  level. A cell is written about ten times on its way down (LevelDB; O'Neil's tree).

**When may a tombstone go?** It hides older cells of its name. If it goes while one of them is still
in some table, that one is visible again: *the deleted key returns*. It has happened to LevelDB
(issue 184) and to RocksDB (issue 2722); badger's issue 464 is about the same reasoning. So:

1. no table outside of this compaction, and not the memtable, may have an older cell of the name;
2. it is older than the *grace*: other replicas may have missed the deletion, and repair has that
   long to tell them. If it goes earlier, a replica that was away brings the deleted value back,
   and nobody remembers that it was deleted.

A replica that is repaired less often than the grace lasts has deleted data come back.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from common.values.sizes import bytes_of
from stage3_partitioning.cassandra.files import Files
from stage3_partitioning.cassandra.lsm import (
    Cell,
    Entry,
    Name,
    Store,
    Table,
    merged,
    write_table,
)

GRACE = 864_000_000_000
"""Ten days, in microseconds: Cassandra's ``gc_grace_seconds``."""

TOGETHER = 4
"""So many tables of a size are merged, and so many of level 0."""

FANOUT = 10
"""Level 1 has so many tables at most, level 2 so many times as many, and so on."""

Choice: TypeAlias = tuple[list[Table], int]
"""Which tables to merge, and the level of what comes out; no tables for nothing to do."""


def size_tiered(tables: Sequence[Table], together: int = TOGETHER) -> Choice:
    """The smallest tables that are about equally large, if there are enough of them.

    Tables are sorted by size. One is as large as those before it if it has at most twice the bytes
    of the first one of them; else another size begins. The first size with ``together`` tables or
    more is merged, all of it, to a table of level 0.
    """
    alike: list[Table] = []
    for table in sorted(tables, key=lambda each: (each.size, each.number)):
        if alike and table.size > 2 * alike[0].size:
            if len(alike) >= together:
                break
            alike = []
        alike.append(table)
    return (alike, 0) if len(alike) >= together else ([], 0)


def levelled(tables: Sequence[Table], together: int = TOGETHER, fanout: int = FANOUT) -> Choice:
    """The first level that has too much, with what it overlaps in the level below.

    * Level 0 with ``together`` tables: all of them go to level 1, for they overlap each other.
    * Level n with more than ``fanout ** n`` tables: the one with the least number goes down.

    With them go all tables of the next level that overlap them, so that the tables of that level
    stay apart.
    """
    for level in range(1 + max((table.level for table in tables), default=0)):
        here = [table for table in tables if table.level == level]
        if level == 0 and len(here) >= together:
            chosen = here
        elif level > 0 and len(here) > fanout**level:
            chosen = [min(here, key=lambda each: each.number)]
        else:
            continue
        first, last = min(each.first for each in chosen), max(each.last for each in chosen)
        below = [each for each in tables if each.level == level + 1 and overlaps(each, first, last)]
        return [*chosen, *below], level + 1
    return [], 0


STRATEGIES: dict[str, Callable[[Sequence[Table]], Choice]] = {
    "size-tiered": size_tiered,
    "levelled": levelled,
}


def overlaps(table: Table, first: Name, last: Name) -> bool:
    """Whether a table may have a name from ``first`` to ``last``, both included."""
    return table.first <= last and first <= table.last


class CompactingStore(Store):
    """A store that compacts.

    Args:
        files, options: as for :class:`~stage3_partitioning.cassandra.lsm.Store`.
        strategy: ``size-tiered`` or ``levelled``.
        grace: how long a tombstone is kept, in microseconds.
        table_cells: a table of level 1 or more has at most so many cells.

    Raises:
        KeyError: there is no such strategy.
    """

    def __init__(
        self,
        files: Files,
        *,
        strategy: str = "size-tiered",
        grace: int = GRACE,
        table_cells: int = 1000,
        **options: Any,
    ) -> None:
        super().__init__(files, **options)
        self.strategy = STRATEGIES[strategy]
        self.grace = grace
        self.table_cells = table_cells

    def choose(self, tables: Sequence[Table]) -> Choice:
        """Which tables to merge, by the strategy.

        A compaction keeps everything else waiting, too. Size-tiered tables grow without bound; so
        one that is twice as large as a memtable or more is merged no more. Levelled ones do not
        grow: more of them come.
        """
        if self.strategy is size_tiered:
            tables = [table for table in tables if table.size < 2 * self.memtable_bytes]
        return self.strategy(tables)

    def compact(self, now: int, choice: Choice | None = None) -> bool:
        """Merge some tables; the files that counted before count until all new ones are whole.

        Args:
            now: the time, in microseconds.
            choice: which tables; what the strategy chooses unless given.

        Returns:
            Whether there was anything to do.
        """
        tables, level = choice or self.choose(self.tables)
        if not tables:
            return False
        others = [table for table in self.tables if table not in tables]
        made = [
            write_table(self.files, self.new_number(), level, entries, self.kind)
            for entries in self.cut(self.kept(tables, others, now), level)
        ]
        self.commit([*others, *made], self.logs_from)
        return True

    def kept(self, tables: Sequence[Table], others: Sequence[Table], now: int) -> Iterator[Entry]:
        """The newest cell of each name in these tables, without tombstones that may go."""
        for name, cell in merged(table.entries() for table in tables):
            if cell.value is not None or not self.may_go(name, cell, others, now):
                yield name, cell

    def may_go(self, name: Name, tombstone: Cell, others: Sequence[Table], now: int) -> bool:
        """Whether a tombstone is needed no more.

        Args:
            name: what it deletes.
            tombstone: its cell.
            others: the tables that are not in this compaction.
            now: the time, in microseconds.

        Returns:
            True if the grace has passed since its timestamp, the name is not in the memtable, and
            no other table may hide something: one that overlaps the name and has a cell of the
            tombstone's timestamp or older.
        """
        if now - tombstone.timestamp < self.grace or name in self.memtable:
            return False
        return not any(
            overlaps(table, name, name) and table.oldest <= tombstone.timestamp for table in others
        )

    def cut(self, entries: Iterator[Entry], level: int) -> Iterator[list[Entry]]:
        """The cells of one new table after the other: one of any size at level 0, else of
        ``table_cells``, or about as large as a memtable."""
        piece: list[Entry] = []
        size = 0
        for name, cell in entries:
            piece.append((name, cell))
            size += bytes_of(*name, cell.value)
            if level > 0 and (len(piece) == self.table_cells or size >= self.memtable_bytes):
                yield piece
                piece, size = [], 0
        if piece:
            yield piece
