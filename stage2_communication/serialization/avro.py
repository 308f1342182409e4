"""Part 4: Avro's bytes: no tags and no names, because the schema says what comes next.

The specification is https://avro.apache.org/docs/1.12.0/specification/. A schema is JSON::

    {"type": "record", "name": "Order", "fields": [
        {"name": "id", "type": "long"},
        {"name": "note", "type": ["null", "string"]}]}

    54              id is 42 (zigzag: 84)
    02 04 68 69     the second branch of the union (number 1, zigzag: 2): two bytes, "hi"

A record is its fields, one after the other. An array is blocks of items, each with its count in
front, and a block of no items at the end; so is a map. A union is the number of the branch, then
its value. Integers are varints in zigzag, as Protobuf's sint64. So the bytes are as short as they
can be, and without the very schema of the writer nobody can read them (part 5).

As values stand None, bool, int, float, bytes, str, lists for arrays, dictionaries for maps and
records, and the symbol's text for an enum. In a union the value goes to the first branch that it
fits. Logical types are read as what they stand on; the container file and its codecs are left out.
"""

from typing import Any

from common.values.errors import BadInput, RemoteProtocolError
from stage2_communication.serialization.avro_schema import (
    FLOATS,
    INTEGERS,
    MAX_DEPTH,
    PRIMITIVES,
    Plain,
    Schema,
    name_of,
)
from stage2_communication.serialization.wire import (
    decode_varint,
    encode_varint,
    unzigzag,
    zigzag,
)

MAX_ITEMS = 1_000_000
"""How many items a block may be said to have: those of no bytes (nulls) cost the sender nothing."""


class Source:
    """Bytes that are read from the front.

    Args:
        data: all of them.

    Attributes:
        at: how many were read.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes.

        Raises:
            RemoteProtocolError: the size is negative, or more than what is left.
        """
        left = len(self.data) - self.at
        if not 0 <= size <= left:
            raise RemoteProtocolError(
                f"{size} bytes are said to be at byte {self.at}, and {left} are left"
            )
        self.at += size
        return self.data[self.at - size : self.at]

    def long(self, kind: str = "long") -> int:
        """The next integer. Raises: RemoteProtocolError, where it is cut or too great."""
        number, self.at = decode_varint(self.data, self.at)
        value = unzigzag(number)
        least, greatest = INTEGERS[kind]
        if not least <= value <= greatest:
            raise RemoteProtocolError(f"the {kind} {value} came, which has more bits than that")
        return value

    def place(self, count: int, what: str) -> int:
        """The next integer, which chooses one of ``count``. Raises: RemoteProtocolError."""
        place = self.long("int")
        if not 0 <= place < count:
            raise RemoteProtocolError(f"the {what} number {place} came, and there are {count}")
        return place

    def block(self) -> int:
        """How many items the next block of an array or a map has; 0 at the end.

        A negative count means that many items without the sign, and that the size of the block in
        bytes follows, for those who want to pass over it.

        Raises:
            RemoteProtocolError: it would be more than MAX_ITEMS.
        """
        count = self.long()
        if count < 0:
            self.take_size()
        if abs(count) > MAX_ITEMS:
            raise RemoteProtocolError(
                f"a block is said to have {abs(count)} items, and {MAX_ITEMS} are allowed"
            )
        return abs(count)

    def take_size(self) -> int:
        """The next integer, which is a size. Raises: RemoteProtocolError, where it is negative."""
        size = self.long()
        if size < 0:
            raise RemoteProtocolError(f"the length {size} came, and no length is negative")
        return size


def write_long(number: int) -> bytes:
    """An int or a long: zigzag, then a varint."""
    return encode_varint(zigzag(number))


def write_sized(data: bytes) -> bytes:
    """Bytes, or the UTF-8 of a string: how many there are, then they."""
    return write_long(len(data)) + data


def fits(schema: Schema, plain: Plain, value: Any) -> bool:
    """Whether a union's branch is for this value.

    null for None, boolean for a bool, an integer for an int in its bounds, float and double for a
    float, bytes and fixed (of this size) for bytes, string for a str, enum for the text of one of
    its symbols, array for a list, record for a dict with just its fields' names, map for any dict.
    """
    plain = schema.definition(plain)
    kind = plain if isinstance(plain, str) else plain["type"] if isinstance(plain, dict) else ""
    if kind in INTEGERS:
        return type(value) is int and INTEGERS[kind][0] <= value <= INTEGERS[kind][1]
    if kind in PRIMITIVES:
        classes = {"null": type(None), "boolean": bool, "bytes": bytes, "string": str}
        return type(value) is classes.get(kind, float)
    if not isinstance(plain, dict):
        return False
    if kind == "record":
        names = {field["name"] for field in plain["fields"]}
        return type(value) is dict and set(value) == names
    if kind == "enum":
        return value in plain["symbols"]
    if kind == "fixed":
        return type(value) is bytes and len(value) == plain["size"]
    return type(value) is (list if kind == "array" else dict)


def encode(schema: Schema, value: Any) -> bytes:
    """A value as the bytes of its schema.

    Raises:
        BadInput: the value does not fit the schema; the text says what is where.
    """
    return write(schema, schema.plain, value, 0)


def write(schema: Schema, plain: Plain, value: Any, depth: int) -> bytes:
    """The bytes of a value of one of the schema's types.

    A union is the number of the first branch that :func:`fits`, as a long, and the value. A record
    is its fields in the schema's order. Arrays and maps: see :func:`write_blocks`.

    Raises:
        BadInput: the value does not fit, or is nested more than MAX_DEPTH deep.
    """
    plain = schema.definition(plain)
    if depth > MAX_DEPTH:
        raise BadInput(f"the value is nested more than {MAX_DEPTH} deep: send it in parts")
    if isinstance(plain, list):
        for place, branch in enumerate(plain):
            if fits(schema, branch, value):
                return write_long(place) + write(schema, branch, value, depth + 1)
    elif isinstance(plain, str) and fits(schema, plain, value):
        return write_primitive(plain, value)
    elif isinstance(plain, dict) and fits(schema, plain, value):
        if plain["type"] == "record":
            fields = plain["fields"]
            parts = (write(schema, f["type"], value[f["name"]], depth + 1) for f in fields)
            return b"".join(parts)
        if plain["type"] == "enum":
            return write_long(plain["symbols"].index(value))
        if plain["type"] == "fixed":
            return bytes(value)
        return write_blocks(schema, plain, value, depth)
    raise BadInput(f"{repr(value)[:60]} is no value of the schema {name_of(plain)[:60]}")


def write_primitive(kind: str, value: Any) -> bytes:
    """The bytes of a value of a primitive type that it fits; null has none. Raises: BadInput."""
    if kind == "null":
        return b""
    if kind == "boolean":
        return b"\1" if value else b"\0"
    if kind in INTEGERS:
        return write_long(value)
    try:
        if kind in FLOATS:
            return FLOATS[kind].pack(value)
        return write_sized(value.encode() if kind == "string" else value)
    except (OverflowError, UnicodeEncodeError) as error:
        raise BadInput(f"{repr(value)[:40]} is no {kind}: {error}") from None


def write_blocks(schema: Schema, plain: dict[str, Any], value: Any, depth: int) -> bytes:
    """An array or a map: one block of all items, if there are any, and the empty block at the end.

    A block is the count of its items as a long, and the items; one of a map is its key, as a
    string, and its value.
    """
    if plain["type"] == "array":
        items = [write(schema, plain["items"], each, depth + 1) for each in value]
    else:
        items = [
            write(schema, "string", key, depth + 1)
            + write(schema, plain["values"], each, depth + 1)
            for key, each in value.items()
        ]
    return (write_long(len(items)) if items else b"") + b"".join(items) + write_long(0)


def decode(schema: Schema, data: bytes) -> Any:
    """The value of which these are the bytes, by the very schema that it was written with.

    Raises:
        RemoteProtocolError: they are of no value, or bytes are left behind it.
    """
    source = Source(data)
    value = read(schema, schema.plain, source, 0)
    if left := len(data) - source.at:
        raise RemoteProtocolError(
            f"{left} bytes are left behind the value: is it another schema's?"
        )
    return value


def read(schema: Schema, plain: Plain, source: Source, depth: int) -> Any:
    """The next value, which is of one of the schema's types.

    Raises:
        RemoteProtocolError: there is none, or it is nested more than MAX_DEPTH deep.
    """
    plain = schema.definition(plain)
    must_not_be_deeper(depth)
    if isinstance(plain, list):
        return read(schema, plain[source.place(len(plain), "branch")], source, depth + 1)
    if isinstance(plain, str):
        return read_primitive(plain, source)
    if plain["type"] == "record":
        fields = plain["fields"]
        return {f["name"]: read(schema, f["type"], source, depth + 1) for f in fields}
    if plain["type"] == "enum":
        return plain["symbols"][source.place(len(plain["symbols"]), "symbol")]
    if plain["type"] == "fixed":
        return source.take(plain["size"])
    items: list[Any] = []
    is_map = plain["type"] == "map"
    while count := source.block():
        for _ in range(count):
            key = read_primitive("string", source) if is_map else None
            each = read(schema, plain["values" if is_map else "items"], source, depth + 1)
            items.append((key, each) if is_map else each)
    return dict(items) if is_map else items


def must_not_be_deeper(depth: int) -> None:
    """Raises: RemoteProtocolError, where a value is nested more than MAX_DEPTH deep."""
    if depth > MAX_DEPTH:
        raise RemoteProtocolError(f"a value came that is nested more than {MAX_DEPTH} deep")


def read_primitive(kind: str, source: Source) -> Any:
    """The next value of a primitive type. Raises: RemoteProtocolError."""
    if kind == "null":
        return None
    if kind == "boolean":
        byte = source.take(1)
        if byte > b"\1":
            raise RemoteProtocolError(f"the byte {byte[0]} came for a boolean, which is 0 or 1")
        return byte == b"\1"
    if kind in INTEGERS:
        return source.long(kind)
    if kind in FLOATS:
        return FLOATS[kind].unpack(source.take(FLOATS[kind].size))[0]
    data = source.take(source.take_size())
    try:
        return data.decode() if kind == "string" else data
    except UnicodeDecodeError as error:
        raise RemoteProtocolError(f"a string came that is no UTF-8: {error}") from None
