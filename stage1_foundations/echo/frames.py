"""Framing by hand: where one message ends and the next begins.

TCP carries a stream of bytes, not messages (RFC 9293, section 3.1): what one side writes in one
piece may be read in ten, and ten pieces in one. So every payload travels with its length in front::

    +--------+--------+--------+--------+----------------------+
    |  length of the payload, 4 bytes,  |  payload             |
    |  most significant byte first      |  (``length`` bytes)  |
    +--------+--------+--------+--------+----------------------+

A length is a claim by a stranger. It is checked before a single byte is set aside for it, or four
bytes from anybody could ask us for four gibibytes.
"""

from common.values.errors import BadInput, RemoteProtocolError

HEADER_BYTES = 4
"""Length of the length."""

MAX_PAYLOAD_BYTES = 64 * 1024
"""The longest payload that is sent or taken."""


def encode_frame(payload: bytes, *, max_payload: int = MAX_PAYLOAD_BYTES) -> bytes:
    """Put the length in front of a payload.

    Args:
        payload: any bytes, none at all included.
        max_payload: the longest payload that the other side will take, in bytes.

    Returns:
        The four bytes of the length, then the payload.

    Raises:
        BadInput: the payload is too long; nothing was sent.
    """
    if len(payload) > max_payload:
        raise BadInput(
            f"a payload of {len(payload)} bytes is too long: the other side takes at most "
            f"{max_payload}, so send it in parts"
        )
    return len(payload).to_bytes(HEADER_BYTES, "big") + payload


class FrameDecoder:
    """Cuts a stream of bytes into payloads, however the network cut it into reads.

    It holds the bytes of at most one unfinished frame, plus those of one read.

    Args:
        max_payload: the longest payload that is taken, in bytes.
    """

    def __init__(self, *, max_payload: int = MAX_PAYLOAD_BYTES) -> None:
        self.max_payload = max_payload
        self.buffer = bytearray()
        """What has arrived of the frames that are not complete; it begins with a header."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take the bytes of one read.

        Args:
            data: what was read, in the order of the stream; one byte or many frames.

        Returns:
            The payloads that are complete now, in the order of the stream; often none.

        Raises:
            RemoteProtocolError: a length is above ``max_payload``. From here on nobody can tell
                where a frame begins, so the connection is of no more use.
        """
        self.buffer += data
        payloads = []
        start = 0
        while len(self.buffer) - start >= HEADER_BYTES:
            header_end = start + HEADER_BYTES
            length = int.from_bytes(self.buffer[start:header_end], "big")
            if length > self.max_payload:
                raise RemoteProtocolError(
                    f"the other side announced a payload of {length} bytes, and at most "
                    f"{self.max_payload} are taken"
                )
            if len(self.buffer) - header_end < length:
                break
            start = header_end + length
            payloads.append(bytes(self.buffer[header_end:start]))
        del self.buffer[:start]
        return payloads

    def end(self) -> None:
        """Take the end of the stream.

        Raises:
            RemoteProtocolError: the stream ended inside a frame; that frame has no effect.
        """
        if self.buffer:
            raise RemoteProtocolError(
                f"the other side stopped in the middle of a frame, after {len(self.buffer)} bytes "
                "of it"
            )
