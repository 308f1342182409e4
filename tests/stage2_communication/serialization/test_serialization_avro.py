"""Graded suite of the lab ``serialization``, fourth part: Avro's bytes."""

from typing import Any

import pytest

from common.course.suites.grading import graded
from common.values.errors import BadInput, RemoteProtocolError
from tests.stage2_communication.serialization import vectors
from tests.stage2_communication.serialization.lab import SerializationLab

LAB = "serialization"

FIXED = {"type": "fixed", "name": "F", "size": 2}
NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"]}],
}


def read(lab: SerializationLab, plain: Any, data: str) -> Any:
    """The value of some bytes in hexadecimal."""
    return lab.avro.decode(lab.Schema(plain), bytes.fromhex(data))


@graded(points=3, title="Written as Avro writes", requirement="Avro 1.12, binary encoding")
def test_values_have_the_bytes_of_the_real_library(lab: SerializationLab) -> None:
    for name, plain, value, data in vectors.AVRO:
        assert lab.avro.encode(lab.Schema(plain), value).hex(" ") == data, name


@graded(points=3, title="Read back", requirement="Avro 1.12, binary encoding")
def test_values_are_read_back_by_the_same_schema(lab: SerializationLab) -> None:
    for name, plain, value, data in vectors.AVRO:
        found = lab.avro.decode(lab.Schema(plain), bytes.fromhex(data))
        assert found == value, name
        assert type(found) is type(value), name


@graded(points=2, title="Blocks", requirement="Avro 1.12: arrays and maps")
def test_an_array_may_come_in_several_blocks_and_with_their_sizes(lab: SerializationLab) -> None:
    longs = {"type": "array", "items": "long"}
    assert read(lab, longs, "02 0a 04 0c 0e 00") == [5, 6, 7]
    assert read(lab, longs, "03 04 0a 0c 00") == [5, 6]
    assert read(lab, longs, "01 02 0a 02 0c 00") == [5, 6]
    ints = {"type": "map", "values": "int"}
    assert read(lab, ints, "02 02 61 02 01 06 02 62 04 00") == {"a": 1, "b": 2}
    nulls = {"type": "array", "items": "null"}
    assert read(lab, nulls, "06 00") == [None] * 3
    for too_many in ("ff ff ff ff 7f 00", "fe ff ff ff 7f 00 00"):
        with pytest.raises(RemoteProtocolError, match="1000000 are allowed"):
            lab.avro.decode(lab.Schema(nulls), bytes.fromhex(too_many))
    with pytest.raises(RemoteProtocolError, match="no length is negative"):
        read(lab, longs, "01 01 0a 00")


@graded(points=2, title="Which branch", requirement="the first one that the value fits")
def test_a_value_goes_to_the_first_branch_that_it_fits(lab: SerializationLab) -> None:
    enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
    pair = {
        "type": "record",
        "name": "P",
        "fields": [{"name": "a", "type": "int"}, {"name": "b", "type": "int"}],
    }
    plain = ["null", "boolean", enum, FIXED, pair, "int", "long", "double", "bytes", "string",
             {"type": "array", "items": "int"}, {"type": "map", "values": "int"}]  # fmt: skip
    cases = (
        (None, 0), (True, 1), ("B", 2), (b"hi", 3), ({"b": 1, "a": 2}, 4), (2**31 - 1, 5),
        (-(2**31), 5), (2**31, 6), (-(2**63), 6), (1.0, 7), (b"h", 8), ("C", 9), ([1], 10),
        ({"a": 1}, 11), ({"a": 1, "b": 2, "c": 3}, 11),
    )  # fmt: skip
    schema = lab.Schema(plain)
    for value, branch in cases:
        data = lab.avro.encode(schema, value)
        assert data[0] == 2 * branch, f"{value!r} is for branch {branch}"
        assert lab.avro.decode(schema, data) == value
    bad: tuple[Any, ...] = (2**63, {1}, (1,))
    for strange in bad:
        with pytest.raises(BadInput):
            lab.avro.encode(schema, strange)


@graded(points=2, title="Bad input", requirement="one sentence each")
def test_what_is_no_value_is_refused_in_a_sentence(lab: SerializationLab) -> None:
    enum = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
    cases: tuple[tuple[Any, str], ...] = (
        ("string", "05 61"), ("string", "04 61"), ("bytes", "01"), ("string", "02 ff"),
        ("boolean", "02"), ("boolean", ""), ("int", "80 80 80 80 10"), ("long", "ff" * 10 + "01"),
        ("double", "00 00"), (enum, "04"), (enum, "01"), (["null"], "02"), ("int", "02 02"),
        ({"type": "array", "items": "int"}, "04 02"), (FIXED, "61"),
    )  # fmt: skip
    assert read(lab, enum, "02") == "B"
    for plain, data in cases:
        with pytest.raises(RemoteProtocolError) as caught:
            read(lab, plain, data)
        assert "\n" not in str(caught.value)
    bad: tuple[tuple[Any, Any], ...] = (
        ("int", 2**31), ("int", True), ("long", 1.0), ("double", 1), ("string", b""), ("null", 0),
        ("float", 1e300), (enum, "C"), (enum, 0),
        (FIXED, b"x"), ({"type": "map", "values": "int"}, {1: 1}), ([], None),
        ({"type": "array", "items": "int"}, 5),
    )  # fmt: skip
    for plain, value in bad:
        with pytest.raises(BadInput) as refused:
            lab.avro.encode(lab.Schema(plain), value)
        assert "\n" not in str(refused.value)


@graded(points=2, title="Nesting", requirement="lists of records, at most 100 levels")
def test_a_list_of_records_goes_so_deep_and_no_deeper(lab: SerializationLab) -> None:
    schema = lab.Schema(NODE)
    value: Any = {"next": {"next": None}}
    data = b"\x02\x02\x00"[1:]
    assert lab.avro.encode(schema, value) == data
    assert lab.avro.decode(schema, data) == value
    for plain, some, known in (
        (schema.plain, value, data),
        ({"type": "array", "items": {"type": "array", "items": "int"}}, [[1]], b"\2\2\2\0\0"),
        ({"type": "map", "values": {"type": "map", "values": "int"}}, {"a": {"b": 1}},
         b"\2\2a\2\2b\2\0\0"),
    ):  # fmt: skip
        levels = 5 if some is value else 3
        assert lab.avro.write(schema, plain, some, 100 - levels + 1) == known
        assert lab.avro.read(schema, plain, lab.Source(known), 100 - levels + 1) == some
        with pytest.raises(BadInput, match="nested"):
            lab.avro.write(schema, plain, some, 100 - levels + 2)
        with pytest.raises(RemoteProtocolError, match="nested"):
            lab.avro.read(schema, plain, lab.Source(known), 100 - levels + 2)
    with pytest.raises(RemoteProtocolError, match="nested"):
        lab.avro.decode(schema, b"\x02" * 100_000 + b"\x00")
