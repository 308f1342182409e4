"""The log: a file of checksummed records, made so that a crash at any instant can be told apart
from corruption.

A file begins with a header: a magic, the version of the format, the generation of the file, and a
checksum of these. After it come records: a marker, the length of the payload, a checksum, the
payload. The checksum covers the generation and the offset of the record too, so a record is valid
in one place only, and bytes that merely look like one (inside a value, in a reused block) are not.

One record is one write, and the next is written only after the last one was synced. So a crash can
leave at most one record incomplete, the last one: a bad record with nothing valid after it is a
*torn tail*, was never acknowledged, and is cut. A bad record with a valid one after it has been
damaged later: that is reported, and nothing of the file is served. What no checksum can tell is
damage to the very last record from a crash while it was written (Alagappan et al. 2018,
"Protocol-Aware Recovery for Consensus-Based Storage", section 3.3.2).

A log that is written to often has room after its last record: zeros, which are no record. A write
there leaves the size of the file as it is, so that the disk has one thing to do and not two.
"""

from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import NoReturn
from zlib import crc32

from common.values.errors import BadInput, CorruptStorage

FORMAT_VERSION = 1
"""The version of the files that this program writes, and the only one that it reads."""

MAX_RECORD = 256 * 1024 * 1024
"""The largest payload of a record, in bytes."""

LOG, SNAPSHOT = b"DSLABLOG", b"DSLABSNP"
"""The magics of the two kinds of file."""

_HEADER = Struct(">8sIQ")  # magic, version, generation; then their checksum
_CHECKSUM = Struct(">I")
_MARKER = b"\xd5REC"
_RECORD = Struct(">4sII")  # marker, length of the payload, checksum
_PLACE = Struct(">QQI")  # what the checksum covers beside the payload

HEADER_SIZE = _HEADER.size + _CHECKSUM.size


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds.

    Attributes:
        payloads: of the valid records, in order.
        end: the offset after the last valid record; what follows is a torn tail, then room.
        torn: the number of bytes in the torn tail up to its last one that is not zero; 0 where the
            file is whole.
        room: how many zeros there are at the end.
    """

    payloads: list[bytes]
    end: int
    torn: int
    room: int


def header(magic: bytes, generation: int) -> bytes:
    """The first bytes of a file."""
    fields = _HEADER.pack(magic, FORMAT_VERSION, generation)
    return fields + _CHECKSUM.pack(crc32(fields))


def record(payload: bytes, generation: int, offset: int) -> bytes:
    """One record, for just this place in just this file."""
    checksum = _checksum(payload, generation, offset)
    return _RECORD.pack(_MARKER, len(payload), checksum) + payload


def read(path: Path, data: bytes, magic: bytes, generation: int) -> Contents:
    """Read a whole file.

    Args:
        path: where ``data`` comes from, for errors.
        data: the content of the file.
        magic: which kind of file it has to be.
        generation: which generation it has to be.

    Raises:
        CorruptStorage: it is damaged before its last record; the text names file and offset.
        BadInput: it was written in a format that this program does not know.
    """
    _check_header(path, data, magic, generation)
    payloads: list[bytes] = []
    offset = HEADER_SIZE
    while (payload := _record_at(data, offset, generation)) is not None:
        payloads.append(payload)
        offset += _RECORD.size + len(payload)
    later = data.find(_MARKER, offset + 1)
    while later >= 0:
        if _record_at(data, later, generation) is not None:
            corrupt(path, offset, f"the record there is damaged, but a good one follows at {later}")
        later = data.find(_MARKER, later + 1)
    torn = len(data[offset:].rstrip(b"\0"))
    return Contents(payloads, offset, torn, len(data) - offset - torn)


def corrupt(path: Path, offset: int, why: str) -> NoReturn:
    """Refuse a file. Raises: CorruptStorage."""
    raise CorruptStorage(
        f"{path} is corrupt at byte {offset}: {why}. Nothing of it is used: restore the "
        "directory from a copy, or remove it and let the node start anew without its data"
    )


def _check_header(path: Path, data: bytes, magic: bytes, generation: int) -> None:
    if len(data) < HEADER_SIZE:
        corrupt(path, 0, "the file is shorter than its header")
    (checksum,) = _CHECKSUM.unpack_from(data, _HEADER.size)
    if checksum != crc32(data[: _HEADER.size]):
        corrupt(path, 0, "its header does not match its checksum")
    found_magic, version, found_generation = _HEADER.unpack_from(data)
    if found_magic != magic:
        corrupt(path, 0, f"it begins with {found_magic!r} where {magic!r} belongs")
    if version != FORMAT_VERSION:
        raise BadInput(
            f"{path} is in format {version}, and this program knows only format "
            f"{FORMAT_VERSION}: use the program that wrote it, or another data directory"
        )
    if found_generation != generation:
        corrupt(path, 0, f"it says that it is of generation {found_generation}")


def _record_at(data: bytes, offset: int, generation: int) -> bytes | None:
    """The payload of the valid record at ``offset``, or None where there is none."""
    start = offset + _RECORD.size
    if start > len(data):
        return None
    marker, length, checksum = _RECORD.unpack_from(data, offset)
    if marker != _MARKER or length > MAX_RECORD or start + length > len(data):
        return None
    payload = data[start : start + length]
    return payload if checksum == _checksum(payload, generation, offset) else None


def _checksum(payload: bytes, generation: int, offset: int) -> int:
    return crc32(payload, crc32(_PLACE.pack(generation, offset, len(payload))))
