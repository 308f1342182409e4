"""Part 1: a store that never changes what it has written (a log-structured merge tree).

O'Neil and others 1996; Chang and others 2006, "Bigtable", section 5.3; Lakshman and Malik 2010,
"Cassandra", section 5.4. A disk writes fast at the end of a file and slowly in the middle. So a
write changes nothing in place::

    write ──▶ commit log          (a line at its end; now the write is safe)
         └──▶ memtable            (in memory; the newest cell of each name)
                 │ full: flush
                 ▼
              table-000002        (all cells, sorted by name; written once, never changed)

A read asks the memtable *and* all tables, because any of them may have the newest cell. The newest
one is that with the greatest timestamp, in whatever file it is: writes may arrive in any order.

**A deletion is a write**: a cell without a value, a *tombstone*. The older cells are still in their
tables; the tombstone hides them.

**Which files count?** A *manifest* names the tables, and the first log that is not yet in them. A
flush writes the table, then another manifest, then removes what that no longer names. A crash at
any byte leaves the old manifest or the new one, and either names only what is whole.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge
from typing import Any, TypeAlias

from common.contract import record
from common.values.sizes import bytes_of
from stage3_partitioning.cassandra.files import Files, contents_of, line_of

Name: TypeAlias = tuple[str, str, str]
"""Of a cell: the partition's key, the row, the column. Cells are sorted by it."""

MEMTABLE_CELLS = 1000
MEMTABLE_BYTES = 4 * 1024 * 1024
"""A memtable with so many cells is full, or one to which so many bytes were written: a flush keeps
everything else waiting, and a thousand large cells are a gigabyte."""


@record
class Cell:
    """What somebody wrote under a name.

    Attributes:
        value: what it holds; None is a tombstone: the name is deleted.
        timestamp: of the write, in microseconds, by the clock of who wrote it.
    """

    value: str | None
    timestamp: int


Entry: TypeAlias = tuple[Name, Cell]
Cells: TypeAlias = tuple[Entry, ...]


def newer(one: Cell | None, other: Cell | None) -> Cell | None:
    """Which of two cells of a name holds: the one with the greater timestamp; None is older.

    All replicas must choose alike, so two of one timestamp need a rule, too: a tombstone holds
    against a value, and of two values the greater text.
    """
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda cell: (cell.timestamp, cell.value is None, cell.value or ""))


def merged(sources: Iterable[Iterable[Entry]]) -> Iterator[Entry]:
    """All cells of several sorted sources, sorted, and of each name only the newest.

    Args:
        sources: each sorted by name, no name twice in one. They may be long: read as you go.
    """
    last: Name | None = None
    newest: Cell | None = None
    for name, cell in merge(*sources, key=lambda entry: entry[0]):
        if last is not None and newest is not None and name != last:
            yield last, newest
            newest = None
        last, newest = name, newer(newest, cell)
    if last is not None and newest is not None:
        yield last, newest


class Table:
    """A sorted file that never changes. This one is read from its beginning, each time.

    Args:
        files: where it is.
        number: which file.
        level: of compaction (``compaction``); 0 for a table that a flush has written.

    Attributes:
        first, last: its least and its greatest name.
        oldest, newest: the least and the greatest timestamp in it.
        cells: how many cells it has.
    """

    def __init__(self, files: Files, number: int, level: int = 0) -> None:
        self.files = files
        self.number = number
        self.level = level
        self.file = file_name("table", number)
        self.size = files.size(self.file)
        self.first: Name
        self.last: Name
        self.oldest: int
        self.newest: int
        self.cells: int
        self.begin()

    @classmethod
    def encoded(cls, entries: Iterable[Entry]) -> bytes:
        """What is in the file: one line for each cell."""
        return b"".join(line_of_entry(*entry) for entry in entries)

    def begin(self) -> None:
        """Find out what is in it."""
        found = list(self.entries())
        self.first, self.last = found[0][0], found[-1][0]
        self.oldest, self.newest = span(found)
        self.cells = len(found)

    def entries(self) -> Iterator[Entry]:
        """All its cells, in order."""
        for content in contents_of(self.files.read(self.file, 0, self.size)):
            yield entry_of(content)

    def get(self, name: Name) -> Cell | None:
        """The cell of this name; None where the table has none."""
        return dict(self.entries()).get(name)

    def scan(self, first: Name, last: Name) -> Iterator[Entry]:
        """The cells from ``first`` on and before ``last``, in order."""
        return (entry for entry in self.entries() if first <= entry[0] < last)


def write_table(
    files: Files, number: int, level: int, entries: Iterable[Entry], kind: type[Table] = Table
) -> Table:
    """Write a table of a kind, and open it.

    Args:
        files, number, level: as of a table.
        entries: at least one, sorted by name, no name twice.
        kind: the class of tables.
    """
    files.append(file_name("table", number), kind.encoded(entries))
    return kind(files, number, level)


