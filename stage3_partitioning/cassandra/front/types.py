"""CQL's types: a value as bytes on the wire, as the text of a cell, and as a part of a key.

Texts of keys are in the order of the values, because cells are sorted by their names.
"""

import ipaddress
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from stage3_partitioning.cassandra.front.wire import INVALID, CqlError, int32

TEXT, NUMBER, WORD, BLOB, UUID_ = "text", "number", "word", "blob", "uuid"
"""Kinds of literals."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type.

    Attributes:
        name: in CQL.
        option: how metadata of the protocol say it.
        read: bytes of a value as text; raises ValueError.
        write: the text as bytes.
        literals: which kinds of literals are values of it.
        parse: the words of a literal as text; raises ValueError.
        key: the text as a part of a key; None where a value cannot be in a key.
        from_key: and back.
    """

    name: str
    option: bytes
    read: Callable[[bytes], str]
    write: Callable[[str], bytes]
    literals: tuple[str, ...]
    parse: Callable[[str], str]
    key: Callable[[str], str] | None = None
    from_key: Callable[[str], str] | None = None

    def bound(self, data: bytes | None) -> str | None:
        """A value that a client has bound, as text."""
        if data is None:
            return None
        try:
            return self.read(data)
        except (ValueError, struct.error):
            raise CqlError(INVALID, f"{len(data)} bytes are no value of type {self.name}") from None

    def literal(self, kind: str, words: str) -> str:
        """A literal, as text."""
        if kind in self.literals:
            try:
                return self.parse(words)
            except ValueError:
                pass
        raise CqlError(INVALID, f"{words!r} is no value of type {self.name}")

    def as_key(self, text: str) -> str:
        """The text as a part of a key."""
        if self.key is None:
            raise CqlError(INVALID, f"a column of type {self.name} cannot be in a primary key here")
        return self.key(text)


def same(text: str) -> str:
    """The text as it is."""
    return text


def _whole(
    size: int,
) -> tuple[Callable[[bytes], str], Callable[[str], bytes], Callable[[str], str]]:
    """Reader, writer and parser of whole numbers of so many bytes."""
    half = 1 << (size * 8 - 1)

    def read(data: bytes) -> str:
        if len(data) != size:
            raise ValueError
        return str(int.from_bytes(data, signed=True))

    def parse(words: str) -> str:
        number = int(words)
        if not -half <= number < half:
            raise ValueError
        return str(number)

    return read, lambda text: int(text).to_bytes(size, signed=True), parse


def _number_key(text: str) -> str:
    """A whole number so that texts are in the order of numbers."""
    return f"{int(text) + 2**63:020d}"


def _number_from_key(key: str) -> str:
    return str(int(key) - 2**63)


def _key_text(text: str) -> str:
    if "\0" in text or "\1" in text:
        raise CqlError(INVALID, "a text in a primary key may not have the characters 0 and 1")
    return text


def _boolean(data: bytes) -> str:
    if len(data) != 1:
        raise ValueError
    return "true" if data[0] else "false"


def _boolean_word(words: str) -> str:
    if words.lower() not in ("true", "false"):
        raise ValueError
    return words.lower()


def _time(words: str) -> str:
    """Milliseconds, or a date and time."""
    if words.lstrip("-").isdigit():
        return words
    told = datetime.fromisoformat(words)
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    return str(int(told.timestamp() * 1000))


def _set(text: str) -> bytes:
    """A list of texts in JSON as a set."""
    parts = [part.encode() for part in json.loads(text)]
    return int32(len(parts)) + b"".join(int32(len(part)) + part for part in parts)


def _map(text: str) -> bytes:
    """An object of texts in JSON as a map."""
    parts = [part.encode() for pair in json.loads(text).items() for part in pair]
    return int32(len(parts) // 2) + b"".join(int32(len(part)) + part for part in parts)


def _address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def _option(number: int, *parts: int) -> bytes:
    return b"".join(each.to_bytes(2) for each in (number, *parts))


def _simple(name: str, number: int, size: int, *literals: str, time: bool = False) -> Type:
    read, write, parse = _whole(size)
    words = _time if time else parse
    return Type(name, _option(number), read, write, literals, words, _number_key, _number_from_key)


def _texts(name: str) -> Type:
    number = 0x01 if name == "ascii" else 0x0D
    return Type(name, _option(number), bytes.decode, str.encode, (TEXT,), same, _key_text, same)


def _never(data: bytes | str) -> str:
    """Only the server has values of this type."""
    raise ValueError(data)


TYPES = {
    each.name: each
    for each in (
        _texts("text"),
        _texts("varchar"),
        _texts("ascii"),
        _simple("int", 0x09, 4, NUMBER),
        _simple("bigint", 0x02, 8, NUMBER),
        _simple("timestamp", 0x0B, 8, NUMBER, TEXT, time=True),
        Type(
            "boolean",
            _option(0x04),
            _boolean,
            lambda text: b"\1" if text == "true" else b"\0",
            (WORD,),
            _boolean_word,
            same,
            same,
        ),
        Type(
            "double",
            _option(0x07),
            lambda data: repr(struct.unpack(">d", data)[0]),
            lambda text: struct.pack(">d", float(text)),
            (NUMBER,),
            lambda words: repr(float(words)),
        ),
        Type(
            "blob",
            _option(0x03),
            bytes.hex,
            bytes.fromhex,
            (BLOB,),
            lambda words: bytes.fromhex(words[2:]).hex(),
            same,
            same,
        ),
        Type(
            "uuid",
            _option(0x0C),
            lambda data: str(UUID(bytes=data)),
            lambda text: UUID(text).bytes,
            (UUID_,),
            lambda words: str(UUID(words)),
            same,
            same,
        ),
        Type("inet", _option(0x10), _never, _address, (TEXT,), same),
        Type("set<text>", _option(0x22, 0x0D), _never, _set, (), _never),
        Type("map<text, text>", _option(0x21, 0x0D, 0x0D), _never, _map, (), _never),
    )
}
"""By name. The last three are in system tables alone."""

OF_COLUMNS = tuple(TYPES)[:-3]
"""Those that a column of a table may have."""
