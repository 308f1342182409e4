"""Commands about documents. Each document is read and written by the router, one at a time.

A write is a compare-and-set of the whole document: read it, work out what it becomes, and put that
in its place if it is still the same; else once more. So an update is atomic for a document, as in
MongoDB, and a migration cannot lose it.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from itertools import islice
from typing import Any, TypeVar

from bson import ObjectId

from stage3_partitioning.shards.front import documents
from stage3_partitioning.shards.front.catalog import Catalog, in_catalog
from stage3_partitioning.shards.front.cursors import Cursors
from stage3_partitioning.shards.front.keys import checked, is_key
from stage3_partitioning.shards.front.problems import Problem
from stage3_partitioning.shards.front.store import Store
from stage3_partitioning.shards.front.wire import Document

LONGEST_ROW = 1000
"""So many documents are inserted by one request, if they are one shard's."""

TOGETHER = 32
"""So many documents are updated or deleted at once, for one statement."""

MOST_TRIES = 100
"""So often a document may change between reading and writing; then the update has failed."""

T = TypeVar("T")


class Data:
    """What clients do with documents.

    Args:
        store: the documents.
        cursors: what clients have not fetched.
    """

    def __init__(self, store: Store, cursors: Cursors) -> None:
        self.store = store
        self.cursors = cursors
        self.catalog = Catalog(store)

    def namespace(self, command: Document) -> str:
        """The collection that a command is about: its first field, in ``$db``."""
        name = next(iter(command.values()))
        if not isinstance(name, str):
            raise Problem(73, f"collection name has invalid type {type(name).__name__}")
        return checked(f"{command.get('$db', 'test')}.{name}")

    async def candidates(self, namespace: str, query: Document) -> AsyncIterator[Document]:
        """The documents that a filter may find: one, if it names an ``_id``; else all of them."""
        if in_catalog(namespace):
            for each in await self.catalog.collection(namespace.partition(".")[2]):
                yield each
            return
        id = query.get("_id")
        if is_key(id):
            one = await self.store.get(namespace, id)
            if one is not None:
                yield one
            return
        async for each in self.store.all(namespace):
            yield each

    async def matching(self, namespace: str, query: Document, **options: Any) -> list[Document]:
        """The documents that a filter finds, in the order of their keys unless sorted."""
        several = [each async for each in self.candidates(namespace, query)]
        return documents.found(several, query, **options)

    # Reading.

    async def find(self, command: Document) -> Document:
        """``find``: the first batch, and a cursor for the rest."""
        namespace = self.namespace(command)
        limit = int(command.get("limit", 0))
        options: dict[str, Any] = {
            "projection": command.get("projection") or None,
            "skip": int(command.get("skip", 0)),
            "limit": abs(limit),
        }
        if command.get("sort") and not in_catalog(namespace):  # that is in order as it comes
            options["sort"] = list(command["sort"].items())
        several = await self.matching(namespace, command.get("filter", {}), **options)
        one_batch = bool(command.get("singleBatch")) or limit < 0
        return self.cursors.first(namespace, several, command.get("batchSize"), one_batch)

    async def get_more(self, command: Document) -> Document:
        """``getMore``: the next batch."""
        return self.cursors.more(command["getMore"], command.get("batchSize"))

    async def kill_cursors(self, command: Document) -> Document:
        """``killCursors``: the client wants no more."""
        return self.cursors.kill(command.get("cursors", []))

    async def count(self, command: Document) -> Document:
        """``count``: how many a filter finds."""
        options = {name: abs(int(command.get(name, 0))) for name in ("skip", "limit")}
        query = command.get("query", {})
        several = await self.matching(self.namespace(command), query, **options)
        return {"n": len(several), "ok": 1.0}

    async def distinct(self, command: Document) -> Document:
        """``distinct``: the different values of a field."""
        query = command.get("query") or {}
        several = [each async for each in self.candidates(self.namespace(command), query)]
        return {"values": documents.different(several, command["key"], query), "ok": 1.0}

    async def aggregate(self, command: Document) -> Document:
        """``aggregate``: what a pipeline makes of a collection."""
        namespace, pipeline = self.namespace(command), command.get("pipeline", [])
        first = pipeline[0].get("$match", {}) if pipeline else {}
        several = [each async for each in self.candidates(namespace, first)]
        batch = command.get("cursor", {}).get("batchSize")
        return self.cursors.first(namespace, documents.aggregated(several, pipeline), batch, False)

    # Writing.

    def written(self, command: Document) -> str:
        """The collection that a command writes to; nobody writes to ``config``."""
        namespace = self.namespace(command)
        if in_catalog(namespace):
            raise Problem(115, f"{namespace} shows the table: change that by split and moveChunk")
        return namespace

    async def insert(self, command: Document) -> Document:
        """``insert``: each document, if there is none with its ``_id``.

        They go in rows (``inserting``). A row ends before a document that cannot be put; that one
        is asked for alone, to hear why. The next row is about as long as the last one could be.
        """
        namespace = self.written(command)
        several = [{"_id": ObjectId(), **each} for each in command.get("documents", [])]
        upto, length = 0, LONGEST_ROW

        async def one(at: int) -> Document:
            nonlocal upto, length
            if at >= upto:
                row = several[at : at + length]
                many = await self.store.insert(namespace, row)
                length = min(2 * max(many, 1), LONGEST_ROW)
                upto = at + many
            if at < upto:
                return {"n": 1}
            made = several[at]
            if not await self.store.change(namespace, made["_id"], None, made):
                raise Problem(
                    11000,
                    f"E11000 duplicate key error collection: {namespace} index: _id_ "
                    f"dup key: {{ _id: {made['_id']!r} }}",
                )
            return {"n": 1}

        return await _each({**command, "documents": range(len(several))}, "documents", one)

    async def update(self, command: Document) -> Document:
        """``update``: each statement changes the first document it finds, or all (``multi``)."""
        namespace = self.written(command)

        async def one(statement: Document) -> Document:
            query, update = statement["q"], statement["u"]
            if not isinstance(update, dict):
                raise Problem(9, "an update is a document here, and no pipeline")
            several = [each["_id"] for each in await self.matching(namespace, query)]
            told: Document = {"n": 0, "nModified": 0}
            chosen = several if statement.get("multi") else several[:1]
            for modified in await _together(
                self._update(namespace, id, query, update) for id in chosen
            ):
                if modified is not None:
                    told["n"] += 1
                    told["nModified"] += modified
            if not told["n"] and statement.get("upsert"):
                made = documents.updated(None, query, update)
                assert made is not None, "it was made"
                if not await self.store.change(namespace, made["_id"], None, made):
                    raise Problem(112, f"_id {made['_id']!r} was put meanwhile: ask again")
                told |= {"n": 1, "upserted": made["_id"]}
            return told

        return await _each(command, "updates", one)

    async def _update(
        self, namespace: str, id: object, query: Document, update: Document
    ) -> bool | None:
        """Whether it has changed a document; None if the filter does not find it any more."""
        for _ in range(MOST_TRIES):
            before = await self.store.get(namespace, id)
            if before is None or not documents.found([before], query):
                return None
            after = documents.updated(before, query, update)
            if after is None or after["_id"] != before["_id"]:
                raise Problem(66, "an _id does not change")
            if after == before:
                return False
            if await self.store.change(namespace, id, before, after):
                return True
        raise Problem(112, f"_id {id!r} changed {MOST_TRIES} times while it was updated: ask again")

    async def delete(self, command: Document) -> Document:
        """``delete``: each statement deletes the first document it finds, or all (``limit`` 0)."""
        namespace = self.written(command)

        async def one(statement: Document) -> Document:
            query = statement["q"]
            several = await self.matching(namespace, query)
            chosen = several[:1] if statement.get("limit") else several
            gone = await _together(self._delete(namespace, each, query) for each in chosen)
            return {"n": sum(gone)}

        return await _each(command, "deletes", one)

    async def _delete(self, namespace: str, found: Document, query: Document) -> bool:
        before: Document | None = found
        for _ in range(MOST_TRIES):
            if before is None or not documents.found([before], query):
                return False
            if await self.store.change(namespace, found["_id"], before, None):
                return True
            before = await self.store.get(namespace, found["_id"])
        raise Problem(112, f"_id {found['_id']!r} changed while it was deleted: ask again")

    async def drop(self, command: Document) -> Document:
        """``drop``: delete all documents of a collection."""
        namespace = self.written(command)
        several = await self.matching(namespace, {})
        await _together(self._delete(namespace, each, {}) for each in several)
        return {"ns": namespace, "ok": 1.0}


async def _together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do the same to several documents, of which none has to wait for another one: some at a time.

    Raises:
        Problem: the first that one of them has raised; no more of them are begun then.
    """
    done: list[T] = []
    rest = iter(works)
    while some := list(islice(rest, TOGETHER)):
        for each in await asyncio.gather(*some, return_exceptions=True):
            if isinstance(each, BaseException):
                raise each
            done.append(each)
    return done


async def _each(command: Document, field: str, one: Any) -> Document:
    """Carry out the statements of a write; those that fail are told of one by one.

    If the client wants them in order, as it does unless it says otherwise, the first one that fails
    is the last one that is tried.
    """
    reply: Document = {"n": 0, "ok": 1.0}
    for index, statement in enumerate(command.get(field, [])):
        try:
            told = await one(statement)
        except Problem as problem:
            error = {"index": index, "code": problem.code, "errmsg": problem.text}
            reply.setdefault("writeErrors", []).append(error)
            if command.get("ordered", True):
                break
            continue
        for name in ("n", "nModified"):
            if name in told:
                reply[name] = reply.get(name, 0) + told[name]
        if "upserted" in told:
            reply.setdefault("upserted", []).append({"index": index, "_id": told["upserted"]})
    return reply
