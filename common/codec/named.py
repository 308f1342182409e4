"""Codecs by name: ``lab run LAB --codec protobuf``."""

from typing import Literal, TypeAlias, get_args

from common.codec.codec import Codec
from common.codec.frames import MAX_FRAME
from common.codec.json_codec import JsonCodec
from common.codec.messagepack import MessagePackCodec
from common.codec.quick import Memory
from common.contract.schema import Schema
from common.values.errors import MissingTool

CodecName: TypeAlias = Literal["messagepack", "json", "protobuf", "avro"]
NAMES: tuple[CodecName, ...] = get_args(CodecName)

JSON_GROWTH = 6
"""A byte of text below 32 takes so many in JSON, so a message that others can carry is larger."""


def codec_named(name: CodecName, schema: Schema, memory: Memory | None = None) -> Codec:
    """The codec of this name.

    Args:
        name: which.
        schema: the classes that may cross the wire.
        memory: of encoded parts; MessagePack alone keeps them.

    Raises:
        MissingTool: the library that it needs is not installed.
    """
    try:
        match name:
            case "messagepack":
                return MessagePackCodec(schema, memory=memory)
            case "json":
                return JsonCodec(schema, JSON_GROWTH * MAX_FRAME)
            case "protobuf":
                from common.codec.protobuf import ProtobufCodec

                return ProtobufCodec(schema)
            case "avro":
                from common.codec.avro import AvroCodec

                return AvroCodec(schema)
    except ImportError as error:
        raise MissingTool(
            f"--codec {name} needs {error.name}, which is not installed: "
            "pip install -e '.[codec]', or use messagepack or json"
        ) from None
