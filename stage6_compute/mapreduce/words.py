"""MapReduce in one process: two functions, and what happens between them.

Dean and Ghemawat, "MapReduce: simplified data processing on large clusters", OSDI 2004, sections 2
and 3.1. A user writes two functions. *Map* makes pairs of a key and a value from a record of the
input. *Reduce* makes one line of output from a key and all values that have it. All other things
are the same for every program:

    lines ─map─▶ pairs ─partition, sort, combine─▶ runs ─fetch, merge─▶ groups ─reduce─▶ lines

A *run* is what one map has for one part of the output, in the order of keys. A part is made of the
runs that all maps have for it. Nothing here depends on how the input was split, or on who does what
where: that is why a task may be done again, by another worker, and nobody can tell.

Three programs are here. One counts words. The others want a number in each line, and fail on a line
that has none: section 4.6 is about such records.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import TypeAlias
from zlib import crc32

Pair: TypeAlias = tuple[str, int]
Run: TypeAlias = tuple[Pair, ...]
"""Pairs in the order of their keys."""


class BadRecord(Exception):
    """The map function has failed. As a text it is ``record 3: why``.

    Attributes:
        number: of the record in its split, from 0.
        why: what was wrong.
    """

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"record {number}: {why}")
        self.number = number
        self.why = why


@dataclass(frozen=True, slots=True)
class Program:
    """What a user writes.

    Attributes:
        map: the pairs of one record, which is a line of text.
        reduce: makes one value of all values of a key; they come in any order.
        combine: whether a map may reduce what it has of a key before others fetch it. It may if it
            makes no difference in which groups values are reduced: as for sums (section 4.3).
    """

    map: Callable[[str], Iterable[Pair]]
    reduce: Callable[[Sequence[int]], int]
    combine: bool


def count_words(line: str) -> list[Pair]:
    """The map of word count: the pair (word, 1) for each word of the line, in small letters."""
    return [(word.lower(), 1) for word in line.split()]


def read_amount(line: str) -> list[Pair]:
    """The map of sums and means: of a line such as ``tea 12``, the pair ("tea", 12).

    Raises:
        ValueError: the line has no such form.
    """
    what, amount = line.split()
    return [(what, int(amount))]


def mean(values: Sequence[int]) -> int:
    """The reduce of means, rounded down. The mean of two means is not that of all values."""
    return sum(values) // len(values)


PROGRAMS: Mapping[str, Program] = {
    "word-count": Program(count_words, sum, combine=True),
    "sums": Program(read_amount, sum, combine=True),
    "means": Program(read_amount, mean, combine=False),
}
"""By name, as jobs name them."""


def part_of(key: str, partitions: int) -> int:
    """The part of the output that ``key`` belongs to: CRC-32 of its UTF-8, modulo ``partitions``.

    All maps have to agree on it, in whatever process they run. So it cannot be Python's ``hash``,
    which is another one for texts in each process.
    """
    return crc32(key.encode()) % partitions


def groups(pairs: Iterable[Pair]) -> Iterable[tuple[str, list[int]]]:
    """The keys of sorted pairs, each once, with all its values."""
    for key, group in groupby(pairs, key=lambda pair: pair[0]):
        yield key, [value for _, value in group]


def run_map(program: str, text: str, partitions: int, skip: Sequence[int] = ()) -> tuple[Run, ...]:
    """Do a map task: the run for each part, in the order of parts (section 3.1, steps 3 and 4).

    Each line of ``text`` is a record. Its pairs go to the parts that their keys belong to; each
    part is sorted by key, and where the program allows it, the pairs of a key are combined into
    one.

    Args:
        program: its name.
        text: the split.
        partitions: how many parts the output has.
        skip: the numbers of records that are left out.

    Raises:
        BadRecord: the map function has raised ValueError on a record; it says which, and why.
    """
    parts: list[list[Pair]] = [[] for _ in range(partitions)]
    for number, line in enumerate(text.splitlines()):
        if number in skip:
            continue
        try:
            for key, value in PROGRAMS[program].map(line):
                parts[part_of(key, partitions)].append((key, value))
        except ValueError as error:
            raise BadRecord(number, str(error)) from error
    return tuple(sorted_run(PROGRAMS[program], pairs) for pairs in parts)


def sorted_run(program: Program, pairs: Iterable[Pair]) -> Run:
    """The pairs in the order of keys; if the program combines, with one pair for each key."""
    in_order = sorted(pairs)
    if not program.combine:
        return tuple(in_order)
    return tuple((key, program.reduce(values)) for key, values in groups(in_order))


def run_reduce(program: str, runs: Iterable[Run]) -> tuple[str, ...]:
    """Do a reduce task: merge the runs, and make a line ``key<tab>value`` of each key, in order.

    (Section 3.1, steps 5 and 6.) Runs are sorted, so merging keeps only one pair of each in hand.
    """
    return tuple(
        f"{key}\t{PROGRAMS[program].reduce(values)}" for key, values in groups(merge(*runs))
    )


def sequential(program: str, splits: Sequence[str], partitions: int) -> tuple[tuple[str, ...], ...]:
    """The whole job, one thing after the other: the parts of the output, in order.

    This is what a cluster has to come to as well, whatever happens to it.
    """
    mapped = [run_map(program, split, partitions) for split in splits]
    return tuple(run_reduce(program, (runs[part] for runs in mapped)) for part in range(partitions))
