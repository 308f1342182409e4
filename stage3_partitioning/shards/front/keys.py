"""The place of a document: its collection, and its ``_id``, as one text in MongoDB's order.

    shop.carts \\0 1 8000000000000007        the number 7
    shop.carts \\0 2 book                    the text "book"
    shop.carts \\0 3 5f1d7f3c...             an ObjectId

So the documents of a collection are neighbours, and among them numbers come before texts and texts
before ObjectIds, as in MongoDB.
"""

import re

from bson import ObjectId

from stage3_partitioning.shards.front.problems import Problem

NUMBER, TEXT, OBJECT_ID = "1", "2", "3"
NAMESPACE = re.compile(r"[^\s\0/\\.\"$]{1,63}\.[^\0$]{1,190}")


def checked(namespace: str) -> str:
    """The name of a collection, ``database.collection``.

    Raises:
        Problem: it is no name.
    """
    if not NAMESPACE.fullmatch(namespace):
        raise Problem(73, f"Invalid namespace specified '{namespace[:100]}'")
    return namespace


def key_of(namespace: str, id: object) -> str:
    """The key of a document.

    Raises:
        Problem: an ``_id`` of this type is not served here.
    """
    return f"{namespace}\0{_sortable(id)}"


def is_key(id: object) -> bool:
    """Whether an ``_id`` of this type is served here."""
    return isinstance(id, int | str | ObjectId) and not isinstance(id, bool)


def _sortable(id: object) -> str:
    if isinstance(id, float) and id.is_integer():
        id = int(id)
    if isinstance(id, int) and not isinstance(id, bool) and -(2**63) <= id < 2**63:
        return f"{NUMBER}{id + 2**63:016x}"
    if isinstance(id, str):
        return TEXT + id
    if isinstance(id, ObjectId):
        return f"{OBJECT_ID}{id}"
    raise Problem(
        2, f"an _id is a whole number, a text or an ObjectId here, and not {type(id).__name__}"
    )


def id_of(key: str) -> int | str | ObjectId:
    """The ``_id`` of the document with this key."""
    text = key.partition("\0")[2]
    match text[:1]:
        case "1":
            return int(text[1:], 16) - 2**63
        case "3":
            return ObjectId(text[1:])
    return text[1:]


def bounds(namespace: str) -> tuple[str, str]:
    """From the first of these on and below the second one are all documents of a collection."""
    return f"{namespace}\0", f"{namespace}\1"


def namespace_of(key: str) -> str:
    """The collection that a key is in."""
    return key.partition("\0")[0]
