"""What filters, updates and pipelines mean. mongomock knows MongoDB's language, and is asked here.

It is a MongoDB in memory for tests. A few documents are put into a collection of it, and it is
asked what becomes of them. Nothing stays there.
"""

from collections.abc import Iterable
from typing import Any

import mongomock
from pymongo.errors import PyMongoError

from stage3_partitioning.shards.front.problems import Problem
from stage3_partitioning.shards.front.wire import Document

LANGUAGE = (
    PyMongoError,
    NotImplementedError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
)
"""What mongomock raises where a client's words are no filter, no update, or not known to it."""


def collection(documents: Iterable[Document]) -> Any:
    """A collection with these documents, in this order."""
    made: Any = mongomock.MongoClient().lab.documents
    for each in documents:
        made.insert_one(each)
    return made


def found(documents: Iterable[Document], query: Document, **options: Any) -> list[Document]:
    """Those that a filter finds, in order, as ``find`` with these options would show them."""
    try:
        return list(collection(documents).find(query, **options))
    except LANGUAGE as error:
        raise _told(error) from None


def updated(document: Document | None, query: Document, update: Document) -> Document | None:
    """What a document becomes by an update, which is a replacement if it has no operators.

    Args:
        document: None to make one, of the filter and the update.
        query: the filter that found it.
        update: with operators, or the document to put in its place.
    """
    made = collection([] if document is None else [document])
    chosen = query if document is None else {"_id": document["_id"]}
    try:
        if any(name.startswith("$") for name in update):
            made.update_one(chosen, update, upsert=document is None)
        else:
            made.replace_one(chosen, update, upsert=document is None)
    except LANGUAGE as error:
        raise _told(error) from None
    after: Document | None = made.find_one()
    return after


def aggregated(documents: Iterable[Document], pipeline: list[Document]) -> list[Document]:
    """What a pipeline makes of documents."""
    try:
        return list(collection(documents).aggregate(pipeline))
    except LANGUAGE as error:
        raise _told(error) from None


def different(documents: Iterable[Document], field: str, query: Document) -> list[Any]:
    """The different values of a field."""
    try:
        return list(collection(documents).distinct(field, query))
    except LANGUAGE as error:
        raise _told(error) from None


def _told(error: Exception) -> Problem:
    return Problem(2, str(error) or f"not known here: {type(error).__name__}")
