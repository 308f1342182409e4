"""Frames and header blocks of HTTP/2 (RFC 9113, RFC 7541), as far as gRPC needs them. Pure.

::

    3 bytes   length of the payload
    1 byte    type
    1 byte    flags
    4 bytes   stream, 0 for the connection
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from urllib.parse import quote

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE = range(6)
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(6, 10)
"""Types of frames (RFC 9113, section 6)."""

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20
"""Flags."""

MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 3, 4, 5
"""Settings (section 6.5.2)."""

PROTOCOL_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, COMPRESSION_ERROR = 0x1, 0x3, 0x6, 0x9
ENHANCE_YOUR_CALM = 0xB
"""Error codes (section 7)."""

HEAD_BYTES = 9
FRAME_BYTES = 16_384
"""The largest payload that a peer may send unless told otherwise."""
FIRST_WINDOW = 65_535
"""What may be sent before any window is opened wider."""
LARGEST_WINDOW = 2**31 - 1

MOST_BLOCKS_KNOWN = 1000
MOST_HEADER_BYTES = 16 * 1024

_HEAD = Struct(">BHBBI")
_SETTING = Struct(">HI")
_NUMBER = Struct(">I")
_ERROR = Struct(">II")


@dataclass(frozen=True, slots=True)
class Headers:
    """What is in a header block, in order, and which method it names."""

    fields: tuple[tuple[str, str], ...]
    path: str


class ConnectionBroken(Exception):
    """The peer broke the protocol; the connection is closed with a code and a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def head_of(data: bytes | bytearray, at: int) -> tuple[int, int, int, int]:
    """Length, type, flags and stream of the frame at a place; nine bytes are there."""
    high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
    return (high << 16) + low, kind, flags, stream & 0x7FFF_FFFF


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A whole frame."""
    size = len(payload)
    return _HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def settings(**values: int) -> bytes:
    """A frame of settings, by their names above in lower case."""
    numbers = {
        "max_concurrent_streams": MAX_CONCURRENT_STREAMS,
        "initial_window_size": INITIAL_WINDOW_SIZE,
    }
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(numbers[n], v) for n, v in values.items()))


def settings_in(payload: bytes) -> Iterator[tuple[int, int]]:
    """The settings in a payload.

    Raises:
        ConnectionBroken: it is none.
    """
    if len(payload) % _SETTING.size:
        raise ConnectionBroken(FRAME_SIZE_ERROR, "settings have six bytes each")
    yield from _SETTING.iter_unpack(payload)


def window_update(stream: int, more: int) -> bytes:
    """Allow the peer to send so many bytes more."""
    return frame(WINDOW_UPDATE, 0, stream, _NUMBER.pack(more))


def number_in(payload: bytes) -> int:
    """The number in a payload of four bytes.

    Raises:
        ConnectionBroken: it has another size.
    """
    if len(payload) != _NUMBER.size:
        raise ConnectionBroken(FRAME_SIZE_ERROR, "this frame has four bytes")
    return int(_NUMBER.unpack(payload)[0]) & 0x7FFF_FFFF


def goaway(last_stream: int, code: int) -> bytes:
    """The last frame on a connection."""
    return frame(GOAWAY, 0, 0, _ERROR.pack(last_stream, code))


def without_padding(flags: int, payload: bytes) -> bytes:
    """What is in a frame of data or headers, without padding and priority.

    Raises:
        ConnectionBroken: there is more padding than payload.
    """
    start, end = 0, len(payload)
    if flags & PADDED:
        if not payload or payload[0] >= end:
            raise ConnectionBroken(PROTOCOL_ERROR, "there is more padding than payload")
        start, end = 1, end - payload[0]
    if flags & HAS_PRIORITY:
        start += 5
    return payload[start:end]


# Header blocks. Ours need no table, so they are constants.


def _text(value: bytes) -> bytes:
    """A string, not Huffman-coded (RFC 7541, section 5.2)."""
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, size = len(value) - 127, b"\x7f"
    while rest >= 128:
        size += bytes([rest % 128 + 128])
        rest //= 128
    return size + bytes([rest]) + value


RESPONSE = b"\x88" + b"\x0f\x10" + _text(b"application/grpc")
""":status 200 (number 8 of the static table), content-type (31) with its value."""


def trailers(code: int, text: str = "") -> bytes:
    """The end of every answer: ``grpc-status``, and ``grpc-message`` where there is a text."""
    block = b"\x00" + _text(b"grpc-status") + _text(b"%d" % code)
    if text:
        block += b"\x00" + _text(b"grpc-message") + _text(quote(text, safe=" :,;()'").encode())
    return block


class HeaderReader:
    """Reads a peer's header blocks.

    A client's requests differ little. Once its table has settled, equal blocks mean equal headers,
    and most requests are one look into a dictionary.
    """

    def __init__(self) -> None:
        self._decoder = hpack.Decoder(max_header_list_size=MOST_HEADER_BYTES)
        self._known: dict[bytes, Headers] = {}

    def read(self, block: bytes) -> Headers:
        """The headers in a block.

        Raises:
            ConnectionBroken: it cannot be read; then no later one can.
        """
        found = self._known.get(block)
        if found is not None:
            return found
        table = self._decoder.header_table
        before = tuple(table.dynamic_entries), table.maxsize
        try:
            decoded = self._decoder.decode(block)
            fields = tuple((str(name), str(value)) for name, value in decoded)
        except (hpack.HPACKError, UnicodeDecodeError) as error:
            raise ConnectionBroken(COMPRESSION_ERROR, f"a header block: {error}") from None
        headers = Headers(fields, dict(fields).get(":path", ""))
        if before != (tuple(table.dynamic_entries), table.maxsize):
            self._known.clear()
        elif len(self._known) < MOST_BLOCKS_KNOWN:
            self._known[block] = headers
        return headers
