"""Frames: how messages are told apart in a stream of bytes.

TCP carries bytes, not messages: one write may arrive in ten reads, ten writes in one. So each
message travels as a *frame*: its length in four bytes, most significant first, then its bytes. The
reader here does no I/O; it is fed what arrives and hands out the frames that are complete.
"""

from struct import Struct

from common.values.errors import RemoteProtocolError

MAX_FRAME = 4 * 1024 * 1024
"""The default bound on the payload of one frame, in bytes. A length is a promise of a stranger."""

_LENGTH = Struct(">I")
_HEADER = _LENGTH.size
_pack_length = _LENGTH.pack
_unpack_length = _LENGTH.unpack_from


def frame(payload: bytes) -> bytes:
    """The frame that carries ``payload``: its length in four bytes, then the payload itself."""
    return _pack_length(len(payload)) + payload


class FrameReader:
    """Cuts a stream of bytes back into the payloads of its frames.

    Args:
        max_frame: the largest payload to accept, in bytes.
    """

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self.max_frame = max_frame
        self._pending = bytearray()
        self._wanted = _HEADER

    def feed(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """Take what arrived, in whatever pieces, and return the payloads completed by it, in order.

        Raises:
            RemoteProtocolError: a frame announces more than ``max_frame`` bytes. It is raised
                before room is made for them; the reader is of no use afterwards.
        """
        pending = self._pending
        if not pending and len(data) >= _HEADER:  # the usual case: one read brings one whole frame
            (length,) = _unpack_length(data)
            if length == len(data) - _HEADER and length <= self.max_frame:
                payload = data[_HEADER:]
                return [payload if payload.__class__ is bytes else bytes(payload)]
        if pending:
            pending += data
            if len(pending) < self._wanted:  # a large frame in small pieces stays linear
                return []
            data = bytes(pending)
            pending.clear()
        payloads: list[bytes] = []
        append = payloads.append
        start, size = 0, len(data)
        self._wanted = _HEADER
        while size - start >= _HEADER:
            (length,) = _unpack_length(data, start)
            if length > self.max_frame:
                raise RemoteProtocolError(
                    f"a frame announces {length} bytes, more than the {self.max_frame} allowed: "
                    "the other side speaks another protocol, or a message is too large"
                )
            end = start + _HEADER + length
            if end > size:
                self._wanted = _HEADER + length
                break
            append(bytes(data[start + _HEADER : end]))
            start = end
        if start < size:
            pending += data[start:]
        return payloads

    def at_end(self) -> None:
        """Check that the stream ended between two frames.

        Raises:
            RemoteProtocolError: it ended within one.
        """
        if self._pending:
            raise RemoteProtocolError(
                f"the stream ended within a frame, after {len(self._pending)} bytes of it: "
                "the other side died or cut the connection"
            )
