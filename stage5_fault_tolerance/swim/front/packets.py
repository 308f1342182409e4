"""What is in a packet of memberlist: a type byte, then a MessagePack map; and what goes around it.

::

    label       244, length, the label       which cluster (only where there is a label)
    checksum     12, CRC-32 of the rest      datagrams to members of protocol 5 and later
    compress      9, {Algo: 0, Buf: ...}     LZW of the rest
    compound      7, count, lengths, parts   several messages in one packet
    a message     0 to 5, 11                 ping, indirect ping, ack, suspect, alive, dead, nack

This is sans-I/O. A packet is a claim by a stranger: it is refused with one sentence, and counted,
when it is cut, too long, of another cluster, changed on its way, encrypted, a compression bomb, or
nonsense. Its maps are of the old MessagePack, in which text and bytes are one type.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from struct import Struct, error
from typing import Any
from zlib import crc32

import msgpack

from common.runtime.refusals import Refused
from stage5_fault_tolerance.swim.front import lzw


class Kind(IntEnum):
    """The first byte of a packet, or of a part of it."""

    PING = 0
    INDIRECT_PING = 1
    ACK = 2
    SUSPECT = 3
    ALIVE = 4
    DEAD = 5
    PUSH_PULL = 6
    COMPOUND = 7
    USER = 8
    COMPRESS = 9
    ENCRYPT = 10
    NACK = 11
    CHECKSUM = 12
    ERROR = 13
    LABEL = 244


REFUSED = (
    "cut", "too_long", "of_others", "forged", "encrypted", "bomb", "garbled", "not_for_us",
)  # fmt: skip
"""Why packets are refused. A forged one has a wrong checksum, or speaks in our own name."""

MAX_PACKET = 1_400
"""What we put into one datagram at most, in bytes, as memberlist does."""
MAX_ARRIVING = 4_096
"""A datagram may be so long; memberlist lets its users raise its 1,400."""
MAX_UNPACKED = 64 * 1024
"""What is compressed in a datagram may become so many bytes."""
MAX_DEPTH = 5
"""A label, a checksum, a compressed part, a compound, a message: nothing is nested deeper."""
MAX_NAME_BYTES = 128
MAX_NUMBER = 2**32 - 1
MAX_DATA = 1_024
"""The longest field of bytes; memberlist's own limit for the data of a node is 512."""

UNREADABLE = (ValueError, TypeError, msgpack.UnpackException)
"""All that msgpack raises for wrong bytes; TypeError for a map in the place of a key."""

_CRC = Struct(">I")


class Fields:
    """The map of one message; what it lacks or has wrong is refused.

    Args:
        kind: what message it is, for sentences.
        plain: as MessagePack has it.
    """

    def __init__(self, kind: Kind, plain: Any) -> None:
        if not isinstance(plain, dict):
            raise Refused("garbled", f"it has a {kind.name} that is no map of fields")
        self._kind = kind
        self._plain: dict[Any, Any] = plain

    def number(self, name: str, most: int = MAX_NUMBER, *, needed: bool = True) -> int:
        """A field that is a number from 0 to ``most``; 0 where none is needed and none is there."""
        found = self._plain.get(name.encode(), None if needed else 0)
        if type(found) is not int or not 0 <= found <= most:
            raise self._wrong(name, f"a number from 0 to {most}", found)
        return found

    def name(self, name: str, *, needed: bool = True) -> str:
        """A field that is a name; "" only where none is needed."""
        found = self._plain.get(name.encode(), b"")
        try:
            text = found.decode() if isinstance(found, bytes) else None
        except UnicodeDecodeError:
            text = None
        if text is None or len(found) > MAX_NAME_BYTES or (needed and not text):
            raise self._wrong(name, f"a name of at most {MAX_NAME_BYTES} bytes", found)
        return text

    def data(self, name: str, most: int = MAX_DATA) -> bytes:
        """A field that is bytes; none where it is missing or null."""
        found = self._plain.get(name.encode()) or b""
        if not isinstance(found, bytes) or len(found) > most:
            raise self._wrong(name, f"at most {most} bytes", found)
        return found

    def _wrong(self, name: str, expected: str, found: Any) -> Refused:
        return Refused(
            "garbled",
            f"it has {self._kind.name} with {name} = {str(found)[:40]}, where {expected} is due",
        )


def read(kind: Kind, data: bytes) -> Fields:
    """The fields of a message.

    Raises:
        Refused: these bytes are no map.
    """
    unpacker = msgpack.Unpacker(raw=True, strict_map_key=False, max_buffer_size=MAX_UNPACKED)
    unpacker.feed(data)
    try:
        return Fields(kind, unpacker.unpack())
    except msgpack.OutOfData:
        raise Refused("cut", f"it is cut within a {kind.name}") from None
    except UNREADABLE:
        raise Refused("garbled", f"it has a {kind.name} that is no MessagePack") from None


