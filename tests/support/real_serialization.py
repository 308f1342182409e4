"""The real Protobuf and Avro libraries, beside the lab ``serialization``'s own."""

import io
from typing import Any

import fastavro
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from stage2_communication.serialization.avro_schema import Plain
from stage2_communication.serialization.protobuf import (
    UNKNOWN,
    Field,
    MessageType,
    wire_type_of,
)
from stage2_communication.serialization.wire import LENGTH

TYPES = {
    "double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "fixed64": 6, "fixed32": 7,
    "bool": 8, "string": 9, "message": 11, "bytes": 12, "uint32": 13, "enum": 14, "sfixed32": 15,
    "sfixed64": 16, "sint32": 17, "sint64": 18,
}  # fmt: skip
"""The numbers of kinds in descriptors (descriptor.proto)."""

ONE, REPEATED = 1, 3


class RealProtobuf:
    """Google's library, given a message type of the lab's.

    Args:
        kind: the message type.
    """

    Refused = DecodeError

    def __init__(self, kind: MessageType) -> None:
        file = descriptor_pb2.FileDescriptorProto(name="lab.proto", package="lab", syntax="proto3")
        signs = file.enum_type.add(name="Sign")
        for name, number in (("ZERO", 0), ("ONE", 1)):
            signs.value.add(name=name, number=number)
        self._declare(file, kind, set())
        pool = descriptor_pool.DescriptorPool()
        pool.AddSerializedFile(file.SerializeToString())
        self._kind = kind
        self._class = message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"lab.{kind.name}")
        )

    def _declare(self, file: Any, kind: MessageType, done: set[str]) -> None:
        if kind.name in done:
            return
        done.add(kind.name)
        made = file.message_type.add(name=kind.name)
        for field in kind.fields:
            added = made.field.add(name=field.name, number=field.number, type=TYPES[field.kind])
            added.label = REPEATED if field.repeated else ONE
            if field.repeated and wire_type_of(field.kind) != LENGTH:
                added.options.packed = field.packed
            if field.optional:
                added.proto3_optional = True
                added.oneof_index = len(made.oneof_decl)
                made.oneof_decl.add(name=f"_{field.name}")
            if field.kind == "enum":
                added.type_name = ".lab.Sign"
            if field.of is not None:
                added.type_name = f".lab.{field.of.name}"
                self._declare(file, field.of, done)

    def encode(self, message: dict[str, Any]) -> bytes:
        """The bytes that the real library writes."""
        return bytes(self._filled(self._class(), message).SerializeToString())

    def decode(self, data: bytes) -> dict[str, Any]:
        """The message that the real library reads; what is unknown it keeps to itself."""
        return _plain(self._class.FromString(data), self._kind)

    def handed_on(self, data: bytes) -> bytes:
        """What the real library writes of what it has read."""
        return bytes(self._class.FromString(data).SerializeToString())

    def _filled(self, made: Any, message: dict[str, Any]) -> Any:
        for name, value in message.items():
            if name == UNKNOWN:
                made.MergeFromString(value)
            elif isinstance(value, dict):
                part = getattr(made, name)
                part.SetInParent()
                self._filled(part, value)
            elif isinstance(value, list):
                for each in value:
                    if isinstance(each, dict):
                        self._filled(getattr(made, name).add(), each)
                    else:
                        getattr(made, name).append(each)
            elif value is not None:
                setattr(made, name, value)
        return made


def _plain(made: Any, kind: MessageType) -> dict[str, Any]:
    return {field.name: _value(made, field) for field in kind.fields}


def _value(made: Any, field: Field) -> Any:
    value = getattr(made, field.name)
    if field.repeated:
        of = field.of
        return [each if of is None else _plain(each, of) for each in value]
    if (field.optional or field.of is not None) and not made.HasField(field.name):
        return None
    return value if field.of is None else _plain(value, field.of)


def real_avro_encode(schema: Plain, value: Any) -> bytes:
    """The bytes that fastavro writes; in a union ``(name, value)`` chooses the branch."""
    file = io.BytesIO()
    fastavro.schemaless_writer(file, fastavro.parse_schema(schema), value)
    return file.getvalue()


def real_avro_decode(writer: Plain, data: bytes, reader: Plain | None = None) -> Any:
    """The value that fastavro reads; raises whatever it raises."""
    wanted = None if reader is None else fastavro.parse_schema(reader)
    file = io.BytesIO(data)
    value = fastavro.schemaless_reader(file, fastavro.parse_schema(writer), wanted)
    assert not file.read(), "it has read all of it"
    return value
