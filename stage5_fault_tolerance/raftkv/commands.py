"""What clients ask of the key-value store, and what they are told.

The commands are the clients' operations themselves. A change is one command with one *revision*:
the number of the change, counted from 1 over the whole store. So each state of the store has a
name, and each value knows in which state it appeared and in which it was changed last. The model is
that of etcd's API, version 3.
"""

from typing import Literal, TypeAlias

from common.contract import operation, record

Target: TypeAlias = Literal["value", "version", "create_revision", "mod_revision"]
Relation: TypeAlias = Literal["=", "!=", "<", ">"]

# What is asked.


@operation
class Get:
    """What does ``key`` hold? Ends with Ok(text), or Ok(None) if there is no such key."""

    key: str


@operation
class Put:
    """Let ``key`` hold ``value``. Ends with Ok(revision), also if it held just that before."""

    key: str
    value: str


@operation
class Append:
    """Add ``value`` at the end of what ``key`` holds, or put it. Ends with Ok(revision)."""

    key: str
    value: str


@operation
class Delete:
    """Let there be no ``key``. Ends with Ok(True), or Ok(False) if there was none."""

    key: str


@operation
class CompareAndSet:
    """Let ``key`` hold ``new`` if it holds ``expected``; None expects that there is no such key.

    Ends with Ok(True) if it did, Ok(False) if not.
    """

    key: str
    expected: str | None
    new: str


@operation
class Range:
    """Which keys from ``start`` up to ``end``, without ``end`` itself, are there, in order?

    Ends with Ok(RangeResult). None as the end means all keys from ``start`` on. The order is that
    of the characters' code points, which is that of the bytes in UTF-8.

    Attributes:
        limit: how many to return at most; 0 for all.
    """

    start: str
    end: str | None = None
    limit: int = 0


@record
class Compare:
    """A condition: what ``target`` says of ``key`` is =, !=, < or > ``wanted``.

    A key that is not there has version 0 and revisions 0; of its value nothing is true.
    """

    key: str
    target: Target
    relation: Relation
    wanted: str | int


@operation
class Transaction:
    """If all of ``compares`` hold, carry out ``then``, otherwise carry out ``otherwise``.

    Everything happens at one moment, or nothing does; all changes have one revision. The steps are
    Get, Put, Append, Delete and Range, and each sees what those before it have done. Ends with
    Ok(TransactionResult).
    """

    compares: tuple[Compare, ...] = ()
    then: tuple[object, ...] = ()
    otherwise: tuple[object, ...] = ()


# What is told.


@record
class Item:
    """A key that is there.

    Attributes:
        create_revision: the change that brought it.
        mod_revision: the latest change of its value.
        version: how often it was put or appended to since it came; 1 when it is new.
    """

    key: str
    value: str
    create_revision: int
    mod_revision: int
    version: int


@record
class RangeResult:
    """The items found, in order; how many there are without the limit; and at which revision."""

    items: tuple[Item, ...]
    count: int
    revision: int


@record
class TransactionResult:
    """Whether the compares held, what each step ended with, and the revision afterwards."""

    succeeded: bool
    results: tuple[object, ...]
    revision: int


@record
class Refused:
    """The command cannot be carried out, now or as it is; nothing came of it."""

    reason: str
