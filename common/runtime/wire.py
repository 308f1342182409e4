"""The frame of one message: length, message number, then the message as the codec writes it.

::

    4 bytes   length of what follows, most significant byte first
    8 bytes   number of the message, unique in the run (joins send and arrival in traces)
    n bytes   the message, by the codec

Who sent it is not in the frame: the handshake has proved that once for the whole connection.
"""

from itertools import count
from struct import Struct

from common.values.errors import RemoteProtocolError

LIFE_BITS, COUNT_BITS = 11, 32
MAX_NODES = 2**10
MAX_LIVES = 2**LIFE_BITS
"""A number is (node, life, count) in 10 + 11 + 32 bits: below 2**53, and so exact in JSON."""

NUMBER_BYTES = 8
"""What a frame holds besides the message."""

_HEADER = Struct(">IQ")
_NUMBER = Struct(">Q")
_pack = _HEADER.pack
_unpack_number = _NUMBER.unpack_from
pack_number = _NUMBER.pack
"""A message's number, as it stands before the message."""


def numbers(index: int, life: int) -> "count[int]":
    """The message numbers of one life of one node, which no other node or life has.

    Args:
        index: of the node in its cluster, clients included, from 0.
        life: which life of the node this is, from 0. One that sent more than 2**32 messages would
            run into the numbers of the next.
    """
    assert 0 <= index < MAX_NODES, f"a cluster has at most {MAX_NODES} nodes and clients"
    assert 0 <= life < MAX_LIVES, f"a node has at most {MAX_LIVES} lives in one run"
    return count(((index << LIFE_BITS) | life) << COUNT_BITS)


def pack(number: int, body: bytes) -> bytes:
    """The frame, length prefix included, of the message that the codec wrote as ``body``."""
    return _pack(len(body) + NUMBER_BYTES, number) + body


def number_of(frame: bytes) -> int:
    """The number in a frame made by :func:`pack`."""
    number: int = _HEADER.unpack_from(frame)[1]
    return number


def unpack(payload: bytes) -> tuple[int, bytes]:
    """Number and body from the payload of a frame (without the length prefix).

    Raises:
        RemoteProtocolError: it is too short to hold a number.
    """
    if len(payload) < NUMBER_BYTES:
        raise RemoteProtocolError(f"a frame of {len(payload)} bytes is too short for a message")
    return _unpack_number(payload)[0], payload[NUMBER_BYTES:]
