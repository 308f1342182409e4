"""Part 3: Protobuf's messages: which field is what, and what becomes of a field that is unknown.

The bytes (``wire.py``) say numbers and lengths; the *message type*, which both sides have, says
names and kinds. This is proto3 (https://protobuf.dev/programming-guides/encoding/). Its rules, each
of which lets programs of different ages understand each other:

* A field that has its default (0, false, "", no bytes) is not written. So nobody can tell it from
  one that was not set, unless it is ``optional``, which is written whenever it is set.
* Of a field that comes twice the last value counts; two messages are merged.
* A repeated number is written *packed*: one tag, one length, all the numbers. A reader takes both
  ways, because an old writer had one tag for each.
* **A field that this program does not know is kept, and written again.** The first proto3 dropped
  it, so a program of yesterday between two of today erased their data (protobuf#272, #3395).

A message is a dictionary of its fields by name, and :data:`UNKNOWN` holds the bytes of the rest.
Maps, oneofs, groups and extensions are left out: the first two are other words for what is here.
"""

import struct
from typing import Any

from common.contract import record
from common.values.errors import BadInput, RemoteProtocolError
from stage2_communication.serialization.wire import (
    FIXED32,
    FIXED64,
    LENGTH,
    MASK64,
    VARINT,
    RawField,
    decode_varint,
    encode_tag,
    encode_varint,
    read_fields,
    unzigzag,
    with_length,
    zigzag,
)

UNKNOWN = "?"
"""The key of the bytes of unknown fields, tags included, in the order in which they came."""

MAX_DEPTH = 100
"""How deep messages may be nested; Google's readers have the same bound."""

MESSAGE = "message"
VARINTS = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
    "sint32": (-(2**31), 2**31 - 1),
    "sint64": (-(2**63), 2**63 - 1),
    "enum": (-(2**31), 2**31 - 1),
    "bool": (0, 1),
}
"""The kinds that are varints, and their least and greatest value."""
FIXED = {
    "fixed32": struct.Struct("<I"),
    "sfixed32": struct.Struct("<i"),
    "float": struct.Struct("<f"),
    "fixed64": struct.Struct("<Q"),
    "sfixed64": struct.Struct("<q"),
    "double": struct.Struct("<d"),
}
"""The kinds that take four or eight bytes, the lowest first."""


@record
class Field:
    """One field of a message type.

    Attributes:
        number: its name on the wire. It never changes, and is never given to another field.
        name: for programs; it is in no message, so it may change.
        kind: a key of VARINTS or FIXED, ``string``, ``bytes`` or ``message``.
        repeated: there may be any number of values; they are a list.
        packed: whether a repeated number is written with one tag for all.
        optional: it is written whenever it is set, also if it has its default.
        of: of which type the message is; None for other kinds.
    """

    number: int
    name: str
    kind: str
    repeated: bool = False
    packed: bool = True
    optional: bool = False
    of: "MessageType | None" = None


@record
class MessageType:
    """A message type: its name, and its fields."""

    name: str
    fields: tuple[Field, ...]


def wire_type_of(kind: str) -> int:
    """How the payload of a value of this kind is delimited."""
    if kind in VARINTS:
        return VARINT
    if kind in FIXED:
        return FIXED32 if FIXED[kind].size == 4 else FIXED64
    return LENGTH


def default_of(field: Field) -> Any:
    """What a field is that did not come: an empty list, None if that can be told, else 0 or so."""
    if field.repeated:
        return []
    if field.optional or field.kind == MESSAGE:
        return None
    if field.kind in VARINTS:
        return False if field.kind == "bool" else 0
    if field.kind in FIXED:
        return 0.0 if field.kind in ("float", "double") else 0
    return "" if field.kind == "string" else b""


def encode(kind: MessageType, message: dict[str, Any], depth: int = 0) -> bytes:
    """A message as bytes: the known fields by number, then the unknown ones as they came.

    What the dictionary lacks, and what is None, is not set. See :func:`is_written`.

    Raises:
        BadInput: it has a field that its type has not, a value does not fit its field, or it is
            nested more than MAX_DEPTH deep.
    """
    if depth > MAX_DEPTH:
        raise BadInput(f"the message is nested more than {MAX_DEPTH} deep: send it in parts")
    if strange := set(message) - {field.name for field in kind.fields} - {UNKNOWN}:
        raise BadInput(f"{kind.name} has no field {min(strange)!r}: add it to its type first")
    found = bytearray()
    for field in sorted(kind.fields, key=lambda field: field.number):
        value = message.get(field.name)
        if value is not None:
            found += encode_field(field, value, depth)
    return bytes(found + message.get(UNKNOWN, b""))


def encode_field(field: Field, value: Any, depth: int) -> bytes:
    """The bytes of one field that is set; none where it has its default and is not optional.

    A repeated field has a tag for each value, or one for all if it can be packed and has any.

    Raises:
        BadInput: the value does not fit.
    """
    tag = encode_tag(field.number, wire_type_of(field.kind))
    if not field.repeated:
        payload = encode_value(field, value, depth)
        return tag + payload if is_written(field, payload) else b""
    payloads = [encode_value(field, each, depth) for each in value]
    if field.packed and wire_type_of(field.kind) != LENGTH and payloads:
        return encode_tag(field.number, LENGTH) + with_length(b"".join(payloads))
    return b"".join(tag + payload for payload in payloads)


