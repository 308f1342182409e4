"""The experiment: seven versions of one message, each written by each, and read by each.

Programs are not replaced all at once. So a new reader meets an old writer, an old reader meets a
new writer, and an old program stands between two new ones. What is lost is counted here, pair by
pair, for JSON (by the names of fields), Protobuf (by numbers) and Avro (by both schemas).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.values.errors import LabError, RemoteProtocolError
from stage2_communication.serialization import avro, careful_json, protobuf
from stage2_communication.serialization.avro_schema import INTEGERS, Schema
from stage2_communication.serialization.protobuf import UNKNOWN, Field, MessageType
from stage2_communication.serialization.resolution import resolve

SYMBOLS = ("NEW", "PAID", "SENT")
NUMBER = "number "
"""In front of an enum's number for which the reader has no symbol."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field in one version.

    Attributes:
        number: which fact it is: the field's number in Protobuf, whatever its name.
        name: what this version calls it.
        kind: ``int32``, ``int64``, ``string`` or ``enum``.
        default: what it is where it did not come.
        value: what this version's writer writes.
        alias: what earlier versions called it.
        symbols: of an enum, those that this version knows.
    """

    number: int
    name: str
    kind: str
    default: Any
    value: Any
    alias: str = ""
    symbols: tuple[str, ...] = ()


SMALL, LARGE = 7, 2**40 + 7
ID = Part(1, "id", "int32", 0, SMALL)
ITEM = Part(2, "item", "string", "", "tea")
NOTE = Part(3, "note", "string", "", "a gift")
COUNT = Part(4, "count", "int32", 0, 3)
LONG_ID = Part(1, "id", "int64", 0, LARGE)
ARTICLE = Part(2, "article", "string", "", "tea", alias="item")
STATE = Part(5, "state", "enum", "NEW", "PAID", symbols=SYMBOLS[:2])
MORE_STATE = Part(5, "state", "enum", "NEW", "SENT", symbols=SYMBOLS)

VERSIONS: dict[str, tuple[Part, ...]] = {
    "first": (ID, ITEM, NOTE),
    "+count": (ID, ITEM, NOTE, COUNT),
    "-note": (ID, ITEM, COUNT),
    "id: long": (LONG_ID, ITEM, COUNT),
    "article": (LONG_ID, ARTICLE, COUNT),
    "+state": (LONG_ID, ARTICLE, COUNT, STATE),
    "+SENT": (LONG_ID, ARTICLE, COUNT, MORE_STATE),
}
"""Each version changes one thing of the one before it: see its name."""


def message_type(parts: tuple[Part, ...]) -> MessageType:
    """A version for Protobuf."""
    return MessageType("Order", tuple(Field(part.number, part.name, part.kind) for part in parts))


def schema(parts: tuple[Part, ...]) -> Schema:
    """A version for Avro: all fields have a default, and a renamed one an alias."""
    fields = []
    for part in parts:
        kind: Any = {"int32": "int", "int64": "long"}.get(part.kind, part.kind)
        if part.symbols:
            kind = {"type": "enum", "name": "State", "symbols": [*part.symbols], "default": "NEW"}
        aliases = [part.alias] if part.alias else []
        fields.append(
            {"name": part.name, "type": kind, "default": part.default, "aliases": aliases}
        )
    return Schema({"type": "record", "name": "Order", "fields": fields})


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is used.

    Attributes:
        write: bytes from a version and its values by name.
        read: the values by name from the writer's version, the reader's, and the bytes. What it
            keeps beside them is under UNKNOWN.
    """

    write: Callable[[tuple[Part, ...], dict[str, Any]], bytes]
    read: Callable[[tuple[Part, ...], tuple[Part, ...], bytes], dict[str, Any]]


def write_json(_: tuple[Part, ...], values: dict[str, Any]) -> bytes:
    """Fields by name."""
    return careful_json.write(values)


def read_json(_: tuple[Part, ...], parts: tuple[Part, ...], data: bytes) -> dict[str, Any]:
    """The known names; what is missing has its default, what is unknown is passed over."""
    came = careful_json.read(data)
    values = {part.name: came.get(part.name, part.default) for part in parts}
    for part in parts:
        value = values[part.name]
        least, greatest = INTEGERS["int"]
        if part.kind == "int32" and not least <= value <= greatest:
            raise RemoteProtocolError(f"{part.name} is {value}, which does not fit 32 bits")
        if part.symbols and value not in part.symbols:
            raise RemoteProtocolError(f"{part.name} is {value}, which is none of {part.symbols}")
    return values


