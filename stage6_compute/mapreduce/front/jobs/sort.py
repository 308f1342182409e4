"""All lines in order; the parts of the output, one after the other, are in order too (5.3).

Where parts begin is found in a sample of the lines, or said: ``--set bounds=g,n,t`` for four parts.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator

_bounds: list[str] = []


def configure(bounds: str = "") -> None:
    """Where the second part begins, the third, and so on."""
    global _bounds
    listed = json.loads(bounds) if bounds.startswith("[") else bounds.split(",")
    _bounds = sorted(listed) if bounds else []


def prepare(lines: list[str], partitions: int) -> dict[str, str]:
    """Bounds that divide a sample into equal parts, unless bounds were given (5.3)."""
    ordered = sorted(lines)
    found = [ordered[len(ordered) * n // partitions] for n in range(1, partitions)]
    return {} if _bounds else {"bounds": json.dumps(found)}


def map(name: str, line: str) -> Iterator[tuple[str, None]]:
    """The line itself is the key: keys get sorted."""
    yield line, None


def map_block(name: str, text: str) -> list[tuple[str, None]]:
    """The same for many lines."""
    return [(line, None) for line in text.removesuffix("\n").split("\n")]


def partition(line: str, partitions: int) -> int:
    """How many bounds are not greater than the line."""
    return min(bisect_right(_bounds, line), partitions - 1)


def reduce(line: str, values: Iterable[None]) -> Iterable[None]:
    """The line, as often as it was there."""
    return values
