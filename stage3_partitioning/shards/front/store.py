"""The documents of collections, by way of the router in this process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import bson

from common.contract import NodeId
from common.runtime.facade import Door
from common.values.history import Failed, Ok
from common.values.sizes import bytes_of
from stage3_partitioning.shards.chunks import Table
from stage3_partitioning.shards.front.keys import bounds, key_of, namespace_of
from stage3_partitioning.shards.front.problems import Problem
from stage3_partitioning.shards.front.wire import Document, decode
from stage3_partitioning.shards.messages import (
    Chunks,
    CompareAndSet,
    Get,
    InsertMany,
    MoveTo,
    Scan,
    SplitAt,
)
from stage3_partitioning.shards.shard import MOST_BYTES

MOST_DOCUMENT = 1_000_000
"""The longest document, in bytes. An update has two of them in one message between nodes, where a
byte may take two, and a message has 4 MB. MongoDB: 16 MB."""

MOST_UNDER_WAY = 48
"""So many questions to the router at once; others wait. The router itself takes 64."""

PAGE = 500
"""So many documents are read at a time."""


class Store:
    """Documents by collection.

    Args:
        door: to the node.
        hashed: whether its chunks are ranges of hashes.
    """

    def __init__(self, door: Door, hashed: bool) -> None:
        self.door = door
        self.hashed = hashed
        self.shard_key: Document = {"_id": "hashed" if hashed else 1}
        self._turn = asyncio.Semaphore(MOST_UNDER_WAY)

    async def ask(self, operation: object) -> Any:
        """What the router says.

        Raises:
            Problem: it failed, or nobody knows.
        """
        async with self._turn:
            outcome = await self.door.ask(operation)
        if isinstance(outcome, Ok):
            return outcome.value
        if isinstance(outcome, Failed):
            raise Problem(96, outcome.reason)
        raise Problem(262, f"{outcome.reason}: it may have happened")

    async def get(self, namespace: str, id: object) -> Document | None:
        """The document with this ``_id``."""
        text = await self.ask(Get(key_of(namespace, id)))
        return None if text is None else _document(text)

    async def change(
        self, namespace: str, id: object, before: Document | None, after: Document | None
    ) -> bool:
        """Let one document take the place of another one, if that is still there; None is none.

        Returns:
            Whether it was there.
        """
        key = key_of(namespace, id)
        done: bool = await self.ask(CompareAndSet(key, _text(before), _text(after)))
        return done

    async def insert(self, namespace: str, several: Sequence[Document]) -> int:
        """Put documents where there is none, in order; returns how many were put.

        It may be fewer than can be: then the next one is for :meth:`change`, which says why, or
        puts it. It is 0, too, where the first one is no document that can be put.
        """
        row: list[tuple[str, str]] = []
        size = 0
        for each in several:
            try:
                key, text = key_of(namespace, each["_id"]), _text(each)
            except Problem:
                break
            assert text is not None, "there is a document"
            size += bytes_of(key, text)
            if row and size > MOST_BYTES:
                break
            row.append((key, text))
        many: int = await self.ask(InsertMany(tuple(row)))
        return many

    async def all(self, namespace: str) -> AsyncIterator[Document]:
        """The documents of a collection, in the order of their keys, some at a time."""
        low, high = bounds(namespace)
        limit = 0 if self.hashed else PAGE
        while True:
            page = await self.ask(Scan(low, high, limit))
            for _, text in page:
                yield _document(text)
            if not limit or len(page) < limit:
                return
            low = page[-1][0] + "\0"

    async def namespaces(self) -> list[str]:
        """The collections that have a document."""
        if self.hashed:
            page = await self.ask(Scan("", "\U0010ffff"))
            return sorted({namespace_of(key) for key, _ in page})
        found: list[str] = []
        low = ""
        while page := await self.ask(Scan(low, "\U0010ffff", 1)):
            found.append(namespace_of(page[0][0]))
            low = bounds(found[-1])[1]
        return found

    # The cluster.

    async def table(self) -> Table:
        """The table, as the router here knows it."""
        table = await self.ask(Chunks())
        assert isinstance(table, Table)
        return table

    async def split(self, namespace: str, id: object) -> None:
        """Let a chunk begin at a document's place."""
        await self.ask(SplitAt(key_of(namespace, id)))

    async def move(self, namespace: str, id: object, to: NodeId) -> None:
        """Let the chunk of a document be at a shard."""
        await self.ask(MoveTo(key_of(namespace, id), to))


def _text(document: Document | None) -> str | None:
    if document is None:
        return None
    data: bytes = bson.encode(document)
    if len(data) > MOST_DOCUMENT:
        raise Problem(
            10334, f"BSONObj size: {len(data)} is invalid. Size must be at most {MOST_DOCUMENT}"
        )
    return data.decode("latin-1")


def _document(text: str) -> Document:
    return decode(text.encode("latin-1"))
