"""Numbers, strings, bytes and arrays, as Kafka's protocol writes them.

There are two ways. The old one writes lengths as numbers of fixed size. The *flexible* one
(KIP-482) writes them as varints that are one greater, so that 0 says null, and ends each struct
with *tagged fields*, which a reader may skip. The version of a message says which way it is.

A length is a claim by a stranger. Nothing is allocated before the bytes are seen to be there, and a
message has a bounded number of elements. (The package ``kio`` reads all of these messages as well,
but it believes lengths: 20 bytes made it ask for 34 GB, and its process was aborted.)
"""

from collections.abc import Callable
from struct import Struct, pack
from typing import Any, TypeAlias

from common.runtime.refusals import Refused

MOST_ELEMENTS = 100_000
"""So many elements may be in all arrays of one request together."""
MOST_TEXT = 32_767
"""Bytes in a string. The old way has no room for more, and what came in the flexible way may have
to leave in the old one, to another client."""

_INT8, _INT16, _INT32, _INT64 = Struct(">b"), Struct(">h"), Struct(">i"), Struct(">q")


class Reader:
    """Takes values from the front of some bytes.

    Args:
        data: what to read.
        at: where to begin.

    Attributes:
        at: how much was read.
    """

    __slots__ = ("_data", "_elements", "at")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at
        self._elements = 0

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self.at

    def take(self, count: int) -> bytes:
        """The next bytes. Raises: Refused, where there are not so many."""
        begin = self.at
        if not 0 <= count <= len(self._data) - begin:
            raise Refused("cut", f"it is cut, or lies: {count} bytes are due at byte {begin}")
        self.at = begin + count
        return self._data[begin : self.at]

    def _number(self, form: Struct) -> int:
        (found,) = form.unpack(self.take(form.size))
        return int(found)

    def int8(self) -> int:
        """A number of one byte."""
        return self._number(_INT8)

    def int16(self) -> int:
        """A number of two bytes."""
        return self._number(_INT16)

    def int32(self) -> int:
        """A number of four bytes."""
        return self._number(_INT32)

    def int64(self) -> int:
        """A number of eight bytes."""
        return self._number(_INT64)

    def boolean(self) -> bool:
        """False for 0, True for all else."""
        return self.take(1) != b"\0"

    def varint(self) -> int:
        """A number of 32 bits without a sign, seven bits in a byte, the least ones first."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Refused("garbled", f"it has a varint of more than five bytes before byte {self.at}")

    def count(self, flexible: bool) -> int | None:
        """How many elements an array has; None for null. Raises: Refused, where it is absurd."""
        count = self.varint() - 1 if flexible else self.int32()
        if count < 0:
            return None
        self._elements += count
        if count > self.left or self._elements > MOST_ELEMENTS:
            raise Refused(
                "garbled", f"it claims an array of {count} elements before byte {self.at}"
            )
        return count

    def skip_tags(self) -> None:
        """Pass over the tagged fields at the end of a struct; none of them concerns a broker."""
        for _ in range(self.varint()):  # each takes two bytes at least: a lie ends soon
            self.varint()
            self.take(self.varint())


def write_varint(out: bytearray, value: int) -> None:
    """Append a number without a sign, seven bits in a byte."""
    if value < 0x80:
        out.append(value)
    else:
        out.append(value & 0x7F | 0x80)
        write_varint(out, value >> 7)


Read: TypeAlias = Callable[[Reader], Any]
Write: TypeAlias = Callable[[bytearray, Any], None]
Codec: TypeAlias = tuple[Read, Write]
"""How to read a value, and how to append one."""


def _fixed(form: Struct, read: Read) -> Codec:
    packed = form.pack
    return read, lambda out, value: out.extend(packed(value))


FIXED: dict[str, Codec] = {
    "int8": _fixed(_INT8, Reader.int8),
    "int16": _fixed(_INT16, Reader.int16),
    "int32": _fixed(_INT32, Reader.int32),
    "int64": _fixed(_INT64, Reader.int64),
    "bool": _fixed(Struct(">?"), Reader.boolean),
}
"""The types that are written in one way only, by name."""


def data_codec(kind: str, flexible: bool) -> Codec:
    """The codec of ``string`` or ``bytes``, or, with a ``?`` behind it, of one that may be null."""
    name, nullable = kind.rstrip("?"), kind.endswith("?")
    text = name == "string"
    length_of, form = (Reader.int16, ">h") if text else (Reader.int32, ">i")

    def read(reader: Reader) -> Any:
        length = reader.varint() - 1 if flexible else length_of(reader)
        if length < 0:
            if not nullable:
                raise Refused("garbled", f"it has null for a {name} before byte {reader.at}")
            return None
        if text and length > MOST_TEXT:
            raise Refused("garbled", f"it claims a string of {length} bytes at {reader.at}")
        data = reader.take(length)
        if not text:
            return data
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise Refused("garbled", f"it has a string that is no UTF-8 at {reader.at}") from None

    def write(out: bytearray, value: Any) -> None:
        assert value is not None or nullable, f"a {name} is never null"
        if value is None:
            out.extend(b"\0" if flexible else pack(form, -1))
            return
        data = value.encode() if text else value
        if flexible:
            write_varint(out, len(data) + 1)
        else:
            out.extend(pack(form, len(data)))
        out.extend(data)

    return read, write


def array_codec(element: Codec, flexible: bool, nullable: bool) -> Codec:
    """The codec of an array; where it may not be null, null is read as an empty one."""
    read_one, write_one = element

    def read(reader: Reader) -> Any:
        count = reader.count(flexible)
        if count is None:
            return None if nullable else []
        return [read_one(reader) for _ in range(count)]

    def write(out: bytearray, value: Any) -> None:
        if value is None:
            out.extend(b"\0" if flexible else pack(">i", -1))
            return
        if flexible:
            write_varint(out, len(value) + 1)
        else:
            out.extend(pack(">i", len(value)))
        for each in value:
            write_one(out, each)

    return read, write
