"""The lab's log-structured store beside SQLite and a dictionary with a log: cells a second.

    python tests/benchmarks/lsm.py [--json]

All keep the same 100,000 cells of 100 bytes under 20,000 names, in random order, in files of one
directory: enough to be merged so often that the two strategies differ. Writes are by one cell, and
wait for no disk: no fsync anywhere, so that what is measured is the structure and not the disk.
Then a thousand cells are read one by one, a thousand names that are not there, and all cells in
order. ``bytes_per_byte``: bytes written to files for each byte of a name and its value. Ours is
plain Python; SQLite is C, with a write-ahead log; the dictionary holds all cells in memory, and
writes each as a line.

A ratio above 1 means that we are faster, or write less.
"""

import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Protocol

from _bench import report

from stage3_partitioning.cassandra.compaction import STRATEGIES, CompactingStore
from stage3_partitioning.cassandra.indexed import IndexedTable
from stage3_partitioning.cassandra.lsm import Cell, Name

CELLS, NAMES, READS = 100_000, 20_000, 1_000
ROUNDS = 3
VALUE = "v" * 90
MEMTABLE = 1_000


def name_of(number: int) -> Name:
    """One of the names."""
    return ("ann", f"row {number:06}", "city")


class PlainFiles:
    """Files in a directory, without waiting for the disk; counts what is written.

    Args:
        directory: where they are.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.written = 0
        self._open: dict[str, int] = {}

    def names(self) -> tuple[str, ...]:
        """All files, in order of their names."""
        return tuple(sorted(path.name for path in self.directory.iterdir()))

    def size(self, name: str) -> int:
        """How many bytes a file has."""
        return os.fstat(self._file(name)).st_size

    def read(self, name: str, position: int, length: int) -> bytes:
        """The bytes from ``position`` on."""
        return os.pread(self._file(name), length, position)

    def append(self, name: str, data: bytes) -> None:
        """Write to the end."""
        self.written += os.write(self._file(name), data)

    def remove(self, name: str) -> None:
        """Throw a file away."""
        os.close(self._file(name))
        del self._open[name]
        (self.directory / name).unlink()

    def close(self) -> None:
        """Close all files."""
        for file in self._open.values():
            os.close(file)

    def _file(self, name: str) -> int:
        if name not in self._open:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
            self._open[name] = os.open(self.directory / name, flags, 0o644)
        return self._open[name]


class Contestant(Protocol):
    """What is measured."""

    def write(self, name: Name, value: str, timestamp: int) -> None: ...
    def read(self, name: Name) -> str | None: ...
    def scan(self) -> int: ...
    def written(self) -> int: ...
    def close(self) -> None: ...


class Ours:
    """The lab's store, compacted as it grows."""

    def __init__(self, directory: Path, strategy: str) -> None:
        self._files = PlainFiles(directory)
        self._store = CompactingStore(
            self._files, strategy=strategy, table=IndexedTable, memtable_cells=MEMTABLE
        )

    def write(self, name: Name, value: str, timestamp: int) -> None:
        """One cell; flush and compact when it is time."""
        self._store.write({name: Cell(value, timestamp)})
        if self._store.full:
            self._store.flush()
            while self._store.compact(timestamp):
                pass

    def read(self, name: Name) -> str | None:
        """One cell."""
        cell = self._store.get(name)
        return None if cell is None else cell.value

    def scan(self) -> int:
        """How many cells there are, one after the other."""
        return sum(1 for _ in self._store.scan(("", "", ""), ("~", "", "")))

    def written(self) -> int:
        """Bytes in all files, those that are gone too."""
        return self._files.written

    def close(self) -> None:
        """Close the files."""
        self._files.close()


class Sqlite:
    """SQLite with a write-ahead log that nobody waits for."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "cells.db"
        self._database = sqlite3.connect(self._path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE cells (partition TEXT, row TEXT, col TEXT, value TEXT, timestamp INT, "
            "PRIMARY KEY (partition, row, col)) WITHOUT ROWID"
        )
        self._before = bytes_written()

    def write(self, name: Name, value: str, timestamp: int) -> None:
        """One cell, in a transaction of its own."""
        self._database.execute(
            "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?)", (*name, value, timestamp)
        )

    def read(self, name: Name) -> str | None:
        """One cell."""
        select = "SELECT value FROM cells WHERE partition = ? AND row = ? AND col = ?"
        found = self._database.execute(select, name).fetchone()
        return None if found is None else str(found[0])

    def scan(self) -> int:
        """How many cells there are, one after the other."""
        order = "SELECT * FROM cells ORDER BY partition, row, col"
        return sum(1 for _ in self._database.execute(order))

    def written(self) -> int:
        """Bytes that this process has written since, by the kernel's word."""
        return bytes_written() - self._before

    def close(self) -> None:
        """Close the database."""
        self._database.close()


class Dictionary:
    """A dictionary, and a log of all that was written to it."""

    def __init__(self, directory: Path) -> None:
        self._log = (directory / "log").open("wb", buffering=0)
        self._cells: dict[Name, tuple[str, int]] = {}

    def write(self, name: Name, value: str, timestamp: int) -> None:
        """One cell."""
        self._log.write(json.dumps([*name, value, timestamp]).encode() + b"\n")
        self._cells[name] = value, timestamp

    def read(self, name: Name) -> str | None:
        """One cell."""
        found = self._cells.get(name)
        return None if found is None else found[0]

    def scan(self) -> int:
        """How many cells there are, one after the other."""
        return sum(1 for _ in sorted(self._cells.items()))

    def written(self) -> int:
        """Bytes in the log."""
        return self._log.tell()

    def close(self) -> None:
        """Close the log."""
        self._log.close()


def bytes_written() -> int:
    """Bytes that this process has handed to the system; 0 where the system does not count."""
    counters = Path("/proc/self/io")
    if not counters.exists():
        return 0
    return int(dict(line.split(": ") for line in counters.read_text().splitlines())["wchar"])


@contextmanager
def contestant(kind: str) -> Iterator[Contestant]:
    """One of them, in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        made: Contestant
        if kind == "sqlite":
            made = Sqlite(path)
        elif kind == "dictionary":
            made = Dictionary(path)
        else:
            made = Ours(path, kind)
        with closing(made):
            yield made


def measure(kind: str) -> dict[str, float]:
    """Rates, and bytes written for a byte."""
    random = Random(7)
    numbers = [random.randrange(NAMES) for _ in range(CELLS)]
    looked = [name_of(random.choice(numbers)) for _ in range(READS)]
    missing = [("ann", f"row {random.randrange(NAMES):06}x", "city") for _ in range(READS)]
    given = sum(sum(map(len, name_of(number))) + len(VALUE) for number in numbers)
    with contestant(kind) as store:
        begun = time.perf_counter()
        for timestamp, number in enumerate(numbers):
            store.write(name_of(number), VALUE, timestamp)
        wrote = time.perf_counter()
        assert all(store.read(name) == VALUE for name in looked)
        read = time.perf_counter()
        assert all(store.read(name) is None for name in missing)
        missed = time.perf_counter()
        assert store.scan() == len(set(numbers))
        scanned = time.perf_counter()
        return {
            "writes_per_second": CELLS / (wrote - begun),
            "reads_per_second": READS / (read - wrote),
            "misses_per_second": READS / (missed - read),
            "scanned_per_second": len(set(numbers)) / (scanned - missed),
            "bytes_per_byte": store.written() / given,
        }


def main() -> None:
    """Measure in turns and report."""
    kinds = (*STRATEGIES, "sqlite", "dictionary")
    turns: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind in kinds:
            turns[kind].append(measure(kind))
    figures = {
        f"{kind.replace('-', '_')}_{figure}": statistics.median(turn[figure] for turn in found)
        for kind, found in turns.items()
        for figure in found[0]
    }
    ratios = {}
    for peer in ("sqlite", "dictionary"):
        for figure, case in (
            ("writes_per_second", "write"),
            ("reads_per_second", "read"),
            ("misses_per_second", "miss"),
            ("scanned_per_second", "scan"),
        ):
            ours, theirs = figures[f"size_tiered_{figure}"], figures[f"{peer}_{figure}"]
            ratios[f"vs_{peer}_{case}"] = ours / theirs
        theirs = figures[f"{peer}_bytes_per_byte"]
        ratios[f"vs_{peer}_bytes"] = theirs / figures["size_tiered_bytes_per_byte"]
    rounded = {name: round(figure, 2) for name, figure in figures.items()}
    report("lsm", rounded, ratios, (__doc__ or "").splitlines()[0])


if __name__ == "__main__":
    main()