def write_protobuf(parts: tuple[Part, ...], values: dict[str, Any]) -> bytes:
    """Fields by number; an enum's symbol is its place."""
    plain = dict(values)
    for part in parts:
        if part.symbols:
            symbol = plain[part.name]
            known = symbol in SYMBOLS
            plain[part.name] = SYMBOLS.index(symbol) if known else int(symbol.removeprefix(NUMBER))
    return protobuf.encode(message_type(parts), plain)


def read_protobuf(_: tuple[Part, ...], parts: tuple[Part, ...], data: bytes) -> dict[str, Any]:
    """Fields by number; an enum's number that this version has no symbol for stays a number."""
    values = protobuf.decode(message_type(parts), data)
    for part in parts:
        if part.symbols:
            number = values[part.name]
            known = number < len(part.symbols)
            values[part.name] = part.symbols[number] if known else f"{NUMBER}{number}"
    return values


def read_dropping(writer: tuple[Part, ...], parts: tuple[Part, ...], data: bytes) -> dict[str, Any]:
    """Protobuf as the first proto3 was: what is unknown is dropped (protobuf#272)."""
    values = read_protobuf(writer, parts, data)
    values.pop(UNKNOWN, None)
    return values


def write_avro(parts: tuple[Part, ...], values: dict[str, Any]) -> bytes:
    """By the version's schema."""
    return avro.encode(schema(parts), values)


def read_avro(writer: tuple[Part, ...], parts: tuple[Part, ...], data: bytes) -> dict[str, Any]:
    """By both schemas: the writer's goes with the bytes."""
    values: dict[str, Any] = resolve(schema(writer), schema(parts), data)
    return values


FORMATS: Mapping[str, Format] = {
    "JSON": Format(write_json, read_json),
    "Protobuf": Format(write_protobuf, read_protobuf),
    "Avro": Format(write_avro, read_avro),
}

PROTO3 = Format(write_protobuf, read_dropping)


def written(parts: tuple[Part, ...]) -> dict[str, Any]:
    """What a version's writer writes, by name."""
    return {part.name: part.value for part in parts}


def compared(
    before: tuple[Part, ...], after: tuple[Part, ...], values: dict[str, Any]
) -> dict[str, str]:
    """What is amiss with the facts that two versions both have, by name.

    ``WRONG``: it is another value. ``lost``: it is the default. ``number``: it is an enum's number
    without a symbol, which can be handed on.

    Args:
        before: the version that was written.
        after: the version that was read.
        values: what was read.
    """
    amiss: dict[str, str] = {}
    facts = {part.number: part for part in before}
    for part in after:
        was, value = facts.get(part.number), values[part.name]
        if was is not None and value != was.value:
            is_number = str(value).startswith(NUMBER)
            amiss[part.name] = (
                "number" if is_number else "lost" if value == part.default else "WRONG"
            )
    return amiss


def outcome(format: Format, writer: tuple[Part, ...], reader: tuple[Part, ...]) -> str:
    """What becomes of a message of one version that is read by another."""
    try:
        values = format.read(writer, reader, format.write(writer, written(writer)))
    except LabError:
        return "refused"
    return said(compared(writer, reader, values))


def through(format: Format, middle: tuple[Part, ...]) -> str:
    """What becomes of the newest message that an older program reads and writes on.

    The newest version reads it in the end.
    """
    newest = VERSIONS["+SENT"]
    try:
        between = format.read(newest, middle, format.write(newest, written(newest)))
        values = format.read(middle, newest, format.write(middle, between))
    except LabError:
        return "refused"
    return said(compared(newest, newest, values))


def said(amiss: dict[str, str]) -> str:
    """What is amiss in two words, the worst first; ``ok`` where nothing is."""
    for what in ("WRONG", "lost", "number"):
        names = [name for name, found in amiss.items() if found == what]
        if names:
            return f"{what} {names[0] if len(names) == 1 else len(names)}"
    return "ok"


def all_pairs(format: Format) -> dict[tuple[str, str], str]:
    """The outcome of each pair of versions, (writer, reader)."""
    return {
        (one, other): outcome(format, VERSIONS[one], VERSIONS[other])
        for one in VERSIONS
        for other in VERSIONS
    }