def write(kind: Kind, fields: Mapping[str, object]) -> bytes:
    """A message: its type, and its fields in the old MessagePack."""
    made: bytes = msgpack.packb(fields, use_bin_type=False)
    return bytes([kind]) + made


def join(parts: Sequence[bytes], *, label: str, checksum: bool) -> bytes:
    """A packet with one message or several, in its envelopes."""
    packet = parts[0]
    if len(parts) > 1:
        lengths = b"".join(len(part).to_bytes(2) for part in parts)
        packet = bytes([Kind.COMPOUND, len(parts)]) + lengths + b"".join(parts)
    if checksum:
        packet = bytes([Kind.CHECKSUM]) + _CRC.pack(crc32(packet)) + packet
    return labelled(packet, label)


def labelled(packet: bytes, label: str) -> bytes:
    """A packet that says of which cluster it is, if that has a label."""
    name = label.encode()
    return bytes([Kind.LABEL, len(name)]) + name + packet if name else packet


def split(packet: bytes, label: str) -> list[tuple[Kind, bytes]]:
    """The messages in a packet, without all that is around them.

    Args:
        packet: as it came.
        label: of our cluster; "" for none.

    Raises:
        Refused: there is something wrong with any part of it.
    """
    if len(packet) > MAX_ARRIVING:
        raise Refused("too_long", f"it is longer than the {MAX_ARRIVING} bytes that are allowed")
    return list(_messages(without_label(packet, label), MAX_DEPTH, MAX_UNPACKED))


def without_label(packet: bytes, label: str) -> bytes:
    """The rest of a packet that has the right label, or rightly none.

    Raises:
        Refused: it is of another cluster.
    """
    theirs = b""
    if packet[:1] == bytes([Kind.LABEL]):
        end = 2 + packet[1] if len(packet) > 1 else 2
        if len(packet) < end:
            raise Refused("cut", "it is cut within its label")
        theirs, packet = packet[2:end], packet[end:]
    if theirs != label.encode():
        of = f"the cluster labelled {theirs[:40]!r}" if theirs else "a cluster without a label"
        ours = f"labelled {label!r}" if label else "without one"
        raise Refused("of_others", f"it is of {of}, and we are of one {ours}")
    return packet


def _messages(data: bytes, depth: int, most: int) -> Iterator[tuple[Kind, bytes]]:
    if not data:
        raise Refused("cut", "it is cut: nothing is where a message is due")
    if not depth:
        raise Refused("garbled", f"it is nested more than {MAX_DEPTH} deep")
    kind, rest = kind_of(data), data[1:]
    match kind:
        case Kind.CHECKSUM:
            if len(rest) < _CRC.size:
                raise Refused("cut", "it is cut within its checksum")
            (code,) = _CRC.unpack_from(rest)
            if crc32(rest[_CRC.size :]) != code:
                raise Refused(
                    "forged", "its checksum is wrong: it was changed on its way or made up"
                )
            yield from _messages(rest[_CRC.size :], depth - 1, most)
        case Kind.COMPRESS:
            unpacked = uncompressed(read(kind, rest), most)
            yield from _messages(unpacked, depth - 1, most - len(unpacked))
        case Kind.COMPOUND:
            for part in _parts(rest):
                yield from _messages(part, depth - 1, most)
        case Kind.ENCRYPT:
            raise encrypted()
        case _:
            yield kind, rest


def kind_of(data: bytes) -> Kind:
    """The kind of what begins here. Raises: Refused, where there is none of that number."""
    try:
        return Kind(data[0])
    except ValueError:
        raise Refused("garbled", f"it is of no known kind: its first byte is {data[0]}") from None


def encrypted() -> Refused:
    """What is said to those who encrypt."""
    return Refused(
        "encrypted",
        "it is encrypted, and this front has no keys: start the Serf agents without -encrypt",
    )


def uncompressed(fields: Fields, most: int) -> bytes:
    """What is in a COMPRESS. Raises: Refused, where it is more than ``most`` bytes, or no LZW."""
    if fields.number("Algo"):
        raise Refused("garbled", "it is compressed by an algorithm other than LZW")
    return lzw.unpack(fields.data("Buf", most), most)


def _parts(data: bytes) -> Iterator[bytes]:
    count = data[0] if data else 0
    try:
        lengths = Struct(f">{count}H").unpack_from(data, 1)
    except error:
        raise Refused("cut", "it is cut within the lengths of its parts") from None
    begin = 1 + 2 * count
    if begin + sum(lengths) > len(data):
        raise Refused("cut", f"it is cut: not all of its {count} parts are there")
    for length in lengths:
        yield data[begin : begin + length]
        begin += length
