"""Replies as bytes, in both versions of the protocol (RESP2, and RESP3 after HELLO 3).

They differ in what they have a form for: RESP3 has a null, maps, sets and texts for people; RESP2
writes those as a null bulk, as arrays and as bulks. Everything else is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

OK = b"+OK\r\n"
QUEUED = b"+QUEUED\r\n"


class RespError(Exception):
    """A command was refused; the text is what the client is told, its first word the code."""


@dataclass(frozen=True, slots=True)
class Simple:
    """A short text without line ends, such as a status."""

    text: str


@dataclass(frozen=True, slots=True)
class Flags:
    """A set of short texts."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A text of several lines for people."""

    text: str


class NoArray:
    """Nothing, where an array was asked for."""


Single: TypeAlias = int | str | bytes | Simple | Verbatim | Flags | NoArray | RespError | None
Value: TypeAlias = "Single | Sequence[Value] | Mapping[str, Value]"
"""What can be replied. Text is sent as a bulk, as bytes are."""


def encode(value: Value, version: int) -> bytes:
    """The bytes of a reply.

    Args:
        value: what is replied.
        version: 2 or 3.
    """
    match value:
        case None:
            return b"_\r\n" if version == 3 else b"$-1\r\n"
        case NoArray():
            return b"_\r\n" if version == 3 else b"*-1\r\n"
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(value), value)
        case int():
            return b":%d\r\n" % value
        case str():
            return encode(value.encode(), version)
        case Simple(text):
            return b"+%b\r\n" % text.encode()
        case Verbatim(text):
            if version == 3:
                said = b"txt:" + text.encode()
                return b"=%d\r\n%b\r\n" % (len(said), said)
            return encode(text, version)
        case RespError():
            return error(str(value))
        case Flags(names):
            head = b"~" if version == 3 else b"*"
            parts = [b"+%b\r\n" % name.encode() for name in names]
            return b"%b%d\r\n%b" % (head, len(parts), b"".join(parts))
        case Mapping():
            pairs = [encode(part, version) for item in value.items() for part in item]
            if version == 3:
                return b"%%%d\r\n%b" % (len(value), b"".join(pairs))
            return b"*%d\r\n%b" % (len(pairs), b"".join(pairs))
    parts = [encode(part, version) for part in value]
    return b"*%d\r\n%b" % (len(parts), b"".join(parts))


def error(text: str) -> bytes:
    """An error; line ends would end it early, so they become blanks."""
    plain = text.replace("\r", " ").replace("\n", " ")
    return b"-%b\r\n" % plain.encode("utf-8", "surrogateescape")
