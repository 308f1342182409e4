"""Redis' RDB: a copy of everything, as a leader sends it to a follower.

What is written is the simplest: version 10, one database, strings as they are. What is read is what
Redis 5 to 7 write for strings: lengths in four forms, numbers as numbers, and LZF. Another type, a
cut file or one whose checksum is wrong is refused with one sentence; nothing of it is used.

The format has no specification but its source: ``rdb.c`` and ``rdb.h`` of Redis.
"""

from collections.abc import Mapping
from functools import cache

MAGIC = b"REDIS"
VERSION = 10
"""What Redis 7.0 writes; it refuses a later one."""

NEWEST = 12
"""Redis 7.4 writes that; strings are the same in it."""

STRING = 0
TYPES = {1: "list", 2: "set", 3: "sorted set", 4: "hash", 5: "sorted set", 15: "stream"}
EOF_MARK, SELECT, RESIZE, AUX = 0xFF, 0xFE, 0xFB, 0xFA
EXPIRES_SECONDS, EXPIRES, FREQUENCY, IDLE, FUNCTION = 0xFD, 0xFC, 0xF9, 0xF8, 0xF5
SKIPPED = {EXPIRES_SECONDS: 4, EXPIRES: 8, FREQUENCY: 1}
"""Bytes behind marks that say nothing to a follower: its leader deletes what has expired."""

NUMBERS = {0: 1, 1: 2, 2: 4}
"""By encoding, how many bytes a number has."""

LZF = 3
MOST_BYTES = 512 * 1024 * 1024
"""A longer text is no text of Redis."""

CHECKSUM_BYTES = 8


class BadRdb(Exception):
    """It cannot be read, or has what this lab does not have; the text is a sentence for people."""


def write_rdb(data: Mapping[bytes, bytes]) -> bytes:
    """The file with these keys and values."""
    parts = [MAGIC, b"%04d" % VERSION]
    if data:
        parts += [bytes((SELECT, 0, RESIZE)), _length(len(data)), _length(0)]
    for key, value in data.items():
        parts += [bytes((STRING,)), _length(len(key)), key, _length(len(value)), value]
    parts.append(bytes((EOF_MARK,)))
    body = b"".join(parts)
    return body + crc64(body).to_bytes(CHECKSUM_BYTES, "little")


def read_rdb(file: bytes) -> dict[bytes, bytes]:
    """The keys and values of a file.

    Raises:
        BadRdb: it is cut, or wrong, or has something else than strings in database 0.
    """
    if file[: len(MAGIC)] != MAGIC or not file[5:9].isdigit():
        raise BadRdb("this is no RDB: it does not begin with REDIS and a version")
    if int(file[5:9]) > NEWEST:
        raise BadRdb(f"RDB version {int(file[5:9])} is too new: at most {NEWEST} is known here")
    body, checksum = file[:-CHECKSUM_BYTES], file[-CHECKSUM_BYTES:]
    if any(checksum) and crc64(body) != int.from_bytes(checksum, "little"):
        raise BadRdb("the RDB's checksum is wrong: it was cut, or changed on its way")
    return _Reader(body, 9).keys()


class _Reader:
    """Reads one file from a place on."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def keys(self) -> dict[bytes, bytes]:
        """All keys and values up to the end mark."""
        found: dict[bytes, bytes] = {}
        while (mark := self.take(1)[0]) != EOF_MARK:
            if mark == SELECT:
                if database := self.length():
                    raise BadRdb(f"the RDB has keys in database {database}: only 0 is here")
            elif mark == RESIZE:
                self.length(), self.length()
            elif mark == AUX:
                self.text(), self.text()
            elif mark == IDLE:
                self.length()
            elif mark == FUNCTION:
                self.text()
            elif mark in SKIPPED:
                self.take(SKIPPED[mark])
            else:
                key = self.text()
                if mark != STRING:
                    kind = TYPES.get(mark, f"type {mark}")
                    raise BadRdb(f"key {key!r} is a {kind}: this lab keeps strings only")
                found[key] = self.text()
        if self.at != len(self.data):
            raise BadRdb(f"the RDB goes on behind its end mark, at byte {self.at}")
        return found

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if self.at + count > len(self.data):
            raise BadRdb(f"the RDB is cut: it ends at byte {len(self.data)} within a value")
        self.at += count
        return self.data[self.at - count : self.at]

    def length(self) -> int:
        """A plain length."""
        length, special = self._length_or_encoding()
        if special:
            raise BadRdb(f"the RDB has an encoded text where a length is due, at byte {self.at}")
        return length

    def _length_or_encoding(self) -> tuple[int, bool]:
        """A length; or the number of an encoding, and True."""
        first = self.take(1)[0]
        match first >> 6:
            case 0:
                return first & 0x3F, False
            case 1:
                return (first & 0x3F) << 8 | self.take(1)[0], False
            case 3:
                return first & 0x3F, True
        if first == 0x80:
            return int.from_bytes(self.take(4), "big"), False
        if first == 0x81:
            return int.from_bytes(self.take(8), "big"), False
        raise BadRdb(f"byte {self.at - 1} of the RDB is no length")

    def text(self) -> bytes:
        """A text, however it is encoded."""
        length, special = self._length_or_encoding()
        if not special:
            return self.take(length)
        if length in NUMBERS:
            return b"%d" % int.from_bytes(self.take(NUMBERS[length]), "little", signed=True)
        if length == LZF:
            packed, plain = self.length(), self.length()
            return unpack(self.take(packed), plain)
        raise BadRdb(f"encoding {length} of a text is not known, at byte {self.at}")


def unpack(packed: bytes, length: int) -> bytes:
    """What LZF has packed: runs of bytes as they are, and runs that were there before.

    Args:
        packed: what it has made.
        length: how long the result is.
    """
    if length > MOST_BYTES:
        raise BadRdb(f"a text of {length} bytes is longer than Redis allows")
    plain = bytearray()
    at = 0
    try:
        while at < len(packed):
            control = packed[at]
            at += 1
            if control < 32:
                plain += packed[at : at + control + 1]
                at += control + 1
                continue
            run = control >> 5
            if run == 7:
                run += packed[at]
                at += 1
            back = (control & 0x1F) << 8 | packed[at]
            at += 1
            begin = len(plain) - back - 1
            if begin < 0:
                raise BadRdb("a packed text refers to what is before its begin")
            for place in range(begin, begin + run + 2):
                plain.append(plain[place])
            if len(plain) > length:
                break
    except IndexError:
        raise BadRdb("a packed text is cut") from None
    if len(plain) != length:
        raise BadRdb(f"a packed text has {len(plain)} bytes, where {length} were promised")
    return bytes(plain)


def _length(length: int) -> bytes:
    if length < 64:
        return bytes((length,))
    if length < 16384:
        return bytes((0x40 | length >> 8, length & 0xFF))
    return b"\x80" + length.to_bytes(4, "big")


@cache
def _table() -> tuple[int, ...]:
    """Of each byte, what it does to the checksum: Jones' polynomial, its bits turned round."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x95AC9329AC4BC9B5 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


def crc64(data: bytes) -> int:
    """The checksum that Redis uses."""
    table, crc = _table(), 0
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc
