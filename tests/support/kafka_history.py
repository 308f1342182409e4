"""What Kafka clients were told, and what must hold of it."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

SECONDS = 120.0
"""How long anything may take, on a machine that has much else to do."""

T = TypeVar("T")
Place = tuple[int, int]
"""Partition and offset."""


@dataclass
class History:
    """What clients were told.

    Attributes:
        sent: the values, in the order in which each partition's were given to the client.
        acked: where each value is, that was acknowledged.
        failed: why some were not, or perhaps were.
        read: what consumers were given, in that order.
    """

    sent: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    acked: dict[bytes, Place] = field(default_factory=dict)
    failed: dict[bytes, str] = field(default_factory=dict)
    read: list[tuple[Place, bytes]] = field(default_factory=list)

    def lost(self) -> dict[bytes, Place]:
        """What was acknowledged, and is not where the acknowledgement said."""
        found = dict(self.read)
        return {value: place for value, place in self.acked.items() if found.get(place) != value}

    def twice(self) -> list[bytes]:
        """What is in the log more than once."""
        places: dict[bytes, set[Place]] = defaultdict(set)
        for place, value in self.read:
            places[value].add(place)
        return [value for value, found in places.items() if len(found) > 1]

    def out_of_order(self) -> list[bytes]:
        """What one producer sent to a partition before something that it is behind."""
        found = []
        for partition, sent in self.sent.items():
            rank = {value: number for number, value in enumerate(sent)}
            places = sorted(
                (offset, rank[value])
                for (there, offset), value in set(self.read)
                if there == partition and value in rank
            )
            for (_, before), (_, after) in pairwise(places):
                if after < before:
                    found.append(sent[after])
        return found

    def disagreements(self) -> list[Place]:
        """Places at which not all readers saw the same."""
        values: dict[Place, set[bytes]] = defaultdict(set)
        for place, value in self.read:
            values[place].add(value)
        return [place for place, seen in values.items() if len(seen) > 1]


def until(holds: Callable[[], T | None], what: str | Callable[[], str]) -> T:
    """What ``holds()`` returns, once it is something; an AssertionError if it takes too long."""
    end = time.monotonic() + SECONDS
    while not (found := holds()):
        if time.monotonic() > end:
            name = what if isinstance(what, str) else what()
            raise AssertionError(f"{name} did not come true within {SECONDS:g} s")
        time.sleep(0.02)
    return found
