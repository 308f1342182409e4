"""Bytes to commands, and replies to bytes: OP_MSG, and OP_QUERY for the first word of old clients.

    length  request id  response to  operation        16 bytes, little-endian
    OP_MSG:    flags, sections, maybe a checksum
    section 0: one document, the command itself
    section 1: a length, a name, documents: a long field of the command, such as "documents"

MongoDB's "Wire Protocol" page. A length is a claim by a stranger: nothing is read or kept for one
that is beyond the bound. Where the frame itself is wrong nothing that follows can be understood, so
the connection ends. Where only the inside is wrong, the client is told, and may go on.
"""

import struct
from typing import Any, NamedTuple

import bson
import crc32c

from stage3_partitioning.shards.front.problems import Problem

HEADER = struct.Struct("<iiii")
MOST_BYTES = 48_000_000
"""The longest message, as in MongoDB."""

DEEPEST = 200
"""A document nests at most so deep, as in MongoDB."""

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
CHECKSUM_PRESENT, MORE_TO_COME, EXHAUST_ALLOWED = 1, 2, 1 << 16
MUST_UNDERSTAND = 0xFFFF
"""The lower half of the flags: who does not know one of them must not go on."""

Document = dict[str, Any]


class Garbled(Exception):
    """What arrived is no message. The connection is of no use any more."""


class Header(NamedTuple):
    """The first 16 bytes of a message."""

    length: int
    request: int
    response_to: int
    operation: int


class Command(NamedTuple):
    """What a client wants.

    Attributes:
        body: the whole command; its first field names it.
        request: names it in the reply.
        legacy: whether the reply is an OP_REPLY.
        quiet: whether the client wants no reply.
    """

    body: Document
    request: int
    legacy: bool
    quiet: bool

    @property
    def name(self) -> str:
        """What the command is called."""
        return next(iter(self.body), "")


def read_header(data: bytes) -> Header:
    """The header of a message.

    Raises:
        Garbled: its length or its operation is none.
    """
    header = Header(*HEADER.unpack(data))
    if not HEADER.size < header.length <= MOST_BYTES:
        raise Garbled(
            f"a message that says it has {header.length} bytes: it has more than {HEADER.size} "
            f"and at most {MOST_BYTES}"
        )
    if header.operation not in (OP_MSG, OP_QUERY):
        raise Garbled(f"operation {header.operation} is not known here: send OP_MSG ({OP_MSG})")
    return header


def read_command(header: Header, payload: bytes, whole: bytes) -> Command:
    """The command in a message.

    Args:
        header: of the message.
        payload: what follows the header.
        whole: both, as they arrived.

    Raises:
        Garbled: flags, checksum or sections do not fit the length.
        Problem: a document in it is none.
    """
    try:
        if header.operation == OP_QUERY:
            return _read_query(header, payload)
        return _read_message(header, payload, whole)
    except (struct.error, IndexError, ValueError) as error:
        raise Garbled(f"a message of {header.length} bytes ends too soon: {error}") from None


def _read_message(header: Header, payload: bytes, whole: bytes) -> Command:
    (flags,) = struct.unpack_from("<I", payload)
    unknown = flags & MUST_UNDERSTAND & ~(CHECKSUM_PRESENT | MORE_TO_COME)
    if unknown:
        raise Garbled(f"flags {unknown:#x} of OP_MSG are not known here")
    end = len(payload)
    if flags & CHECKSUM_PRESENT:
        end -= 4
        (told,) = struct.unpack_from("<I", payload, max(end, 4))
        if told != crc32c.crc32c(whole[:-4]):
            raise Garbled("the checksum of a message is not that of its bytes")
    body: Document | None = None
    more: Document = {}
    at = 4
    while at < end:
        kind, at = payload[at], at + 1
        (size,) = struct.unpack_from("<i", payload, at)
        if size < 5 or at + size > end:
            raise Garbled(f"a section of {size} bytes where {end - at} are left")
        part = payload[at : at + size]
        at += size
        if kind == 0 and body is None:
            body = decode(part)
        elif kind == 1:
            name, documents = _read_sequence(part)
            more[name] = documents
        else:
            raise Garbled(f"a section of kind {kind} is not known here, or there twice")
    if body is None:
        raise Garbled("a message without a section of kind 0 has no command")
    return Command({**body, **more}, header.request, False, bool(flags & MORE_TO_COME))


def _read_sequence(part: bytes) -> tuple[str, list[Document]]:
    end = part.index(b"\0", 4)
    name, at = part[4:end].decode(), end + 1
    documents = []
    while at < len(part):
        (size,) = struct.unpack_from("<i", part, at)
        if size < 5 or at + size > len(part):
            raise Garbled(f"a document of {size} bytes where {len(part) - at} are left")
        documents.append(decode(part[at : at + size]))
        at += size
    return name, documents


def _read_query(header: Header, payload: bytes) -> Command:
    end = payload.index(b"\0", 4)
    body = decode(payload[end + 9 :])
    database = payload[4:end].decode().partition(".")[0]
    return Command({**body, "$db": database}, header.request, True, False)


def decode(data: bytes) -> Document:
    """The document in these bytes.

    Raises:
        Problem: they are none, or it nests too deep.
    """
    try:
        document: Document = bson.decode(data)
    except bson.errors.InvalidBSON as error:
        if "recursion" in str(error):
            raise _too_deep() from None
        raise Problem(22, f"this is not BSON: {error}") from None
    if _depth_is_beyond(document, DEEPEST):
        raise _too_deep()
    return document


def _too_deep() -> Problem:
    return Problem(15, f"BSONObj exceeds maximum nested object depth: {DEEPEST}")


def _depth_is_beyond(value: object, bound: int) -> bool:
    level = [value]
    for _ in range(bound + 1):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        level = [each for each in inner if isinstance(each, dict | list)]
        if not level:
            return False
    return True


def write_reply(command: Command, reply: Document, number: int) -> bytes:
    """The bytes of a reply; ``number`` names the message."""
    body: bytes = bson.encode(reply)
    if command.legacy:
        inside = struct.pack("<iqii", 8, 0, 0, 1) + body
        operation = OP_REPLY
    else:
        inside = struct.pack("<IB", 0, 0) + body
        operation = OP_MSG
    length = HEADER.size + len(inside)
    return HEADER.pack(length, number, command.request, operation) + inside
