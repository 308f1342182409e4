"""The lab ``serialization``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage2_communication.serialization import avro as avro_file
    from stage2_communication.serialization import careful_json as json_file
    from stage2_communication.serialization import protobuf as protobuf_file
    from stage2_communication.serialization import resolution as resolution_file
    from stage2_communication.serialization import wire as wire_file


class SerializationLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage2_communication.serialization import avro, careful_json, protobuf
        from stage2_communication.serialization.avro import Source
        from stage2_communication.serialization.avro_schema import Schema
        from stage2_communication.serialization.protobuf import Field, MessageType
        from stage2_communication.serialization.resolution import Mismatch, Resolution

        decode_varint = staticmethod(wire_file.decode_varint)
        default_value = staticmethod(resolution_file.default_value)
        encode_tag = staticmethod(wire_file.encode_tag)
        encode_varint = staticmethod(wire_file.encode_varint)
        fits = staticmethod(avro_file.fits)
        number_of = staticmethod(protobuf_file.number_of)
        plain_of = staticmethod(json_file.plain_of)
        read_fields = staticmethod(wire_file.read_fields)
        resolve = staticmethod(resolution_file.resolve)
        unzigzag = staticmethod(wire_file.unzigzag)
        value_of = staticmethod(json_file.value_of)
        with_length = staticmethod(wire_file.with_length)
        zigzag = staticmethod(wire_file.zigzag)
