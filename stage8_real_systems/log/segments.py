"""Part 1: a segment, which is a file to the end of which batches are written, and a sparse index.

A log that only grows at its end is written as fast as a disk can go. The price is paid by readers:
batches differ in length, so the place of an offset has to be looked for. An index of every batch
would be as much work as the log; a *sparse* one holds a batch every few kilobytes. A reader goes to
the last entry at or before what it wants, and reads on from there (Kreps et al. 2011, section 3.1).

::

    index   (100, 0)                    (140, 4211)
               |                           |
    file    [100..109][110..118] ... [140..149][150..151] ...

After a crash the end of a file may be *torn*: a frame that was not written whole. It was never
acknowledged, so it is cut off. A frame that is damaged with whole ones behind it is another thing.
Nobody can cut there without losing what was acknowledged, so it is reported and never served.
"""

from bisect import bisect_right
from collections.abc import Iterator
from struct import Struct
from typing import Protocol
from zlib import crc32

from common.values.errors import LabError
from stage8_real_systems.log.batches import Batch

INDEX_EVERY = 4096
"""About how many bytes lie between two entries of an index."""

_HEAD = Struct(">II")
"""Of a frame: the length of what follows, and its checksum."""
_FIELDS = Struct(">qiiqiiq")
"""What a batch says beside its payload."""
_SMALLEST = _HEAD.size + _FIELDS.size


class CorruptLog(LabError):
    """A segment is damaged where it must not be."""


class File(Protocol):
    """What a segment needs of a file. One in memory will do; ``disk`` has one on a disk."""

    def size(self) -> int:
        """How many bytes there are."""

    def read(self, position: int, length: int) -> bytes:
        """The bytes from ``position`` on; fewer than ``length`` where the file ends before."""

    def append(self, data: bytes) -> None:
        """Write to the end."""

    def cut(self, size: int) -> None:
        """Throw away what is behind the first ``size`` bytes."""