def is_written(field: Field, payload: bytes) -> bool:
    """Whether a field with this payload is written: it is optional, a message, or no default.

    The payload of a default is all zeros: the number 0, or the length 0. (So -0.0 is none.)
    """
    return field.optional or field.kind == MESSAGE or any(payload)


def encode_value(field: Field, value: Any, depth: int) -> bytes:
    """The payload of one value, with its length in front where the wire type is LENGTH.

    A negative number of the kinds int32, int64 and enum is written as if it had 64 bits and no
    sign, so it takes ten bytes. The kinds sint32 and sint64 are for such numbers: zigzag.

    Raises:
        BadInput: the value is not of the field's kind, or too great for it.
    """
    try:
        if field.kind in VARINTS:
            least, greatest = VARINTS[field.kind]
            if type(value) not in (int, bool) or not least <= value <= greatest:
                raise ValueError(f"it is to be {least} to {greatest}")
            return encode_varint(zigzag(value) if field.kind[0] == "s" else value & MASK64)
        if field.kind in FIXED:
            return FIXED[field.kind].pack(value)
        if field.kind == "string":
            return with_length(value.encode())
        if field.of is not None:
            return with_length(encode(field.of, value, depth + 1))
        return with_length(bytes(memoryview(value)))
    except (struct.error, TypeError, ValueError, AttributeError, OverflowError) as error:
        shown = repr(value)[:40]
        raise BadInput(f"{field.name} cannot be {shown}: it is a {field.kind} ({error})") from None


def decode(kind: MessageType, data: bytes, depth: int = 0) -> dict[str, Any]:
    """The message that these bytes are, with all fields of its type.

    A field that did not come has its default. What comes under a number that the type has not, or
    with a wire type that does not fit, is added to UNKNOWN as it came (its ``whole``); the key is
    there only if something is.

    Raises:
        RemoteProtocolError: it is no message, or nested more than MAX_DEPTH deep.
    """
    if depth > MAX_DEPTH:
        raise RemoteProtocolError(f"a {kind.name} came that is nested more than {MAX_DEPTH} deep")
    known = {field.number: field for field in kind.fields}
    message = {field.name: default_of(field) for field in kind.fields}
    unknown = b""
    for raw in read_fields(data):
        field = known.get(raw.number)
        if field is None or not merge_field(message, field, raw, depth):
            unknown += raw.whole
    return {**message, UNKNOWN: unknown} if unknown else message


def merge_field(message: dict[str, Any], field: Field, raw: RawField, depth: int) -> bool:
    """Take one field that has come into the message; False where its wire type does not fit.

    Of a single value the last one counts, and a second message is merged into the first: its bytes
    are as if they stood behind those of the first. A repeated field grows, and a repeated number
    comes packed or not, whatever this program would write.

    Raises:
        RemoteProtocolError: the value is none of its kind.
    """
    fits = wire_type_of(field.kind)
    if field.repeated and raw.wire_type == LENGTH != fits:
        message[field.name] += unpack(field, raw.payload)
    elif raw.wire_type != fits:
        return False
    elif field.repeated:
        message[field.name].append(decode_value(field, raw.payload, depth))
    elif field.of is not None and message[field.name] is not None:
        before = encode(field.of, message[field.name], depth + 1)
        message[field.name] = decode_value(field, before + raw.payload, depth)
    else:
        message[field.name] = decode_value(field, raw.payload, depth)
    return True


def unpack(field: Field, payload: bytes) -> list[Any]:
    """The numbers of a packed field. Raises: RemoteProtocolError, where the last one is cut."""
    values, at = [], 0
    while at < len(payload):
        if field.kind in VARINTS:
            end = decode_varint(payload, at)[1]
        else:
            end = at + FIXED[field.kind].size
        values.append(decode_value(field, payload[at:end], 0))
        at = end
    return values


def decode_value(field: Field, payload: bytes, depth: int) -> Any:
    """The value of which this is the payload, without a length.

    A number that is too great for its kind loses its upper bits: an int64 that has become an int32
    in this program's type, say.

    Raises:
        RemoteProtocolError: a string is no UTF-8, a message is none, a number is cut.
    """
    try:
        if field.kind in VARINTS:
            return number_of(field.kind, decode_varint(payload, 0)[0])
        if field.kind in FIXED:
            return FIXED[field.kind].unpack(payload)[0]
        if field.of is not None:
            return decode(field.of, payload, depth + 1)
        return payload.decode() if field.kind == "string" else payload
    except (UnicodeDecodeError, struct.error) as error:
        raise RemoteProtocolError(f"{field.name} came as no {field.kind}: {error}") from None


def number_of(kind: str, number: int) -> int | bool:
    """The value of a kind of which a varint holds ``number``, 0 to 2**64 - 1.

    A bool is whether it is not 0. Else the lower 32 or 64 bits count; zigzag is undone for the
    kinds that have it; of int32, int64 and enum the highest of these bits is the sign.
    """
    if kind == "bool":
        return number != 0
    bits = 64 if kind.endswith("64") else 32
    number &= 2**bits - 1
    if kind.startswith("s"):
        return unzigzag(number)
    is_negative = not kind.startswith("u") and number >= 2 ** (bits - 1)
    return number - 2**bits if is_negative else number
