"""How often each word occurs (OSDI'04, 2.1)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import add


def map(name: str, line: str) -> Iterator[tuple[str, int]]:
    """Each word, once for each time that it occurs."""
    for word in line.split():
        yield word, 1


def map_block(name: str, text: str) -> Counter[str]:
    """The same, counted here already."""
    return Counter(text.split())


combine = add


def reduce(word: str, counts: Iterable[int]) -> Iterator[int]:
    """How often it occurs in all."""
    yield sum(counts)
