"""The work on a reduce task: group what the maps have made, by keys in order; reduce; write.

What fits into memory is grouped in a dictionary. What does not is sorted in runs, which are written
to disk and merged (an external sort; OSDI'04, 4.1 and 4.2). Values of a key keep their order: runs
are cut from what came in its order, sorting is stable, and so is merging.
"""

import heapq
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from stage6_compute.mapreduce.front.blocks import read_blocks, write_blocks
from stage6_compute.mapreduce.front.counters import count
from stage6_compute.mapreduce.front.job import Job
from stage6_compute.mapreduce.front.problems import TaskFailed, TimedOut, raised, shown
from stage6_compute.mapreduce.front.tables import (
    ENTRY_BYTES,
    SAMPLES,
    Combined,
    size_of,
)

MEMORY_PER_BYTE = 1.5
"""What is estimated to be a byte of groups takes so many in truth."""
LIST_BYTES = 88
"""What the list of a key's values takes, beside the values."""
POINTER_BYTES = 8
"""What a list takes for each value."""
MOST_RUNS = 64
"""So many runs are merged at once."""
RUN_BLOCK_BYTES = 128 << 10
"""So much of each run is in memory while it is merged, by estimate."""
ROWS_OF_MERGED = 256
"""So many keys are in a block of a run that is merged from others."""
LINES_AT_ONCE = 20_000
"""So many lines are written at once."""


PLAIN = (str, int)
"""What the output holds as it is."""


