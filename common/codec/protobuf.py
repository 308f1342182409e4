"""Protobuf: numbers and lengths on the wire; the message types are made of the dataclasses.

A field's number is twice its place in the class, from 2 on: a field that is added behind the others
leaves the old numbers as they are, and readers of either age understand each other. Each field is
``optional``, so what did not come can be told from a zero, and gets the default of the class.

* An integer is a sint64; one of more bits goes as text under the number behind (odd numbers).
* ``tuple[X, ...]`` is repeated. A list within a list, or one that may be None, is a message.
* A tuple of certain length is a message of its parts, an enum's member its name.
* Where the type leaves a choice (``object``, a union of records) stands an ``Anything``.

A message is a ``Tagged``: the name of its class, and its bytes. Google's library reads and writes.
"""

import re
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from common.codec.anything import AnyShape, ChoiceShape
from common.codec.by_shape import ShapeCodec
from common.codec.frames import MAX_FRAME
from common.codec.plain import Format, Mismatch, Words
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

DOUBLE, BOOL, TEXT, MESSAGE, BYTES, SINT64 = 1, 8, 9, 11, 12, 18
"""Kinds of field, as descriptors number them (descriptor.proto)."""
OPTIONAL, REPEATED = 1, 3
ATOMS = {bool: BOOL, float: DOUBLE, str: TEXT, bytes: BYTES, type(None): BOOL, int: SINT64}
LARGE = "_large"
"""Behind the name of a field of integers: the field of the same as text."""

CHOICES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
    bytes: "data",
}
"""By the class of plain data, the field of an Anything."""

MAX_NESTING = 40
"""Lists in lists of an Anything: each is two messages, and Google's readers take 100 in all."""


