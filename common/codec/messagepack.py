"""MessagePack, the default on the wire: compact, fast, not for eyes.

A message is an array of two: the name of its class and a map of its fields. A value of no declared
class has nil in the place of the name. The format is at https://msgpack.org, and msgspec reads and
writes it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from common.codec.codec import PlainCodec, Plan
from common.codec.frames import MAX_FRAME
from common.codec.plain import Format, Mismatch
from common.codec.schema import Schema

_ARRAY_OF_2 = b"\x92"
_SHORT_TEXT, _LONGEST_SHORT = 0xA0, 31  # "fixstr": the length is in the low five bits

_write = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder().decode


class MessagePackCodec(PlainCodec):
    """Messages as MessagePack; see :class:`common.codec.codec.PlainCodec`."""

    format = Format(
        "MessagePack", has_bytes=True, integers=(-(2**63), 2**64 - 1), has_odd_floats=True
    )

    def __init__(self, schema: Schema, max_size: int = MAX_FRAME) -> None:
        super().__init__(schema, max_size)
        self._by_head = {plan.head: plan for plan in self._by_name.values()}

    def _head(self, name: str) -> bytes:
        return _ARRAY_OF_2 + _write(name)

    def _typed_reader(self, kind: type) -> Callable[[bytes | memoryview], Any]:
        return msgspec.msgpack.Decoder(kind).decode

    def _join(self, head: bytes, value: object) -> bytes:
        return head + _write(value)

    def _find(self, data: bytes | memoryview) -> tuple[Plan, bytes | memoryview] | None:
        length = data[1] - _SHORT_TEXT if len(data) > 1 else -1
        if 0 <= length <= _LONGEST_SHORT:
            start = 2 + length
            if plan := self._by_head.get(bytes(data[:start])):
                return plan, data[start:]
        return None

    def _write_record(self, name: str, plain: dict[str, Any]) -> bytes:
        return _write((name, plain))

    def _write_other(self, plain: Any) -> bytes:
        return _write((None, plain))

    def _split(self, data: bytes | memoryview) -> tuple[str | None, Any]:
        whole = _read(data)
        match whole:
            case [str() | None as name, plain]:
                return name, plain
        raise Mismatch("an array of the name of a message and its fields", whole)
