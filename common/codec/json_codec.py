"""JSON, for eyes: ``{"type": "Ping", "text": "hi"}``.

A message is an object with the name of its class under ``type`` and its fields beside it. A value
of no declared class is ``{"value": ...}``. msgspec reads and writes it.
"""

import re
from typing import Any

import msgspec

from common.codec.codec import PlainCodec, Read
from common.codec.frames import MAX_FRAME
from common.codec.plain import MAX_INTEGER_BITS, Format, Mismatch
from common.contract.schema import Schema

_TYPE = re.compile(rb'\s*\{\s*"type"\s*:\s*"([A-Za-z0-9_.]+)"')

_GREATEST = 2**MAX_INTEGER_BITS - 1

_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder().decode


class JsonCodec(PlainCodec):
    """Messages as JSON; see :class:`common.codec.codec.PlainCodec`."""

    format = Format("JSON", has_bytes=False, integers=(-_GREATEST, _GREATEST), has_odd_floats=False)

    def __init__(self, schema: Schema, max_size: int = MAX_FRAME, eager: bool = True) -> None:
        super().__init__(schema, max_size, eager=eager)
        self._readers = {plan.name.encode(): plan.read for plan in self._by_name.values()}

    def _head(self, name: str) -> bytes:
        return b'{"type":' + _write(name)

    def _typed_reader(self, kind: type) -> Read:
        return msgspec.json.Decoder(kind).decode

    def _plain_reader(self, layout: Any) -> Read:
        return msgspec.json.Decoder(layout).decode

    def _join(self, head: bytes, value: object) -> bytes:
        body = _write(value)
        return head + b"," + body[1:] if len(body) > 2 else head + b"}"

    def _read_native(self, data: bytes | memoryview) -> object:
        found = _TYPE.match(data)
        if found is None:
            raise LookupError("its name does not come first")
        read = self._readers.get(found[1])
        if read is None:
            plan = self._plan(found[1].decode())
            if plan is None:
                raise LookupError("there is no such message")
            read = self._readers[found[1]] = plan.read
        return read(data)

    def _write_record(self, name: str, plain: dict[str, Any]) -> bytes:
        return _write({"type": name, **plain})

    def _write_other(self, plain: Any) -> bytes:
        return _write({"value": plain})

    def _split(self, data: bytes | memoryview) -> tuple[str | None, Any]:
        whole = _read(data)
        match whole:
            case {"type": str(name)}:
                return name, whole
            case {"value": plain} if len(whole) == 1:
                return None, plain
        raise Mismatch("an object with the name of a message under 'type'", whole)
