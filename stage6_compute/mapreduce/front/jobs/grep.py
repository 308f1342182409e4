"""The lines that match a pattern, file by file (OSDI'04, 2.3): ``--set pattern=ERROR``."""

import re
from collections.abc import Iterable, Iterator

from stage6_compute.mapreduce.front.counters import count

_pattern = re.compile("")


def configure(pattern: str) -> None:
    """Which lines are wanted: those in which this regular expression is found."""
    global _pattern
    _pattern = re.compile(pattern)


def map(name: str, line: str) -> Iterator[tuple[str, str]]:
    """The line, if it is wanted."""
    if _pattern.search(line):
        count("lines found")
        yield name, line


def reduce(name: str, lines: Iterable[str]) -> Iterable[str]:
    """The lines of a file, in their order."""
    return lines
