"""What clients ask of the sharded store. Each command is about one key.

Keys are bytes. A key holds bytes, a *text*, or a *list* of texts.

The commands are the clients' operations themselves. Several of them at once, all about keys of one
slot, are what Redis calls a transaction: see :class:`~stage3_partitioning.kv.messages.Serve`.
"""

from typing import Literal, TypeAlias

from common.contract import operation, record

MAX_KEY = 32 * 1024
"""The longest key, in bytes."""

MAX_VALUE = 1024 * 1024
"""The longest value, in bytes: one has to fit into a message with room to spare."""

ELEMENT = 40
"""What each element of a list counts for besides its bytes: it takes so much more memory."""

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
"""Numbers are those of 64 bits, as in Redis."""

Held: TypeAlias = bytes | tuple[bytes, ...]
"""What a key holds: a text, or the elements of a list from left to right. No list is empty."""

Side: TypeAlias = Literal["left", "right"]
When: TypeAlias = Literal["always", "absent", "present"]
Until: TypeAlias = Literal["always", "mortal", "immortal", "later", "sooner", "shortened"]


@operation
class Get:
    """Which text does ``key`` hold? Ends with Ok(bytes), or Ok(None) if there is no such key.

    This and each other command about texts ends with Ok(WRONG_KIND) if the key holds a list.
    """

    key: bytes


@operation
class Put:
    """Let ``key`` hold ``value``, forever. Ends with Ok()."""

    key: bytes
    value: bytes


@operation
class PutIf:
    """Let ``key`` hold ``value`` if there is (no) such key. Ends with Ok(True) if it was put.

    Attributes:
        when: ``always``, or only if the key is ``absent``, or only if it is ``present``.
        life_us: how long from now it lives, in microseconds; None forever; 0 for as long as what
            was there before would have.
    """

    key: bytes
    value: bytes
    when: When = "always"
    life_us: int | None = None


@operation
class Append:
    """Add ``value`` at the end of what ``key`` holds, or put it. Ends with Ok(new length)."""

    key: bytes
    value: bytes


@operation
class Increment:
    """Add ``by`` to the number that ``key`` holds as text; no key counts as 0.

    Ends with Ok(new number), or with Ok(Problem) if there is no number or it becomes too large.
    """

    key: bytes
    by: int = 1


@operation
class Delete:
    """Let there be no ``key``. Ends with Ok(True), or Ok(False) if there was none."""

    key: bytes


@operation
class CompareAndSet:
    """Let ``key`` hold ``new`` if it holds ``expected``; None expects that there is no such key.

    Ends with Ok(True) if it did, Ok(False) if not.
    """

    key: bytes
    expected: bytes | None
    new: bytes


@operation
class Expire:
    """Let ``key`` live ``life_us`` microseconds from now, or forever (None).

    Ends with Ok(True), or with Ok(False) if there is no such key. None for a key that lives forever
    already also ends with Ok(False). A life of 0 or less deletes the key.

    Attributes:
        when: ``always``; only if the key has an end already (``mortal``), or has none
            (``immortal``); only if the new end is ``later`` or ``sooner`` than the old one, and
            to live forever is the latest of all; ``shortened``: mortal, and sooner.
    """

    key: bytes
    life_us: int | None
    when: Until = "always"


@operation
class TimeToLive:
    """How long has ``key`` to live, in microseconds? Ends with Ok(-1) forever, Ok(-2) no key."""

    key: bytes


@operation
class Look:
    """What does ``key`` hold, a text or a list? Ends with Ok of it, or Ok(None): no such key."""

    key: bytes


@operation
class Push:
    """Add ``values``, one after the other, at one side of the list, or begin a list.

    Ends with Ok(new length); with Ok(0) if there is no such key and ``when`` is ``present``, or if
    there is nothing to push; with Ok(WRONG_KIND) if the key holds a text.
    """

    key: bytes
    values: tuple[bytes, ...]
    side: Side = "right"
    when: When = "always"


Command: TypeAlias = (
    Get
    | Put
    | PutIf
    | Append
    | Increment
    | Delete
    | CompareAndSet
    | Expire
    | TimeToLive
    | Look
    | Push
)

QUESTIONS = (Get, TimeToLive, Look)
"""Commands that change nothing: to carry one out twice does no harm."""


@record
class Problem:
    """The command cannot be carried out, and changed nothing."""

    text: str


WRONG_KIND = Problem("Operation against a key holding the wrong kind of value")
"""The command is about texts and the key holds a list, or the other way round."""


def size_of(value: Held) -> int:
    """How many bytes a value counts for, where bytes are bounded."""
    if isinstance(value, bytes):
        return len(value)
    return sum(map(len, value)) + ELEMENT * len(value)


# What an operator asks.


@operation
class AddNode:
    """Let ``node`` hold its share of the slots. Ends with Ok(nodes) once that is decided.

    The keys move in the background then. Fails with the reason if another change is under way, or
    there is no such member.
    """

    node: str


@operation
class RemoveNode:
    """Let ``node`` hold nothing any more. Ends with Ok(nodes) once that is decided.

    Fails with the reason if it is the only owner, or if another change is under way.
    """

    node: str
