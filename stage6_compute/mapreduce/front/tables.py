"""Pairs in memory: what a map has made and not yet written, what a reduce has got.

How much memory they take is estimated from samples, so adding them costs little.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import add
from sys import getsizeof
from typing import Any

from stage6_compute.mapreduce.front.job import Job, Ones, Pair, Pairs
from stage6_compute.mapreduce.front.problems import TaskFailed, TimedOut, raised, shown

SAMPLES = 32
"""So many pairs of each batch are measured."""
ENTRY_BYTES = 110
"""What a dictionary needs for an entry, beside the key and the value."""
ROW_BYTES = 20
"""What two lists need for a row, likewise."""


class Combined:
    """The value of each key, with all values combined that it has had."""

    entry_bytes = ENTRY_BYTES

    def __init__(self, job: Job) -> None:
        assert job.combine is not None, "the job has a combine"
        self._job = job
        self._combine = job.combine
        self.table: dict[Any, Any] = {}
        self.clear()

    def add(self, pairs: Pairs) -> None:
        """Add pairs."""
        if isinstance(pairs, Ones) and isinstance(self.table, Counter):
            try:
                self.table.update(pairs.keys)
            except TypeError as error:
                raise _problem(pairs, self._job, error, None) from None
        elif not self.table and isinstance(pairs, Mapping):
            self.table = {**pairs} if not isinstance(self.table, Counter) else Counter(pairs)
        else:
            self._merge(pairs, pairs.items() if isinstance(pairs, Mapping) else pairs)

    def add_columns(self, keys: Sequence[Any], values: Sequence[Any]) -> None:
        """Add pairs that are given as their keys and their values."""
        if not self.table:
            table = dict(zip(keys, values, strict=True))
            if len(table) == len(keys):  # none is there twice
                self.table = table
                return
        self._merge((), zip(keys, values, strict=True))

    def _merge(self, pairs: Pairs, each: Iterable[Pair]) -> None:
        table, combine, key = self.table, self._combine, None
        try:
            for key, value in each:
                if key in table:
                    table[key] = combine(table[key], value)
                else:
                    table[key] = value
        except (Exception, TimedOut) as error:  # whatever a job may raise
            raise _problem(pairs, self._job, error, key) from None

    def columns(self) -> tuple[list[Any], list[Any]]:
        """All keys, and their values."""
        return list(self.table), list(self.table.values())

    def clear(self) -> None:
        """Forget all pairs."""
        self.table = Counter() if self._combine is add else {}

    def __len__(self) -> int:
        return len(self.table)


class Listed:
    """Pairs as they came, for a job that has no ``combine``."""

    entry_bytes = ROW_BYTES

    def __init__(self, job: Job) -> None:
        self._job = job
        self.keys: list[Any] = []
        self.values: list[Any] = []

    def add(self, pairs: Pairs) -> None:
        """Add pairs."""
        pairs = list(pairs.items() if isinstance(pairs, Mapping) else pairs)
        try:
            self.keys += [key for key, _ in pairs]
            self.values += [value for _, value in pairs]
        except (TypeError, ValueError) as error:
            raise _problem(pairs, self._job, error, None) from None

    def columns(self) -> tuple[list[Any], list[Any]]:
        """All keys, and their values."""
        return self.keys, self.values

    def clear(self) -> None:
        """Forget all pairs."""
        self.keys, self.values = [], []

    def __len__(self) -> int:
        return len(self.keys)


def pair_bytes(pairs: Pairs) -> float:
    """What a pair of these takes in memory, by a sample; 0 if there are none."""
    if not isinstance(pairs, Mapping | list | Ones) or not len(pairs):
        return 0
    step = max(1, len(pairs) // SAMPLES)
    some: Iterable[Pair] = pairs.items() if isinstance(pairs, Mapping) else pairs
    sizes = [size_of(key) + size_of(value) for key, value in islice(some, 0, None, step)]
    return sum(sizes) / len(sizes)


def size_of(value: Any) -> int:
    """What a key or a value takes in memory."""
    inside = sum(map(size_of, value)) if isinstance(value, tuple | list) else 0
    return getsizeof(value) + inside


def _problem(pairs: Pairs, job: Job, error: BaseException, key: Any) -> TaskFailed:
    """Which pair was none, which key cannot be one, or where ``combine`` failed."""
    for pair in pairs.items() if isinstance(pairs, Mapping) else pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            return TaskFailed(f"map gave {shown(pair)}: give pairs, as in yield word, 1")
        try:
            hash(pair[0])
        except TypeError:
            return TaskFailed(f"map gave the key {shown(pair[0])}: a key may be no list: try tuple")
    return TaskFailed(f"{raised('combine', error, job.path)} on the key {shown(key)}")
