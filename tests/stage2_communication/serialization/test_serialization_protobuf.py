"""Graded suite of the lab ``serialization``, third part: messages, and what is unknown in them."""

from random import Random
from typing import Any

import pytest

from common.course.suites.grading import Sweep, graded
from common.values.errors import BadInput, RemoteProtocolError
from tests.stage2_communication.serialization import vectors
from tests.stage2_communication.serialization.lab import SerializationLab

LAB = "serialization"

UNKNOWN = "?"


def sample(lab: SerializationLab) -> Any:
    """The message type of the vectors."""
    return vectors.sample(lab.Field, lab.MessageType)


def read(lab: SerializationLab, kind: Any, data: str) -> dict[str, Any]:
    """The message of some bytes in hexadecimal."""
    return dict(lab.protobuf.decode(kind, bytes.fromhex(data)))


def pick(lab: SerializationLab, *numbers: int) -> Any:
    """The message type of the vectors, with some of its fields only: an older program's."""
    kind = sample(lab)
    fields = tuple(field for field in kind.fields if field.number in numbers)
    return lab.MessageType("Older", fields)


@graded(points=3, title="Written as Google writes", requirement="Encoding; protobuf 7.36's bytes")
def test_messages_have_the_bytes_of_the_real_library(lab: SerializationLab) -> None:
    kind = sample(lab)
    for name, message, data in vectors.PROTOBUF:
        assert lab.protobuf.encode(kind, message).hex(" ") == data, name


@graded(points=2, title="Read back", requirement="what did not come has its default")
def test_messages_are_read_back_with_the_defaults_of_what_was_not_set(
    lab: SerializationLab,
) -> None:
    kind = sample(lab)
    nothing = lab.protobuf.decode(kind, b"")
    assert nothing["i32"] == 0
    assert nothing["flag"] is False
    assert (nothing["text"], nothing["data"], nothing["numbers"]) == ("", b"", [])
    assert (nothing["maybe"], nothing["inner"]) == (None, None), "these can be told from a default"
    for name, message, data in vectors.PROTOBUF:
        found = lab.protobuf.decode(kind, bytes.fromhex(data))
        again = lab.protobuf.encode(kind, found)
        assert again.hex(" ") == data, name
        for field, value in message.items():
            if not isinstance(value, (dict, list)):
                assert repr(found[field]) == repr(value), name
    inner = read(lab, kind, "8a 01 06 08 05 12 02 69 6e")["inner"]
    assert inner == {"number": -3, "text": "in"}


@graded(points=3, title="Unknown fields", requirement="Encoding; protobuf#272, #3395")
def test_what_an_old_program_does_not_know_comes_through_it_unharmed(
    lab: SerializationLab, sweep: Sweep
) -> None:
    kind = sample(lab)
    for seed in sweep(20):
        random = Random(f"unknown/{seed}")
        message: dict[str, Any] = {}
        for _, part, _ in random.sample(vectors.PROTOBUF, 6):
            message.update(part)
        sent = lab.protobuf.encode(kind, message)
        numbers = random.sample([field.number for field in kind.fields], 8)
        between = lab.protobuf.decode(pick(lab, *numbers), sent)
        handed_on = lab.protobuf.encode(pick(lab, *numbers), between)
        expected = lab.protobuf.decode(kind, sent)
        assert repr(lab.protobuf.decode(kind, handed_on)) == repr(expected), "something was lost"


@graded(points=2, title="Where they stand", requirement="known fields by number, then the unknown")
def test_unknown_fields_stay_as_they_came_and_in_their_order(lab: SerializationLab) -> None:
    kind = pick(lab, 1, 15)
    came = "5a 01 61 08 01 5a 01 62 58 03 7a 01 7a"
    message = read(lab, kind, came)
    assert message[UNKNOWN].hex(" ") == "5a 01 61 5a 01 62 58 03"
    message["i32"] = 5
    assert lab.protobuf.encode(kind, message).hex(" ") == "08 05 7a 01 7a 5a 01 61 5a 01 62 58 03"
    assert UNKNOWN not in read(lab, kind, "08 01"), "nothing is unknown"
    other = read(lab, kind, "0d 01 00 00 00")
    assert other["i32"] == 0
    assert other[UNKNOWN].hex(" ") == "0d 01 00 00 00", "a wire type that does not fit is unknown"
    assert read(lab, kind, "0a 01 05")[UNKNOWN].hex(" ") == "0a 01 05", "packed, and not repeated"


@graded(points=2, title="The last one counts", requirement="Encoding: last one wins, and merging")
def test_of_a_field_that_comes_twice_the_last_counts_and_messages_merge(
    lab: SerializationLab,
) -> None:
    kind = sample(lab)
    assert read(lab, kind, "08 01 08 02")["i32"] == 2
    assert read(lab, kind, "7a 01 61 7a 01 62")["text"] == "b"
    assert read(lab, kind, "a8 01 07 a8 01 00")["maybe"] == 0
    merged = read(lab, kind, "8a 01 05 08 05 12 01 61 8a 01 02 08 06 8a 01 02 28 01")["inner"]
    assert (merged["number"], merged["text"]) == (3, "a"), "field by field"
    assert merged[UNKNOWN].hex() == "2801"
    first = read(lab, kind, "8a 01 02 28 01 8a 01 02 08 06")["inner"]
    assert (first["number"], first[UNKNOWN].hex()) == (3, "2801"), "what was unknown first is kept"
    outer = lab.MessageType("Outer", (lab.Field(1, "it", "message", of=kind),))
    parts = (
        bytes.fromhex("92 01 01 02  8a 01 06 08 05 12 02 69 6e  a8 01 07"),
        bytes.fromhex("92 01 01 04  8a 01 02 08 06  a8 01 00"),
    )
    both = b"".join(b"\x0a" + bytes([len(part)]) + part for part in parts)
    found = lab.protobuf.decode(outer, both)["it"]
    assert found["numbers"] == [1, 2], "repeated fields grow"
    assert found["inner"] == {"number": 3, "text": "in"}, "and messages within messages are merged"
    assert found["maybe"] == 0, "a default that was set counts"