class Store:
    """Cells by name, on files.

    Args:
        files: where they are. What is there is recovered.
        memtable_cells, memtable_bytes: so many cells make a memtable full, or so many bytes of
            texts.
        table: the class of tables.

    Attributes:
        memtable: the newest cells that were written since the last flush.
        bytes_written: how many bytes of texts those were that went into it.
        tables: those that the manifest names.
        log: the number of the log to whose end writes go.
        logs_from: the first log that the manifest names: what it has may be in no table.
        manifest: the number of the manifest that counts; 0 before there is one.
    """

    def __init__(
        self,
        files: Files,
        *,
        memtable_cells: int = MEMTABLE_CELLS,
        memtable_bytes: int = MEMTABLE_BYTES,
        table: type[Table] = Table,
    ) -> None:
        self.files = files
        self.memtable_cells = memtable_cells
        self.memtable_bytes = memtable_bytes
        self.bytes_written = 0
        self.kind = table
        self.memtable: dict[Name, Cell] = {}
        self.tables: list[Table] = []
        self.logs_from = 0
        self.manifest = 0
        self.recover()
        self.last_number = max([0, *(number for _, number in self.present())])
        self.log = self.new_number()

    @property
    def full(self) -> bool:
        """Whether it is time to flush."""
        large = bool(self.memtable) and self.bytes_written >= self.memtable_bytes
        return large or len(self.memtable) >= self.memtable_cells

    # Writing.

    def write(self, cells: Mapping[Name, Cell]) -> None:
        """Write some cells, all of them or none: a line of the log, then the memtable.

        A cell of the memtable that is newer than the one that comes stays.
        """
        content = [[*name, cell.value, cell.timestamp] for name, cell in cells.items()]
        self.files.append(file_name("log", self.log), line_of(content))
        self.remember(cells)

    def remember(self, cells: Mapping[Name, Cell]) -> None:
        """Put cells into the memtable, each unless a newer one is there."""
        if not self.memtable:
            self.bytes_written = 0
        self.bytes_written += sum(bytes_of(*name, cell.value) for name, cell in cells.items())
        for name, cell in cells.items():
            newest = newer(self.memtable.get(name), cell)
            assert newest is not None
            self.memtable[name] = newest

    def flush(self) -> None:
        """Write the memtable as a table of level 0; nothing to do where it is empty.

        The table first. Then another log begins, and another manifest names the table and this log.
        Only then may the memtable be emptied and the old logs go.
        """
        if self.memtable:
            entries = sorted(self.memtable.items())
            table = write_table(self.files, self.new_number(), 0, entries, self.kind)
            self.log = self.new_number()
            self.commit([*self.tables, table], self.log)
            self.memtable = {}

    # Reading.

    def get(self, name: Name) -> Cell | None:
        """The newest cell of a name, of the memtable's and all tables'; it may be a tombstone.

        None where nothing is known of the name.
        """
        newest = self.memtable.get(name)
        for table in self.tables:
            newest = newer(newest, table.get(name))
        return newest

    def scan(self, first: Name, last: Name) -> Iterator[Entry]:
        """The newest cells of all names from ``first`` on and before ``last``, sorted by name.

        Tombstones are among them: who merges this with what others have must know of them.
        """
        in_memory = sorted(each for each in self.memtable.items() if first <= each[0] < last)
        return merged([in_memory, *(table.scan(first, last) for table in self.tables)])

    # The files that count.

    def commit(self, tables: list[Table], logs_from: int) -> None:
        """Let these tables, and the logs from this number on, be what counts; remove the rest.

        The manifest is one line, so it is whole or it does not count.
        """
        number = self.new_number()
        content = {"tables": [[each.number, each.level] for each in tables], "logs_from": logs_from}
        self.files.append(file_name("manifest", number), line_of(content))
        self.tables, self.logs_from, self.manifest = tables, logs_from, number
        self.tidy()

    def recover(self) -> None:
        """Find out what counts, and read the logs that are in no table.

        The manifest with the greatest number that is whole counts; without one, there are no
        tables, and all logs count. Each log is read up to its first line that is not whole: what
        is behind was never acknowledged. Then whatever does not count is removed.
        """
        for kind, number in self.present():
            if kind == "manifest" and (content := self.whole_manifest(number)) is not None:
                self.manifest, self.logs_from = number, content["logs_from"]
                listed = content["tables"]
        if self.manifest:
            self.tables = [self.kind(self.files, *each) for each in listed]
        for kind, number in self.present():
            if kind == "log" and number >= self.logs_from:
                for written in contents_of(self.all_of(file_name("log", number))):
                    self.remember(dict(map(entry_of, written)))
        self.tidy()

    def tidy(self) -> None:
        """Remove each file that does not count: logs and manifests of before, tables unnamed."""
        tables = {table.number for table in self.tables}
        counts: dict[str, Callable[[int], bool]] = {
            "log": lambda number: number >= self.logs_from,
            "table": tables.__contains__,
            "manifest": lambda number: number == self.manifest,
        }
        for kind, number in self.present():
            if not counts[kind](number):
                self.files.remove(file_name(kind, number))

    # Helpers.

    def present(self) -> list[tuple[str, int]]:
        """Kind and number of each file, in order."""
        found = (name.rpartition("-") for name in self.files.names())
        return [(kind, int(number)) for kind, _, number in found]

    def whole_manifest(self, number: int) -> Any:
        """What a manifest says; None where it was cut."""
        return next(contents_of(self.all_of(file_name("manifest", number))), None)

    def all_of(self, name: str) -> bytes:
        """A whole file."""
        return self.files.read(name, 0, self.files.size(name))

    def new_number(self) -> int:
        """A number that no file has."""
        self.last_number += 1
        return self.last_number


def file_name(kind: str, number: int) -> str:
    """The name of a file; names of a kind are in the order of their numbers."""
    return f"{kind}-{number:06}"


def line_of_entry(name: Name, cell: Cell) -> bytes:
    """A cell as a line."""
    return line_of([*name, cell.value, cell.timestamp])


def entry_of(content: Any) -> Entry:
    """A cell from the content of a line."""
    partition, row, column, value, timestamp = content
    return (partition, row, column), Cell(value, timestamp)


def span(entries: Iterable[Entry]) -> tuple[int, int]:
    """The least and the greatest timestamp of some cells."""
    timestamps = [cell.timestamp for _, cell in entries]
    return min(timestamps), max(timestamps)
