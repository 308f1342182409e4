"""Graded suite of the lab ``serialization``, second part: varints, zigzag, tags."""

from random import Random

import pytest

from common.course.suites.grading import Sweep, graded
from common.values.errors import BadInput, RemoteProtocolError
from tests.stage2_communication.serialization.lab import SerializationLab

LAB = "serialization"

VARINTS = {
    0: "00",
    1: "01",
    127: "7f",
    128: "80 01",
    150: "96 01",
    16_383: "ff 7f",
    16_384: "80 80 01",
    2**32 - 1: "ff ff ff ff 0f",
    2**63: "80 80 80 80 80 80 80 80 80 01",
    2**64 - 1: "ff ff ff ff ff ff ff ff ff 01",
}
ZIGZAGS = {0: 0, -1: 1, 1: 2, -2: 3, 2**31 - 1: 2**32 - 2, -(2**31): 2**32 - 1, -(2**63): 2**64 - 1}


@graded(points=2, title="Varints", requirement="Encoding: base 128 varints")
def test_varints_are_those_of_the_specification(lab: SerializationLab, sweep: Sweep) -> None:
    for number, shown in VARINTS.items():
        known = bytes.fromhex(shown)
        assert lab.encode_varint(number) == known, number
        assert lab.decode_varint(known, 0) == (number, len(known))
    for seed in sweep(20):
        random = Random(f"varint/{seed}")
        numbers = [random.randrange(2 ** random.randrange(1, 65)) for _ in range(10)]
        data = b"".join(map(lab.encode_varint, numbers))
        at, found = 0, []
        while at < len(data):
            number, at = lab.decode_varint(data, at)
            found.append(number)
        assert found == numbers, "one behind the other"


@graded(points=2, title="Varints that are none", requirement="ten bytes hold 64 bits")
def test_a_varint_that_is_cut_or_too_long_is_refused(lab: SerializationLab) -> None:
    with pytest.raises(RemoteProtocolError, match="more than 10 bytes"):
        lab.decode_varint(b"\xff" * 10 + b"\x01", 0)
    for cut in (b"", b"\x80", b"\x01\xff\xff"):
        with pytest.raises(RemoteProtocolError, match="ends within"):
            lab.decode_varint(cut, min(1, len(cut) - 1) if cut == b"\x01\xff\xff" else 0)
    assert lab.decode_varint(b"\x81\x80\x80\x00", 0) == (1, 4), "longer than it need be"
    assert lab.decode_varint(b"\xff" * 9 + b"\x7f", 0) == (2**64 - 1, 10), "64 bits count"
    for number in (-1, 2**64):
        with pytest.raises(BadInput):
            lab.encode_varint(number)


@graded(points=2, title="Zigzag", requirement="Encoding: signed integers")
def test_zigzag_makes_small_numbers_of_numbers_near_to_zero(
    lab: SerializationLab, sweep: Sweep
) -> None:
    for number, code in ZIGZAGS.items():
        assert lab.zigzag(number) == code
        assert lab.unzigzag(code) == number
    for seed in sweep(20):
        random = Random(f"zigzag/{seed}")
        number = random.randrange(-(2**63), 2**63) >> random.randrange(63)
        assert lab.unzigzag(lab.zigzag(number)) == number
        assert lab.zigzag(number) <= 2 * abs(number)


@graded(points=3, title="Fields", requirement="Encoding: message structure")
def test_the_fields_of_a_message_are_found_whatever_they_are(lab: SerializationLab) -> None:
    parts = ["08 96 01", "12 02 68 69", "1d 00 00 c0 3f", "21 01 02 03 04 05 06 07 08", "2a 00",
             "f8 ff ff ff 0f 00"]  # fmt: skip
    data = bytes.fromhex("".join(parts))
    found = list(lab.read_fields(data))
    assert [each.number for each in found] == [1, 2, 3, 4, 5, 2**29 - 1]
    assert [each.wire_type for each in found] == [0, 2, 5, 1, 2, 0]
    assert [each.payload.hex() for each in found] == [
        "9601", "6869", "0000c03f", "0102030405060708", "", "00",
    ]  # fmt: skip
    assert [each.whole.hex(" ") for each in found] == parts
    assert list(lab.read_fields(b"")) == []
    assert lab.encode_tag(2, 2) + lab.with_length(b"hi") == bytes.fromhex(parts[1])


@graded(points=2, title="A length is a claim", requirement="nothing is read that is not there")
def test_a_message_that_is_cut_anywhere_but_between_fields_is_refused(
    lab: SerializationLab,
) -> None:
    data = bytes.fromhex("089601 12026869 1d0000c03f 210102030405060708")
    ends = {0, 3, 7, 12, 21}
    for length in range(len(data) + 1):
        if length in ends:
            assert len(list(lab.read_fields(data[:length]))) == sorted(ends).index(length)
            continue
        with pytest.raises(RemoteProtocolError):
            list(lab.read_fields(data[:length]))
    with pytest.raises(RemoteProtocolError, match=f"said to have {2**60} bytes, and 1 are left"):
        list(lab.read_fields(b"\x12" + lab.encode_varint(2**60) + b"x"))


@graded(points=1, title="Tags that are none", requirement="numbers from 1, four wire types")
def test_a_tag_that_there_cannot_be_is_refused(lab: SerializationLab) -> None:
    for data in ("00 01", "0b 0c", "0e 00", "0f 00", "88 80 80 80 10 01"):
        with pytest.raises(RemoteProtocolError) as caught:
            list(lab.read_fields(bytes.fromhex(data)))
        assert "\n" not in str(caught.value)
    for number in (0, -1, 2**29):
        with pytest.raises(BadInput):
            lab.encode_tag(number, 0)
    assert lab.encode_tag(2**29 - 1, 0).hex() == "f8ffffff0f"
