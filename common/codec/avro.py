"""Avro: no names and no tags on the wire; both ends make the same schema of the same dataclasses.

A message is the name of its class as an Avro string, then the record. The schema is made of the
class: its fields in order, ``tuple[X, ...]`` as an array, ``X | None`` as a union with null, an
enum as an enum. Where the type leaves a choice (``object``, a union of records) stands an
``Anything``, which says what it is. An integer beyond 64 bits is a record of its digits.

So both ends need the same classes, field by field: this codec has nobody's schema but its own. (How
two schemas are resolved is in the lab ``serialization``.) fastavro reads and writes.
"""

import io
import re
from typing import Any

import fastavro

from common.codec.anything import AnyShape, ChoiceShape
from common.codec.by_shape import ShapeCodec
from common.codec.frames import MAX_FRAME
from common.codec.plain import Format
from common.codec.records import RecordShape
from common.codec.shapes import (
    AtomShape,
    EnumShape,
    OptionalShape,
    SequenceShape,
    Shape,
    TupleShape,
)
from common.contract.schema import Schema
from common.values.errors import RemoteProtocolError

ATOMS = {bool: "boolean", float: "double", str: "string", bytes: "bytes", type(None): "null"}


def _record(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    made = [{"name": field, "type": kind} for field, kind in fields.items()]
    return {"type": "record", "name": name, "fields": made}


SHARED = {
    "Large": _record("Large", {"int": "string"}),
    "Member": _record("Member", {"enum": "string"}),
    "Tagged": _record("Tagged", {"type": "string", "body": "bytes"}),
}
"""What stands for what Avro lacks. Plain data's own ``{"int": ...}`` and ``{"enum": ...}`` are the
first two, field by field; a record within Anything is Tagged: the name of its class, its bytes."""


def shared(name: str, begun: set[str]) -> Any:
    """One of these, or Anything; its name only where it stands in the schema already."""
    if name in begun:
        return name
    begun.add(name)
    if name in SHARED:
        return SHARED[name]
    parts = (shared(part, begun) for part in SHARED)
    atoms = ("null", "boolean", "long", "double", "string", "bytes")
    return _record(name, {"value": [*atoms, *parts, {"type": "array", "items": name}]})


class AvroCodec(ShapeCodec):
    """Messages as Avro, by fastavro."""

    format = Format("Avro", has_bytes=True, integers=(-(2**63), 2**63 - 1), has_odd_floats=True)

    def __init__(self, schema: Schema, max_size: int = MAX_FRAME) -> None:
        super().__init__(schema, max_size)
        self._parsed: dict[str, Any] = {"": fastavro.parse_schema(shared("Anything", set()))}
        """The schemas of messages, by the names of their classes; "" is Anything."""

    def _write(self, name: str, shape: Shape, plain: Any) -> bytes:
        file = io.BytesIO()
        fastavro.schemaless_writer(file, "string", name)
        fastavro.schemaless_writer(file, self._schema(name, shape), self._give(shape, plain))
        return file.getvalue()

    def _split(self, data: bytes) -> tuple[str, bytes]:
        file = io.BytesIO(data)
        name = fastavro.schemaless_reader(file, "string", None)
        return str(name), file.read()

    def _read(self, name: str, shape: Shape, body: bytes) -> Any:
        file = io.BytesIO(body)
        value = fastavro.schemaless_reader(file, self._schema(name, shape), None)
        if left := len(file.read()):
            raise RemoteProtocolError(f"{left} bytes are left behind a message {name}")
        return self._take(shape, value)

    # Schemas, out of shapes.

    def _schema(self, name: str, shape: Shape) -> Any:
        if name not in self._parsed:
            self._parsed[name] = fastavro.parse_schema(self._of(shape, set()))
        return self._parsed[name]

    def _of(self, shape: Shape, begun: set[str]) -> Any:
        """The schema of a shape; what is ``begun`` already is named only."""
        match shape:
            case AtomShape():
                is_int = shape.kind is int
                return ["long", shared("Large", begun)] if is_int else ATOMS[shape.kind]
            case OptionalShape():
                inner = self._of(shape.inner, begun)
                rest = inner if isinstance(inner, list) else [inner]
                return ["null", *(branch for branch in rest if branch != "null")]
            case SequenceShape():
                return {"type": "array", "items": self._of(shape.item, begun)}
            case AnyShape() | ChoiceShape():
                return shared("Anything", begun)
            case TupleShape():
                name = f"Tuple{len(begun)}"
                begun.add(name)
                parts = {f"f{place}": part for place, part in enumerate(shape.parts)}
                return _record(name, {key: self._of(part, begun) for key, part in parts.items()})
            case EnumShape() | RecordShape():
                return self._of_class(shape, begun)
        raise AssertionError(f"there is no other shape, and this is {shape}")

    def _of_class(self, shape: EnumShape | RecordShape, begun: set[str]) -> Any:
        name = re.sub(r"[^A-Za-z0-9_]", "_", f"Class_{self.schema.name_of(shape.kind)}")
        if name in begun:
            return name
        begun.add(name)
        if isinstance(shape, EnumShape):
            return {"type": "enum", "name": name, "symbols": [*shape.kind.__members__]}
        parts = zip(shape.keys, shape.shapes.values(), strict=True)
        return _record(name, {key: self._of(part, begun) for key, part in parts})

    # Plain data to what fastavro takes, and back.

    def _give(self, shape: Shape, plain: Any) -> Any:
        match shape:
            case OptionalShape():
                return None if plain is None else self._give(shape.inner, plain)
            case SequenceShape():
                return [self._give(shape.item, each) for each in plain]
            case TupleShape():
                pairs = enumerate(zip(shape.parts, plain, strict=True))
                return {f"f{place}": self._give(part, each) for place, (part, each) in pairs}
            case RecordShape():
                parts = zip(shape.keys, shape.shapes.values(), strict=True)
                return {key: self._give(part, plain[key]) for key, part in parts}
            case AnyShape() | ChoiceShape():
                return {"value": self._give_anything(plain)}
        return plain

    def _give_anything(self, plain: Any) -> Any:
        if type(plain) is list:
            return [{"value": self._give_anything(each)} for each in plain]
        if type(plain) is dict and "type" in plain:
            name = plain["type"]
            shape = self._record(name)
            file = io.BytesIO()
            fastavro.schemaless_writer(file, self._schema(name, shape), self._give(shape, plain))
            return {"type": name, "body": file.getvalue()}
        return plain

    def _take(self, shape: Shape, value: Any) -> Any:
        match shape:
            case OptionalShape():
                return None if value is None else self._take(shape.inner, value)
            case SequenceShape():
                return [self._take(shape.item, each) for each in value]
            case TupleShape():
                return [self._take(part, value[f"f{n}"]) for n, part in enumerate(shape.parts)]
            case RecordShape():
                parts = zip(shape.keys, shape.shapes.values(), strict=True)
                return {key: self._take(part, value[key]) for key, part in parts}
            case AnyShape() | ChoiceShape():
                return self._take_anything(value)
        return value

    def _take_anything(self, value: Any) -> Any:
        inner = value["value"]
        if type(inner) is list:
            return [self._take_anything(each) for each in inner]
        if type(inner) is dict and "body" in inner:
            name = inner["type"]
            return {"type": name, **self._read(name, self._record(name), inner["body"])}
        return inner