class ProtobufCodec(ShapeCodec):
    """Messages as Protobuf, by Google's library."""

    format = Format("Protobuf", has_bytes=True, integers=(-(2**63), 2**63 - 1), has_odd_floats=True)

    def __init__(self, schema: Schema, max_size: int = MAX_FRAME) -> None:
        super().__init__(schema, max_size)
        self._classes: dict[str, Any] = {}
        """The library's classes of messages, by the names of ours; "" is Tagged."""
        self._pool = descriptor_pool.DescriptorPool()
        file = descriptor_pb2.FileDescriptorProto(name="shared", syntax="proto3", package="c")
        tagged = file.message_type.add(name="Tagged")
        _field(tagged, "type", 1, TEXT)
        _field(tagged, "body", 2, BYTES)
        anything = file.message_type.add(name="Anything")
        for number, (name, kind) in enumerate(
            {**{name: ATOMS[kind] for kind, name in CHOICES.items()}, "large": TEXT,
             "member": TEXT}.items(), 1,
        ):  # fmt: skip
            _field(anything, name, number, kind)
        _field(anything, "record", 8, MESSAGE, "Tagged")
        _field(anything, "items", 9, MESSAGE, "Items")
        items = file.message_type.add(name="Items")
        _field(items, "each", 1, MESSAGE, "Anything", REPEATED)
        self._pool.AddSerializedFile(file.SerializeToString())
        self._tagged = self._class("Tagged")
        self._anything = self._class("Anything")

    def _class(self, name: str) -> Any:
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(f"c.{name}"))

    def _write(self, name: str, shape: Shape, plain: Any) -> bytes:
        return bytes(
            self._tagged(type=name, body=self._body(name, shape, plain)).SerializeToString()
        )

    def _body(self, name: str, shape: Shape, plain: Any) -> bytes:
        if isinstance(shape, RecordShape):
            made = self._message(name, shape)()
            self._fill(made, shape, plain)
        else:
            made = self._anything()
            self._give_anything(made, plain, 0)
        return bytes(made.SerializeToString())

    def _split(self, data: bytes) -> tuple[str, bytes]:
        tagged = self._tagged.FromString(data)
        return tagged.type, tagged.body

    def _read(self, name: str, shape: Shape, body: bytes) -> Any:
        if isinstance(shape, RecordShape):
            return self._taken(self._message(name, shape).FromString(body), shape)
        return self._take_anything(self._anything.FromString(body))

    # Message types, out of shapes.

    def _message(self, name: str, shape: RecordShape) -> Any:
        """The library's class of messages for a class of ours."""
        if name not in self._classes:
            file = descriptor_pb2.FileDescriptorProto(name=f"of {name}", syntax="proto3")
            file.package = f"c.m{len(self._classes)}"
            file.dependency.append("shared")
            declared = _Declaring(file, self.schema).record(shape)
            self._pool.AddSerializedFile(file.SerializeToString())
            found = self._pool.FindMessageTypeByName(f"{file.package}.{declared}")
            self._classes[name] = message_factory.GetMessageClass(found)
        return self._classes[name]

    # Plain data into messages, and back.

    def _fill(self, made: Any, shape: RecordShape, plain: dict[str, Any]) -> None:
        for key, part in zip(shape.keys, shape.shapes.values(), strict=True):
            self._put(made, f"f_{key}", part, plain[key])

    def _put(self, made: Any, field: str, shape: Shape, plain: Any) -> None:
        """Set a field."""
        match shape:
            case AtomShape() | EnumShape():
                if type(plain) is dict:  # an integer of more than 64 bits
                    setattr(made, field + LARGE, plain["int"])
                else:
                    setattr(made, field, True if plain is None else plain)
            case OptionalShape():
                if plain is not None:
                    inner = shape.inner
                    holder = getattr(made, field) if _is_held(inner) else made
                    if _is_held(inner):
                        holder.SetInParent()
                    self._put(holder, "f_v" if _is_held(inner) else field, inner, plain)
            case SequenceShape():
                self._put_all(made, field, shape.item, plain)
            case _:
                self._put_message(getattr(made, field), shape, plain)

    def _put_message(self, made: Any, shape: Shape, plain: Any) -> None:
        made.SetInParent()
        match shape:
            case RecordShape():
                self._fill(made, shape, plain)
            case TupleShape():
                for place, (part, each) in enumerate(zip(shape.parts, plain, strict=True)):
                    self._put(made, f"f_{place}", part, each)
            case _:
                self._give_anything(made, plain, 0)

    def _put_all(self, made: Any, field: str, item: Shape, plain: list[Any]) -> None:
        """Set a repeated field. Integers of which one is large all go as text."""
        values = getattr(made, field)
        if _is_held(item):
            for each in plain:
                holder = values.add()
                self._put(holder, "f_v", item, each)
        elif not isinstance(item, AtomShape | EnumShape):
            for each in plain:
                self._put_message(values.add(), item, each)
        elif any(type(each) is dict for each in plain):
            texts = (each["int"] if type(each) is dict else str(each) for each in plain)
            getattr(made, field + LARGE).extend(texts)
        else:
            values.extend(plain)

    def _taken(self, made: Any, shape: RecordShape) -> dict[str, Any]:
        """The plain data of a record; a field that did not come is left out."""
        found = {}
        for key, part in zip(shape.keys, shape.shapes.values(), strict=True):
            value = self._take(made, f"f_{key}", part)
            if value is not ...:
                found[key] = value
        return found

    def _take(self, made: Any, field: str, shape: Shape) -> Any:
        """The plain data of a field; ``...`` where it did not come."""
        match shape:
            case SequenceShape():
                return self._take_all(made, field, shape.item)
            case OptionalShape():
                if _is_held(shape.inner):
                    if not made.HasField(field):
                        return None
                    return self._take(getattr(made, field), "f_v", shape.inner)
                value = self._take(made, field, shape.inner)
                return None if value is ... else value
            case AtomShape() if shape.kind is int and made.HasField(field + LARGE):
                return {"int": getattr(made, field + LARGE)}
        if not made.HasField(field):
            return ...
        value = getattr(made, field)
        if isinstance(shape, AtomShape | EnumShape):
            return None if isinstance(shape, AtomShape) and shape.kind is type(None) else value
        return self._take_message(value, shape)

    def _take_message(self, made: Any, shape: Shape) -> Any:
        match shape:
            case RecordShape():
                return self._taken(made, shape)
            case TupleShape():
                parts = enumerate(shape.parts)
                return [self._take(made, f"f_{place}", part) for place, part in parts]
        return self._take_anything(made)

    def _take_all(self, made: Any, field: str, item: Shape) -> list[Any]:
        values = getattr(made, field)
        if _is_held(item):
            return [self._take(each, "f_v", item) for each in values]
        if not isinstance(item, AtomShape | EnumShape):
            return [self._take_message(each, item) for each in values]
        if (
            isinstance(item, AtomShape)
            and item.kind is int
            and (texts := getattr(made, field + LARGE))
        ):
            return [{"int": text} for text in texts]
        return list(values)

    def _give_anything(self, made: Any, plain: Any, depth: int) -> None:
        if depth > MAX_NESTING:
            raise Mismatch(f"at most {MAX_NESTING} levels of nesting", Words("nested more deeply"))
        kind = type(plain)
        if kind in CHOICES:
            setattr(made, CHOICES[kind], plain)
        elif kind is list:
            made.items.SetInParent()
            for each in plain:
                self._give_anything(made.items.each.add(), each, depth + 1)
        elif kind is dict and "type" in plain:
            name = plain["type"]
            made.record.type = name
            made.record.body = self._body(name, self._record(name), plain)
        elif kind is dict:
            ((key, text),) = plain.items()
            setattr(made, {"int": "large", "enum": "member"}[key], text)

    def _take_anything(self, made: Any) -> Any:
        chosen = [field.name for field, _ in made.ListFields()]
        if not chosen:
            return None
        match chosen[0]:
            case "items":
                return [self._take_anything(each) for each in made.items.each]
            case "record":
                name = made.record.type
                return {"type": name, **self._read(name, self._record(name), made.record.body)}
            case "large":
                return {"int": made.large}
            case "member":
                return {"enum": made.member}
        return getattr(made, chosen[0])


