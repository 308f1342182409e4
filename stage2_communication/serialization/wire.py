"""Part 2: the bytes that Protobuf is made of: varints, zigzag, tags.

The specification is https://protobuf.dev/programming-guides/encoding/ ("Encoding"). A message is a
row of fields, and nothing else: no length in front, no end. A field is a tag and a payload; the tag
says the field's *number* and its *wire type*, that is, how long the payload is. So a reader can
pass over a field that it has never heard of. That is all of Protobuf's compatibility.

::

    96 01                 150 as a varint: 0010110 and 0000001, the lower seven bits first
    08 96 01              field 1, wire type 0 (varint): 150
    12 02 68 69           field 2, wire type 2 (length): two bytes, "hi"

A length is a claim by a stranger. It is checked before anything is read or made.
"""

from collections.abc import Iterator

from common.contract import record
from common.values.errors import BadInput, RemoteProtocolError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""The wire types. 3 and 4 are the groups of the oldest Protobuf, and 6 and 7 nothing."""

LONGEST_VARINT = 10
"""Ten times seven bits are the first that hold 64."""

GREATEST_NUMBER = 2**29 - 1
"""Of a field: a tag has 32 bits, and three of them are the wire type."""

MASK64 = 2**64 - 1
FIXED_SIZES = {FIXED64: 8, FIXED32: 4}


@record
class RawField:
    """One field as it stands in the bytes.

    Attributes:
        number: which field.
        wire_type: how its payload is delimited.
        payload: a varint's bytes, the four or eight bytes, or what is behind the length.
        whole: all its bytes, tag included: to be handed on as they came.
    """

    number: int
    wire_type: int
    payload: bytes
    whole: bytes


def encode_varint(number: int) -> bytes:
    """An integer of 0 to 2**64 - 1 by seven bits a byte, the lowest first.

    Each byte but the last one has its top bit set: there is more.

    Raises:
        BadInput: the number is negative or has more than 64 bits.
    """
    if not 0 <= number <= MASK64:
        raise BadInput(f"{number} is no integer of 0 to 2**64 - 1, and a varint has 64 bits")
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def decode_varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint that begins at ``at``, and where it ends.

    One need not be as short as it could. Bits beyond the 64th are dropped, as Google's readers do.

    Raises:
        RemoteProtocolError: the data ends within it, or it goes on after LONGEST_VARINT bytes.
    """
    number = 0
    for place in range(LONGEST_VARINT):
        if at + place >= len(data):
            raise RemoteProtocolError(f"the message ends within the varint at byte {at}")
        byte = data[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte <= 0x7F:
            return number & MASK64, at + place + 1
    raise RemoteProtocolError(
        f"the varint at byte {at} has more than {LONGEST_VARINT} bytes, and 64 bits fit into these"
    )


def zigzag(number: int) -> int:
    """0, -1, 1, -2, 2 ... as 0, 1, 2, 3, 4 ...: a number near to 0 becomes a short varint.

    Args:
        number: -2**63 to 2**63 - 1.
    """
    return number << 1 if number >= 0 else (-number << 1) - 1


def unzigzag(number: int) -> int:
    """The number of which :func:`zigzag` has made this."""
    return number >> 1 if number % 2 == 0 else -(number + 1 >> 1)


def encode_tag(number: int, wire_type: int) -> bytes:
    """The varint in front of a field: its number, and in the three lowest bits the wire type."""
    if not 1 <= number <= GREATEST_NUMBER:
        raise BadInput(f"a field has a number of 1 to {GREATEST_NUMBER}, not {number}")
    return encode_varint(number << 3 | wire_type)


def with_length(payload: bytes) -> bytes:
    """The payload of a field of wire type LENGTH, with its length as a varint in front."""
    return encode_varint(len(payload)) + payload


def read_fields(data: bytes) -> Iterator[RawField]:
    """The fields of a message, in the order in which they stand there, known or not.

    Raises:
        RemoteProtocolError: a tag has the number 0, one above GREATEST_NUMBER, or a wire type that
            there is not; or a payload is longer than what is left. The text names the byte.
    """
    at = 0
    while at < len(data):
        begins = at
        tag, at = decode_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if not 1 <= number <= GREATEST_NUMBER:
            raise RemoteProtocolError(
                f"the field at byte {begins} has the number {number}, and there is no such field"
            )
        start, at = payload_at(data, at, wire_type, number)
        yield RawField(number, wire_type, data[start:at], data[begins:at])


def payload_at(data: bytes, at: int, wire_type: int, number: int) -> tuple[int, int]:
    """Where the payload of a field begins and ends, whose tag ends at ``at``.

    Behind the tag of wire type LENGTH stands the length first, which is no part of the payload.

    Raises:
        RemoteProtocolError: there is no such wire type, or the data ends before the payload does.
    """
    if wire_type == VARINT:
        return at, decode_varint(data, at)[1]
    if wire_type == LENGTH:
        size, at = decode_varint(data, at)
    elif wire_type in FIXED_SIZES:
        size = FIXED_SIZES[wire_type]
    else:
        raise RemoteProtocolError(
            f"field {number} has the wire type {wire_type}, and this reader knows 0, 1, 2 and 5"
        )
    if size > len(data) - at:
        raise RemoteProtocolError(
            f"field {number} is said to have {size} bytes, and {len(data) - at} are left"
        )
    return at, at + size
