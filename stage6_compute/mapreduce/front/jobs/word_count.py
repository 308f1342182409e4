"""How often each word occurs (OSDI'04, 2.1)."""

from collections.abc import Iterable, Iterator
from operator import add

from stage6_compute.mapreduce.front.job import Ones


def map(name: str, line: str) -> Iterator[tuple[str, int]]:
    """Each word, once for each time that it occurs."""
    for word in line.split():
        yield word, 1


def map_block(name: str, text: str) -> Ones:
    """The same for many lines."""
    return Ones(text.split())


combine = add


def reduce(word: str, counts: Iterable[int]) -> Iterator[int]:
    """How often it occurs in all."""
    yield sum(counts)
