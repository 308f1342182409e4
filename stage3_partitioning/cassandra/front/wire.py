"""Frames of CQL's binary protocol, version 4, and the notations that their bodies are made of.

Cassandra's ``doc/native_protocol_v4.spec``, sections 2 and 3. A frame has a head of nine bytes:
version, flags, the stream (a client's number of the request), opcode, and the length of the body.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct

VERSION = 4
RESPONSE = 0x80
"""This bit of the version says that a frame is an answer."""

HEAD = Struct(">BBhBi")
MOST_BYTES = 1_000_000
"""No frame is longer. Nothing is allocated for one that says it is."""

ERROR, STARTUP, READY, OPTIONS, SUPPORTED = 0x00, 0x01, 0x02, 0x05, 0x06
QUERY, RESULT, PREPARE, EXECUTE, REGISTER, BATCH = 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0D

SERVER_ERROR, PROTOCOL_ERROR = 0x0000, 0x000A
WRITE_TIMEOUT, READ_TIMEOUT = 0x1100, 0x1200
SYNTAX_ERROR, INVALID, ALREADY_EXISTS, UNPREPARED = 0x2000, 0x2200, 0x2400, 0x2500


class CqlError(Exception):
    """What a client is told by an ERROR frame.

    Args:
        code: which kind of error.
        message: one sentence for people.
        more: what the protocol has behind the message for this kind.
    """

    def __init__(self, code: int, message: str, more: bytes = b"") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.more = more


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a frame that a client has sent."""

    version: int
    flags: int
    stream: int
    opcode: int
    length: int


def read_head(data: bytes) -> Head:
    """Nine bytes as a head.

    Raises:
        CqlError: it is of another version, or says that its body is too long. Nothing behind it can
            be understood then.
    """
    head = Head(*HEAD.unpack(data))
    if head.version != VERSION:
        raise CqlError(
            PROTOCOL_ERROR,
            f"Invalid or unsupported protocol version ({head.version & 0x7F}); the lowest "
            f"supported version is {VERSION} and the greatest is {VERSION}",
        )
    if not 0 <= head.length <= MOST_BYTES:
        raise CqlError(
            PROTOCOL_ERROR,
            f"a frame of {head.length} bytes is too long: {MOST_BYTES} are the most",
        )
    return head


def frame(stream: int, opcode: int, body: bytes) -> bytes:
    """An answer."""
    return HEAD.pack(VERSION | RESPONSE, 0, stream, opcode, len(body)) + body


def error_frame(stream: int, error: CqlError) -> bytes:
    """An error as an answer."""
    return frame(stream, ERROR, int32(error.code) + string(error.message) + error.more)


class Body:
    """Reads the body of a frame, piece by piece.

    Each method raises CqlError, where the body ends before.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        """So many bytes."""
        if length < 0 or self._at + length > len(self._data):
            raise CqlError(
                PROTOCOL_ERROR,
                f"the body of the frame ends at byte {len(self._data)}, and {length} bytes are "
                f"said to be at byte {self._at}",
            )
        self._at += length
        return self._data[self._at - length : self._at]

    def byte(self) -> int:
        """A byte."""
        return self.take(1)[0]

    def short(self) -> int:
        """Two bytes, without a sign."""
        return int.from_bytes(self.take(2))

    def int32(self) -> int:
        """Four bytes, with a sign."""
        return int.from_bytes(self.take(4), signed=True)

    def int64(self) -> int:
        """Eight bytes, with a sign."""
        return int.from_bytes(self.take(8), signed=True)

    def text(self, length: int) -> str:
        """So many bytes of UTF-8."""
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            raise CqlError(PROTOCOL_ERROR, "a text in the frame is not UTF-8") from None

    def string(self) -> str:
        """A short text."""
        return self.text(self.short())

    def long_string(self) -> str:
        """A long one."""
        return self.text(self.int32())

    def strings(self) -> list[str]:
        """Several short ones."""
        return [self.string() for _ in range(self.short())]

    def string_map(self) -> dict[str, str]:
        """Short texts by short texts."""
        return {self.string(): self.string() for _ in range(self.short())}

    def short_bytes(self) -> bytes:
        """A few bytes."""
        return self.take(self.short())

    def value(self) -> bytes | None:
        """A value; None for null."""
        length = self.int32()
        if length == -2:
            raise CqlError(INVALID, "unset values are not supported: bind null, or leave it out")
        return None if length < 0 else self.take(length)


# Writing.


def short(number: int) -> bytes:
    """Two bytes."""
    return number.to_bytes(2)


def int32(number: int) -> bytes:
    """Four bytes, with a sign."""
    return number.to_bytes(4, signed=True)


def string(text: str) -> bytes:
    """A short text; a longer one is cut."""
    data = text.encode("utf-8", "replace")[: 2**16 - 1]
    return short(len(data)) + data


def value(data: bytes | None) -> bytes:
    """A value; None for null."""
    return int32(-1) if data is None else int32(len(data)) + data


def string_multimap(lists: Mapping[str, Sequence[str]]) -> bytes:
    """Lists of texts by texts."""
    found = [
        string(name) + short(len(texts)) + b"".join(map(string, texts))
        for name, texts in lists.items()
    ]
    return short(len(found)) + b"".join(found)