class Groups:
    """Pairs by key.

    Args:
        job: whose.
        scratch: a directory for runs; made when there is one.
        memory: how many bytes pairs may take.
        told: called now and then while runs are merged: that takes long, and is no hang.
    """

    def __init__(
        self,
        job: Job,
        scratch: Path,
        memory: int,
        told: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._job = job
        self._scratch = scratch
        self._memory = memory
        self._told = told
        self._combined = None if job.combine is None else Combined(job)
        self._lists: dict[Any, list[Any]] = {}
        self._bytes = 0.0
        self._runs: list[Path] = []
        self._made = 0

    def add(self, keys: list[Any], values: list[Any]) -> None:
        """Add pairs that come after all that were added before."""
        step = max(1, len(keys) // SAMPLES)
        key_bytes = _mean(map(size_of, keys[::step]))
        value_bytes = _mean(map(size_of, values[::step]))
        if self._combined is not None:
            self._combined.add_columns(keys, values)
            self._bytes = len(self._combined) * (key_bytes + value_bytes + ENTRY_BYTES)
        else:
            before = len(self._lists)
            self._list(keys, values)
            fresh = len(self._lists) - before
            self._bytes += fresh * (key_bytes + ENTRY_BYTES + LIST_BYTES)
            self._bytes += len(values) * (value_bytes + POINTER_BYTES)
        if self._bytes * MEMORY_PER_BYTE > self._memory:
            self._spill()

    def _list(self, keys: list[Any], values: list[Any]) -> None:
        lists = self._lists
        for key, value in zip(keys, values, strict=True):
            if key in lists:
                lists[key].append(value)
            else:
                lists[key] = [value]

    def __iter__(self) -> Iterator[tuple[Any, Iterable[Any]]]:
        """Each key in order, with its values, which have to be taken before the next key is."""
        if not self._runs:
            return self._in_memory()
        self._spill()
        grouped = groupby(_merged(self._runs), key=itemgetter(0))
        return ((key, chain.from_iterable(map(itemgetter(1), group))) for key, group in grouped)

    def _in_memory(self) -> Iterator[tuple[Any, Sequence[Any]]]:
        """Each key in order, with a list of its values, or with the combined one as a tuple."""
        if self._combined is not None:
            keys = self._sorted(self._combined.table)
            each = map(self._combined.table.__getitem__, keys)
            return zip(keys, zip(each, strict=True), strict=True)
        keys = self._sorted(self._lists)
        return zip(keys, map(self._lists.__getitem__, keys), strict=True)

    def _sorted(self, keys: Iterable[Any]) -> list[Any]:
        try:
            return sorted(keys)
        except TypeError as error:
            raise TaskFailed(
                f"the keys of the job have no order ({error}): give keys of one kind only"
            ) from None

    def _spill(self) -> None:
        groups = list(self._in_memory())
        if groups:
            each = self._bytes / len(groups)
            self._write_run(groups, max(1, int(RUN_BLOCK_BYTES / each)))
            count("runs spilled")
        if self._combined is not None:
            self._combined.clear()
        self._lists, self._bytes = {}, 0.0
        if len(self._runs) >= MOST_RUNS:
            runs, self._runs = self._runs, []
            self._write_run(_merged(runs), ROWS_OF_MERGED)
            for run in runs:
                run.unlink()

    def _write_run(self, groups: Iterable[tuple[Any, Sequence[Any]]], rows: int) -> None:
        self._scratch.mkdir(parents=True, exist_ok=True)
        path = self._scratch / f"run-{self._made}"
        self._made += 1
        self._runs.append(path)
        with open(path, "wb") as file:
            keys, values = [], []
            for key, listed in groups:
                keys.append(key)
                values.append(listed)
                if len(keys) == rows:
                    self._told(0)
                    write_blocks(file, keys, values, rows)
                    keys, values = [], []
            write_blocks(file, keys, values, rows)


def _merged(runs: Iterable[Path]) -> Iterator[tuple[Any, list[Any]]]:
    return heapq.merge(*map(_read_run, runs), key=itemgetter(0))


def _read_run(path: Path) -> Iterator[tuple[Any, list[Any]]]:
    with open(path, "rb") as file:
        for keys, values in read_blocks(file):
            yield from zip(keys, values, strict=True)


def _mean(sizes: Iterable[int]) -> float:
    some = list(sizes)
    return sum(some) / max(1, len(some))


# The output.


def reduced(
    job: Job, groups: Iterable[tuple[Any, Iterable[Any]]], told: Callable[[int], None]
) -> Iterator[str]:
    """What a job's reduce makes of all groups, many lines at once.

    Raises:
        TaskFailed: reduce fails; the text says on which key.
    """
    lines: list[str] = []
    keys = 0
    for key, values in groups:
        keys += 1
        try:
            for value in job.reduce(key, values):
                if key.__class__ is str and value.__class__ in PLAIN:
                    lines.append(f"{key}\t{value}\n")
                else:
                    lines.append(line_of(key, value) + "\n")
        except (Exception, TimedOut) as error:  # whatever a job may raise
            if isinstance(error, TaskFailed):
                raise
            why = raised("reduce", error, job.path)
            raise TaskFailed(f"{why} on the key {shown(key)}") from None
        if len(lines) >= LINES_AT_ONCE or keys % LINES_AT_ONCE == 0:
            told(0)
            yield _joined(lines)
            lines = []
    count("output keys", keys)
    yield _joined(lines)


def _joined(lines: list[str]) -> str:
    text = "".join(lines)
    if text.count("\n") != len(lines):
        bad = next(line for line in lines if "\n" in line[:-1])
        raise TaskFailed(
            f"reduce gave {shown(bad)}, which has a line break in it: an output is a line each"
        )
    count("output records", len(lines))
    return text


def line_of(key: Any, value: Any) -> str:
    """A line of the output: key, tab, value; the key alone if the value is None."""
    return as_text(key) if value is None else f"{as_text(key)}\t{as_text(value)}"


def as_text(value: Any) -> str:
    """A key or a value in the output: text as it is, all else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        raise TaskFailed(
            f"{shown(value)} cannot be written to the output: give text, numbers, None, or tuples "
            "and lists of these"
        ) from None


def write_part(path: Path, texts: Iterable[str]) -> None:
    """Write the file of an attempt; it is on disk when this returns."""
    with open(path, "w", encoding="utf-8", newline="\n", errors="surrogatepass") as file:
        for text in texts:
            file.write(text)
        file.flush()
        os.fsync(file.fileno())