@graded(points=2, title="Packed and not", requirement="Encoding: packed repeated fields")
def test_repeated_numbers_are_read_packed_and_not_whatever_would_be_written(
    lab: SerializationLab,
) -> None:
    kind = sample(lab)
    assert read(lab, kind, "90 01 02 92 01 02 01 04 90 01 06")["numbers"] == [1, -1, 2, 3]
    assert read(lab, kind, "9a 01 03 01 96 01 98 01 00")["old"] == [1, 150, 0]
    assert read(lab, kind, "ba 01 10" + "00" * 6 + "f03f" + "00" * 8)["doubles"] == [1.0, 0.0]
    assert read(lab, kind, "a2 01 00 a2 01 01 61")["texts"] == ["", "a"]
    empty = read(lab, kind, "9a 01 00 ba 01 00")
    assert (empty["old"], empty["doubles"]) == ([], []), "packed, and no number at all"
    assert UNKNOWN not in empty
    for cut in ("9a 01 01 80", "ba 01 03 00 00 00"):
        with pytest.raises(RemoteProtocolError):
            read(lab, kind, cut)


@graded(points=2, title="Too great", requirement="Encoding: the lower bits count")
def test_a_number_too_great_for_its_kind_loses_its_upper_bits(lab: SerializationLab) -> None:
    cases = (
        ("int32", 2**35 + 5, 5),
        ("int32", 2**31, -(2**31)),
        ("int32", 2**31 - 1, 2**31 - 1),
        ("int32", 2**64 - 1, -1),
        ("enum", 2**32 - 2, -2),
        ("int64", 2**63, -(2**63)),
        ("int64", 2**63 - 1, 2**63 - 1),
        ("uint32", 2**32 + 7, 7),
        ("uint32", 2**32 - 1, 2**32 - 1),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("sint32", 2**32 + 3, -2),
        ("sint64", 2**64 - 1, -(2**63)),
    )
    for kind, number, expected in cases:
        assert lab.number_of(kind, number) == expected, (kind, number)
    for number in (1, 2, 2**33, 2**63):
        assert lab.number_of("bool", number) is True
    assert lab.number_of("bool", 0) is False


@graded(points=2, title="Bad input", requirement="one sentence each")
def test_what_is_no_message_is_refused_in_a_sentence(lab: SerializationLab) -> None:
    kind = sample(lab)
    assert read(lab, kind, "7a 01 7a")["text"] == "z"
    for data in (
        "7a 01 ff",
        "7a 05 61",
        "08 ff ff ff ff ff ff ff ff ff ff 01",
        "8a 01 02 08",
        "08",
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            read(lab, kind, data)
        assert "\n" not in str(caught.value)
    bad: tuple[dict[str, Any], ...] = (
        {"i32": 2**31}, {"u32": -1}, {"s32": "1"}, {"text": b"x"},
        {"data": "x"}, {"x": 1e300}, {"f32": 2**32}, {"nobody": 1}, {"old": [2**40]},
        {"inner": {"number": 2**40}}, {"inner": 5},
    )  # fmt: skip
    for message in bad:
        with pytest.raises(BadInput) as refused:
            lab.protobuf.encode(kind, message)
        assert "\n" not in str(refused.value)


@graded(points=2, title="Nesting", requirement="at most 100 messages in one another")
def test_messages_nested_too_deeply_are_refused_before_the_stack_is(lab: SerializationLab) -> None:
    leaf = lab.MessageType("Leaf", (lab.Field(2, "number", "int32"),))
    inner = lab.Field(1, "inner", "message", of=leaf)
    kind = lab.MessageType(
        "Middle", (inner, lab.Field(3, "all", "message", repeated=True, of=leaf))
    )
    for message, data in (
        ({"inner": {"number": 1}, "all": []}, b"\x0a\x02\x10\x01"),
        ({"inner": None, "all": [{"number": 1}]}, b"\x1a\x02\x10\x01"),
    ):
        assert lab.protobuf.encode(kind, message, 99) == data, "the innermost is the hundredth"
        assert lab.protobuf.decode(kind, data, 99) == message
        with pytest.raises(BadInput, match="nested"):
            lab.protobuf.encode(kind, message, 100)
        with pytest.raises(RemoteProtocolError, match="nested"):
            lab.protobuf.decode(kind, data, 100)
    twice = b"\x0a\x02\x10\x01\x0a\x02\x10\x02"
    assert lab.protobuf.decode(kind, twice, 99)["inner"] == {"number": 2}
