"""How much each page counts, by who links to it; in rounds, until nothing changes much.

A line is a page, its rank, and the pages that it links to, with tabs in between; in the first round
the rank may be ``-``, which counts as 1. The output has the same form.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import fsum
from typing import Any

from stage6_compute.mapreduce.front.counters import count

DAMPING = 0.85
MOVED = 0.001
"""A rank that changed by more than this has moved."""

_rounds = 20


def configure(rounds: str = "20") -> None:
    """How many rounds at most."""
    global _rounds
    _rounds = int(rounds)


def map(name: str, line: str) -> Iterator[tuple[str, tuple[str, Any]]]:
    """To each page that this one links to, a share of its rank; to itself, who it is."""
    page, rank, *links = line.split("\t")
    value = 1.0 if rank == "-" else float(rank)
    yield page, ("page", [value, *links])
    for link in links:
        yield link, ("share", value / len(links))


def reduce(page: str, values: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """The new rank: of all shares, added up so that their order makes no difference."""
    old, links, shares = 1.0, list[str](), list[float]()
    for kind, value in values:
        if kind == "share":
            shares.append(value)
        else:
            old, *links = value
    rank = round(1 - DAMPING + DAMPING * fsum(shares), 9)
    if abs(rank - old) > MOVED:
        count("ranks that moved")
    yield "\t".join([repr(rank), *links])


def again(round: int, counters: Mapping[str, int]) -> bool:
    """Until no rank moves any more."""
    return round < _rounds and counters.get("ranks that moved", 0) > 0
