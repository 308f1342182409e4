"""The documents of a shard, which can be asked for a range without a look at all of them.

A shard is asked for ranges all the time: what is in this chunk, how much, what comes next in this
scan. If each such question went through all documents, a shard of 20,000 would do nothing else. So
their places are kept in order, too. (MongoDB has an index on the shard key for that.)
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, MutableMapping


class Documents(MutableMapping[str, str]):
    """Documents by place, in the order of places."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._places: list[str] = []

    def __getitem__(self, place: str) -> str:
        return self._values[place]

    def __setitem__(self, place: str, value: str) -> None:
        if place not in self._values:
            insort(self._places, place)
        self._values[place] = value

    def __delitem__(self, place: str) -> None:
        del self._values[place]
        del self._places[bisect_left(self._places, place)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def between(self, low: str, high: str, most: int = 0) -> list[str]:
        """The places from ``low`` on and below ``high``, in order: ``most`` of them, 0 for all."""
        first, last = bisect_left(self._places, low), bisect_left(self._places, high)
        return self._places[first : min(last, first + most) if most else max(first, last)]

    def count(self, low: str, high: str) -> int:
        """How many there are from ``low`` on and below ``high``."""
        return max(0, bisect_left(self._places, high) - bisect_left(self._places, low))
