"""MessagePack, the default on the wire: compact, fast, not for eyes.

A message is an array of two: the name of its class and a map of its fields. A value of no declared
class has nil in the place of the name. A subnode's message has the subnode's name before these: it
is written like any other, with one more name in front of it. The format is at https://msgpack.org,
and msgspec reads and writes it.
"""

from typing import Any

import msgspec

from common.codec.codec import PlainCodec, Read
from common.codec.frames import MAX_FRAME
from common.codec.plain import Format, Mismatch
from common.codec.quick import Memory, PlainFormat
from common.contract.schema import Schema
from common.contract.wrapped import Inner

_BYTES = tuple(bytes((each,)) for each in range(256))
_ARRAY = 0x90  # "fixarray": the byte before up to 15 parts is this plus their number
_ARRAY_OF_2 = b"\x92"
_MOST_PARTS = 15
_SHORT_TEXT = 0xA0  # "fixstr": the byte before a text of up to 31 bytes is this plus its length
_LONGER_TEXT = 0xD9  # "str 8": the byte after it is the length, up to 255

_LARGE = 4096

_write = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder().decode


class MessagePackCodec(PlainCodec):
    """Messages as MessagePack; see :class:`common.codec.codec.PlainCodec`."""

    format = Format(
        "MessagePack", has_bytes=True, integers=(-(2**63), 2**64 - 1), has_odd_floats=True
    )

    raw = PlainFormat(_write, _read)  # MessagePack within MessagePack is MessagePack

    def __init__(
        self, schema: Schema, max_size: int = MAX_FRAME, memory: Memory | None = None
    ) -> None:
        super().__init__(schema, max_size, memory)
        self._readers: dict[bytes | memoryview, Read] = {
            plan.head: plan.read for plan in self._by_name.values()
        }
        self._has_subnodes = Inner in schema

    def _head(self, name: str) -> bytes:
        return _ARRAY_OF_2 + _write(name)

    def _typed_reader(self, kind: type) -> Read:
        return msgspec.msgpack.Decoder(kind).decode

    def _plain_reader(self, layout: Any) -> Read:
        return msgspec.msgpack.Decoder(layout).decode

    def _join(self, head: bytes, value: object) -> bytes:
        return head + _write(value)

    def _join_inner(self, inner: Inner) -> bytes:
        data = self.encode(inner.message)
        if not self._has_subnodes or data[0] == _ARRAY + _MOST_PARTS:
            raise LookupError("it has to be written as any other message")
        return b"".join((_BYTES[data[0] + 1], _write(inner.to), _behind(data, 1)))

    def _read_native(self, data: bytes | memoryview) -> object:
        start = data[1] - _SHORT_TEXT + 2  # nonsense without a short name; then no head is equal
        if data[1] == _LONGER_TEXT:
            start = data[2] + 3
        if data[0] != _ARRAY_OF_2[0]:
            return self._read_inner(data, start)
        return self._readers[data[:start]](data[start:])

    def _read_inner(self, data: bytes | memoryview, start: int) -> Inner:
        """A message of a subnode, whose name ends at ``start``."""
        if not self._has_subnodes or not _ARRAY + 2 < data[0] <= _ARRAY + _MOST_PARTS:
            raise LookupError("it is no message of a subnode")
        name: Any = _read(data[1:start])
        if type(name) is not str:
            raise LookupError("it has no name")
        return Inner(name, self.decode(b"".join((_BYTES[data[0] - 1], _behind(data, start)))))

    def _write_record(self, name: str, plain: dict[str, Any]) -> bytes:
        return _write((name, plain))

    def _write_other(self, plain: Any) -> bytes:
        return _write((None, plain))

    def _split(self, data: bytes | memoryview) -> tuple[str | None, Any]:
        whole = _read(data)
        match whole:
            case [str() | None as name, plain]:
                return name, plain
            case [str(to), *rest] if self._has_subnodes and len(rest) > 1:
                return self.schema.name_of(Inner), {"to": to, "message": _tagged(rest)}
        raise Mismatch("an array of the name of a message and its fields", whole)


def _behind(data: bytes | memoryview, start: int) -> bytes | memoryview:
    """The rest of some bytes; where it is large, without a copy, which costs more than all else."""
    return data[start:] if len(data) < _LARGE else memoryview(data)[start:]


def _tagged(parts: list[Any]) -> Any:
    """A message without its subnode's name, as it would be within another one."""
    match parts:
        case [None, plain]:
            return plain
        case [str(name), dict(fields)]:
            return {"type": name, **fields}
        case [str(to), *rest] if len(rest) > 1:
            return {"type": Inner.__name__, "to": to, "message": _tagged(rest)}
    raise Mismatch("an array of the name of a message and its fields", parts)