class MemoryFile:
    """A file in memory."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)

    def size(self) -> int:
        """How many bytes there are."""
        return len(self.data)

    def read(self, position: int, length: int) -> bytes:
        """The bytes from ``position`` on."""
        return bytes(self.data[position : position + length])

    def append(self, data: bytes) -> None:
        """Write to the end."""
        self.data += data

    def cut(self, size: int) -> None:
        """Throw away what is behind."""
        del self.data[size:]


def framed(batch: Batch) -> bytes:
    """A batch as it lies in a file: length, checksum, fields, payload."""
    body = batch.payload
    fields = _FIELDS.pack(
        batch.base_offset,
        batch.epoch,
        batch.count,
        batch.producer,
        batch.producer_epoch,
        batch.sequence,
        batch.timestamp,
    )
    checksum = crc32(body, crc32(fields))
    return _HEAD.pack(len(fields) + len(body), checksum) + fields + body


def size_of(batch: Batch) -> int:
    """How long its frame is, in bytes."""
    return _SMALLEST + len(batch.payload)


class Segment:
    """A part of a log, in a file of its own.

    Args:
        base_offset: where it begins.
        file: an empty one; one with batches in it needs :meth:`recover` before its first use.
        index_every: about how many bytes lie between two entries of the index.

    Attributes:
        next_offset: the offset behind its last batch; ``base_offset`` where it is empty.
        newest: the greatest timestamp in it; 0 where it is empty.
        index: offsets and positions of some batches, in order. It always holds the first one.
    """

    def __init__(self, base_offset: int, file: File, index_every: int = INDEX_EVERY) -> None:
        self.base_offset = base_offset
        self.file = file
        self.index_every = index_every
        self.next_offset = base_offset
        self.newest = 0
        self.index: list[tuple[int, int]] = []

    def append(self, batch: Batch) -> None:
        """Write a batch to the end, and into the index if the last entry is far enough away."""
        assert batch.base_offset == self.next_offset, f"{batch} is not at {self.next_offset}"
        self._note(batch, self.file.size())
        self.file.append(framed(batch))

    def read(self, offset: int, max_bytes: int, end: int) -> tuple[Batch, ...]:
        """The batches from the one on that holds ``offset``.

        Args:
            offset: at least the base offset of the segment.
            max_bytes: no more than so many bytes of frames; the first batch may be larger alone.
            end: no batch that reaches beyond this offset.
        """
        found: list[Batch] = []
        size = 0
        for _, batch in self.frames(self.position_before(offset)):
            if batch.next_offset <= offset:
                continue
            size += size_of(batch)
            if batch.next_offset > end or (found and size > max_bytes):
                break
            found.append(batch)
        return tuple(found)

    def position_before(self, offset: int) -> int:
        """Where in the file to begin to look for ``offset``: at the last entry of the index whose
        offset is not greater, or at the beginning."""
        at = bisect_right(self.index, offset, key=lambda entry: entry[0])
        return self.index[at - 1][1] if at else 0

    def truncate(self, offset: int) -> tuple[int, ...]:
        """Cut off every batch that reaches beyond ``offset``.

        Returns:
            The base offsets of those that are gone.
        """
        start = self.position_before(offset)
        gone = [(at, batch) for at, batch in self.frames(start) if batch.next_offset > offset]
        if gone:
            self._rebuild(gone[0][0])
        return tuple(batch.base_offset for _, batch in gone)

    def recover(self, *, last: bool) -> int:
        """Read the whole file, make the index, and cut off a torn end.

        Args:
            last: whether it is the last segment of its log. No other can have a torn end: it was
                whole before the next one was begun.

        Returns:
            How many bytes were cut off.

        Raises:
            CorruptLog: a frame is damaged that cannot be a torn end. The file stays as it is.
        """
        size = self.file.size()
        good = self._rebuild(size)
        if good < size:
            if not last or self._whole_frame_behind(good):
                raise CorruptLog(
                    f"the segment that begins at offset {self.base_offset} is damaged at byte "
                    f"{good} of {size}, and that is no torn end: restore it from another replica"
                )
            self.file.cut(good)
        return size - good

    def batches(self) -> Iterator[Batch]:
        """All batches, in order."""
        for _, batch in self.frames(0):
            yield batch

    def frames(self, position: int) -> Iterator[tuple[int, Batch]]:
        """The batches from a position on, with their positions, up to one that is not whole."""
        while (found := self._frame_at(position)) is not None:
            batch, length = found
            yield position, batch
            position += length

    # Helpers.

    def _frame_at(self, position: int) -> tuple[Batch, int] | None:
        """The batch at a position and the length of its frame; None where no whole one is."""
        head = self.file.read(position, _HEAD.size)
        if len(head) < _HEAD.size:
            return None
        length, checksum = _HEAD.unpack(head)
        if length < _FIELDS.size or position + _HEAD.size + length > self.file.size():
            return None  # a length is a claim by a stranger
        body = self.file.read(position + _HEAD.size, length)
        if crc32(body) != checksum:
            return None
        fields = (*_FIELDS.unpack_from(body), body[_FIELDS.size :])
        return Batch(*fields), _HEAD.size + length

    def _whole_frame_behind(self, position: int) -> bool:
        """Whether there is a whole batch anywhere behind what is damaged at ``position``."""
        size = self.file.size()
        return any(self._frame_at(at) for at in range(position + 1, size - _SMALLEST + 1))

    def _rebuild(self, size: int) -> int:
        """Cut the file to ``size`` and make a new index; returns where whole frames end."""
        if size < self.file.size():
            self.file.cut(size)
        self.index.clear()
        self.next_offset, self.newest = self.base_offset, 0
        end = 0
        for position, batch in self.frames(0):
            self._note(batch, position)
            end = position + size_of(batch)
        return end

    def _note(self, batch: Batch, position: int) -> None:
        if not self.index or position - self.index[-1][1] >= self.index_every:
            self.index.append((batch.base_offset, position))
        self.next_offset = batch.next_offset
        self.newest = max(self.newest, batch.timestamp)
