"""The copy in which Redis sends everything: written, read, and refused where it is wrong."""

import random

import pytest

from stage3_partitioning.replication.front.rdb import BadRdb, crc64, read_rdb, unpack, write_rdb

DATA = {b"k": b"v", b"": b"", bytes(range(256)): b"x" * 70, b"long": b"y" * 20_000}
EMPTY = b"REDIS0010\xff"


def closed(body: bytes) -> bytes:
    """A file with its checksum."""
    return body + crc64(body).to_bytes(8, "little")


def test_what_is_written_is_read_again() -> None:
    assert read_rdb(write_rdb(DATA)) == DATA
    assert read_rdb(write_rdb({})) == {}
    assert write_rdb({}) == closed(EMPTY)


def test_the_checksum_is_that_of_redis() -> None:
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA, "the value in Redis' own crc64.c"
    assert read_rdb(EMPTY + bytes(8)) == {}, "Redis writes zeros where it is turned off"


@pytest.mark.parametrize("size", [1, 63, 64, 16_383, 16_384, 70_000])
def test_lengths_have_three_forms(size: int) -> None:
    data = {b"k": random.Random(size).randbytes(size)}
    assert read_rdb(write_rdb(data)) == data


def test_a_file_that_is_cut_anywhere_is_refused() -> None:
    file = write_rdb({b"key": b"value", b"other": b"x" * 70})
    for end in range(len(file)):
        with pytest.raises(BadRdb):
            read_rdb(file[:end])


def test_a_file_in_which_any_byte_is_wrong_is_refused() -> None:
    file = write_rdb({b"key": b"value"})
    for place in range(len(file)):
        wrong = bytearray(file)
        wrong[place] ^= 0x41
        with pytest.raises(BadRdb):
            read_rdb(bytes(wrong))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"REDIS0099\xff", "version 99 is too new"),
        (b"RIDES0010\xff", "no RDB"),
        (b"REDIS0010\x04\x01h\x01\x01f\x01v\xff", "key b'h' is a hash"),
        (b"REDIS0010\x63\x01h\xff", "type 99"),
        (b"REDIS0010\xfe\x03\xff", "database 3"),
        (b"REDIS0010\x00\x01k\xc7\xff", "encoding 7"),
        (b"REDIS0010\x00\x01k\x90\xff", "is no length"),
        (b"REDIS0010\xfe\xc0\xff", "an encoded text where a length is due"),
        (b"REDIS0010\x00\x01k\x80\xff\xff\xff\xff\xff", "is cut"),
        (b"REDIS0010\xffmore", "goes on behind its end mark"),
        (b"REDIS0010\x00\x01k\xc3\x02\x03\x20\x05\xff", "refers to what is before its begin"),
        (b"REDIS0010\x00\x01k\xc3\x02\x09\x00a\xff", "1 bytes, where 9 were promised"),
    ],
)
def test_each_mistake_has_its_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(BadRdb, match=sentence):
        read_rdb(closed(body))


def test_numbers_and_packed_texts_and_marks_without_meaning_are_read() -> None:
    body = (
        b"REDIS0011\xfa\x03ver\x057.0.0\xf5\x01f\xfe\x00\xfb\x04\x01"
        b"\xfc\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01a\xc0\xff"
        b"\xfd\x01\x02\x03\x04\x00\x01b\xc1\x10\x27"
        b"\xf9\x05\x00\x01c\xc2\x00\x00\x01\x00"
        b"\xf8\x05\x00\x01d\xc3\x05\x0a\x00a\xe0\x00\x00\xff"
    )
    expected = {b"a": b"-1", b"b": b"10000", b"c": b"65536", b"d": b"a" * 10}
    assert read_rdb(closed(body)) == expected


def test_a_packed_text_is_unpacked_and_one_that_is_cut_refused() -> None:
    packed = b"\x02abc\x20\x02\x40\x05"
    assert unpack(packed, 10) == b"abc" + b"abc" + b"abca"
    for end in range(1, len(packed)):
        with pytest.raises(BadRdb):
            unpack(packed[:end], 10)
    with pytest.raises(BadRdb, match="longer than Redis allows"):
        unpack(b"", 2**40)
