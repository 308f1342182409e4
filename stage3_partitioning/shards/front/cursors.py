"""Cursors: what was found and not fetched, a batch at a time."""

from itertools import count
from typing import Any

import bson
from bson import Int64

from stage3_partitioning.shards.front.problems import Problem
from stage3_partitioning.shards.front.store import MOST_DOCUMENT
from stage3_partitioning.shards.front.wire import Document

FIRST_BATCH = 101
"""So many documents are in a first batch, unless the client says how many; as in MongoDB."""

MOST_BYTES = 16 * 1024 * 1024
"""A batch of several documents ends before it has more, as in MongoDB."""

MOST_CURSORS = 1000
"""So many are kept; then the oldest one goes."""

NO_CURSOR = 0


class Cursors:
    """Those of all clients of a server."""

    def __init__(self) -> None:
        self._left: dict[int, tuple[str, list[Document]]] = {}
        self._numbers = count(1)

    def first(
        self, namespace: str, found: list[Document], size: int | None, one_batch: bool
    ) -> Document:
        """The first batch, and a cursor if there is more and the client wants more."""
        size = _fitting(found, FIRST_BATCH if size is None else max(0, int(size)))
        number = NO_CURSOR
        if len(found) > size and not one_batch:
            number = next(self._numbers)
            self._left[number] = (namespace, found[size:])
            if len(self._left) > MOST_CURSORS:
                del self._left[next(iter(self._left))]
        return _told(number, namespace, "firstBatch", found[:size])

    def more(self, number: int, size: int | None) -> Document:
        """The next batch.

        Raises:
            Problem: there is no such cursor (any more).
        """
        if number not in self._left:
            raise Problem(43, f"cursor id {number} not found")
        namespace, found = self._left.pop(number)
        size = _fitting(found, len(found) if not size else int(size))
        if len(found) > size:
            self._left[number] = (namespace, found[size:])
        return _told(
            number if number in self._left else NO_CURSOR, namespace, "nextBatch", found[:size]
        )

    def kill(self, numbers: list[int]) -> Document:
        """Forget cursors."""
        killed = [each for each in numbers if self._left.pop(each, None) is not None]
        missing = [each for each in numbers if each not in killed]
        told = {"cursorsKilled": killed, "cursorsNotFound": missing}
        return {**told, "cursorsAlive": [], "cursorsUnknown": [], "ok": 1.0}


def _fitting(found: list[Document], size: int) -> int:
    """How many of the first ``size`` documents fit into one batch."""
    left = MOST_BYTES
    if len(found[:size]) * MOST_DOCUMENT > left:
        for many, document in enumerate(found[:size]):
            left -= len(bson.encode(document))
            if many and left < 0:
                return many
    return size


def _told(number: int, namespace: str, name: str, batch: list[Any]) -> Document:
    cursor = {"id": Int64(number), "ns": namespace, name: batch}  # drivers look at the type
    return {"cursor": cursor, "ok": 1.0}