class _Declaring:
    """Declares the message types of a class of ours, and of all that is in it, in one file.

    Args:
        file: takes them.
        schema: says what classes are called.
    """

    def __init__(self, file: Any, schema: Schema) -> None:
        self._file = file
        self._schema = schema
        self._done: set[str] = set()

    def record(self, shape: RecordShape) -> str:
        """Declare a record; returns the name of its type."""
        name = re.sub(r"[^A-Za-z0-9_]", "_", f"Class_{self._schema.name_of(shape.kind)}")
        if name not in self._done:
            self._done.add(name)
            self._type(name, dict(zip(shape.keys, shape.shapes.values(), strict=True)))
        return name

    def _type(self, name: str, parts: dict[str, Shape]) -> str:
        made = self._file.message_type.add(name=name)
        for place, (key, part) in enumerate(parts.items(), 1):
            self._declare(made, f"f_{key}", 2 * place, part)
        return name

    def _declare(self, made: Any, field: str, number: int, shape: Shape) -> None:
        """A field of a message, and for integers the one behind."""
        label = OPTIONAL
        if isinstance(shape, OptionalShape):
            shape = shape.inner
            if _is_held(shape):
                _field(made, field, number, MESSAGE, self._holder(shape))
                return
        if isinstance(shape, SequenceShape):
            shape, label = shape.item, REPEATED
            if _is_held(shape):
                _field(made, field, number, MESSAGE, self._holder(shape), label)
                return
        if isinstance(shape, AtomShape):
            _field(made, field, number, ATOMS[shape.kind], "", label)
            if shape.kind is int:
                _field(made, field + LARGE, number + 1, TEXT, "", label)
        elif isinstance(shape, EnumShape):
            _field(made, field, number, TEXT, "", label)
        else:
            _field(made, field, number, MESSAGE, self._type_of(shape), label)

    def _type_of(self, shape: Shape) -> str:
        """The name of the message type of a shape that is one."""
        if isinstance(shape, RecordShape):
            return f"{self._file.package}.{self.record(shape)}"
        if isinstance(shape, TupleShape):
            name = f"Tuple{len(self._file.message_type)}"
            parts = {str(place): part for place, part in enumerate(shape.parts)}
            return f"{self._file.package}.{self._type(name, parts)}"
        assert isinstance(shape, AnyShape | ChoiceShape), f"what is {shape}?"
        return "Anything"

    def _holder(self, shape: Shape) -> str:
        """A message that holds one value, for what cannot stand in the place by itself."""
        name = f"Holder{len(self._file.message_type)}"
        return f"{self._file.package}.{self._type(name, {'v': shape})}"


def _is_held(shape: Shape) -> bool:
    """Whether a value within a list, or one that may be None, needs a message around it."""
    is_none = isinstance(shape, AtomShape) and shape.kind is type(None)
    return is_none or isinstance(shape, OptionalShape | SequenceShape)


def _field(
    made: Any, name: str, number: int, kind: int, type_name: str = "", label: int = OPTIONAL
) -> None:
    """Declare a field of a message; a single one can be told from one that was not set."""
    field = made.field.add(name=name, number=number, type=kind, label=label, json_name=name)
    if type_name:
        field.type_name = f".c.{type_name}" if "." not in type_name else f".{type_name}"
    if label == OPTIONAL:
        field.proto3_optional = True
        field.oneof_index = len(made.oneof_decl)
        made.oneof_decl.add(name=f"_{name}")
