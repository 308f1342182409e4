"""Part 2, a log: segments one behind the other. It grows at one end, and is forgotten at the other.

Only the last segment, the *active* one, is written to. When it is full, another one is begun.
So retention is cheap: it drops whole segments, the oldest first, and touches no batch.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Protocol

from stage8_real_systems.log.batches import Batch
from stage8_real_systems.log.segments import INDEX_EVERY, File, MemoryFile, Segment, framed, size_of

SEGMENT_BYTES = 1024 * 1024


class Files(Protocol):
    """Where the files of a log come from; ``disk`` has those in a directory."""

    def present(self) -> tuple[int, ...]:
        """The base offsets of those that are there, in order."""

    def open(self, base_offset: int) -> File:
        """The file of the segment that begins there; an empty one where there is none."""

    def replace(self, base_offset: int, data: bytes) -> File:
        """Put a file with these contents in the place of that one, at once or not at all."""

    def remove(self, base_offset: int) -> None:
        """Throw a file away."""


class MemoryFiles:
    """Files in memory, gone with the one who has them."""

    def present(self) -> tuple[int, ...]:
        """None: nothing is kept."""
        return ()

    def open(self, base_offset: int) -> File:
        """An empty one."""
        return MemoryFile()

    def replace(self, base_offset: int, data: bytes) -> File:
        """Another one."""
        return MemoryFile(data)

    def remove(self, base_offset: int) -> None:
        """Nothing to do."""


class Log:
    """All batches of one partition on one broker.

    Args:
        files: where they lie. Files that are there are read, and a torn end is cut off.
        segment_bytes: a segment that has so many bytes is full.
        index_every: as of a segment.

    Attributes:
        segments: at least one; each begins where the one before it ends.
        start: the first offset that can be read.
        cut: how many bytes of a torn end were cut off.

    Raises:
        CorruptLog: a file is damaged.
    """

    def __init__(
        self,
        files: Files | None = None,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        index_every: int = INDEX_EVERY,
    ) -> None:
        self.files = files or MemoryFiles()
        self.segment_bytes = segment_bytes
        self.index_every = index_every
        self.segments: list[Segment] = []
        self.cut = 0
        present = self.files.present()
        for base_offset in present:
            self._begin_segment(base_offset)
            self.cut += self.segments[-1].recover(last=base_offset == present[-1])
        if not self.segments:
            self._begin_segment(0)
        self.start = self.segments[0].base_offset

    @property
    def end(self) -> int:
        """The offset that the next record gets: the *log end offset*."""
        return self.segments[-1].next_offset

    def append(self, batch: Batch) -> None:
        """Write a batch to the end; into a new segment if the active one is full."""
        active = self.segments[-1]
        size = active.file.size()
        if size and size + size_of(batch) > self.segment_bytes:
            self._begin_segment(batch.base_offset)
        self.segments[-1].append(batch)

    def read(self, offset: int, max_bytes: int, end: int) -> tuple[Batch, ...]:
        """The batches from the one on that holds ``offset``, out of one segment.

        Args:
            offset: from ``start`` on; nothing is read at ``end`` of the log or beyond.
            max_bytes, end: as of a segment.
        """
        found: tuple[Batch, ...] = ()
        at = max(self._segment_of(offset), 0)
        while not found and at < len(self.segments):  # compaction may leave nothing at the end
            found = self.segments[at].read(offset, max_bytes, end)
            at += 1
        return found

    def batches(self) -> Iterator[Batch]:
        """All batches, in order."""
        for segment in self.segments:
            yield from segment.batches()

    def truncate(self, offset: int) -> tuple[int, ...]:
        """Cut off every batch that reaches beyond ``offset``; returns their base offsets."""
        gone: list[int] = []
        while len(self.segments) > 1 and self.segments[-1].base_offset >= offset:
            gone += self._drop(len(self.segments) - 1)
        return (*self.segments[-1].truncate(offset), *sorted(gone))

    def retain(self, *, bytes: int, since: int, below: int) -> tuple[int, ...]:
        """Drop the oldest segments: while the log is larger than wanted, or they are too old.

        Args:
            bytes: how large the log may be at most.
            since: what has no record of this time or later, in milliseconds, is too old.
            below: nothing is dropped that reaches beyond this offset, which is the high watermark.

        Returns:
            The base offsets of the batches that are gone.
        """
        gone: list[int] = []
        size = sum(each.file.size() for each in self.segments)
        while len(self.segments) > 1 and self.segments[0].next_offset <= below:
            oldest = self.segments[0]
            if size <= bytes and oldest.newest >= since:
                break
            size -= oldest.file.size()
            gone += self._drop(0)
            self.start = self.segments[0].base_offset
        return tuple(gone)

    def begin_at(self, offset: int) -> tuple[int, ...]:
        """Throw all batches away and go on at ``offset``; returns their base offsets."""
        gone = [base for _ in list(self.segments) for base in self._drop(0)]
        self._begin_segment(offset)
        self.start = offset
        return tuple(gone)

    def offset_for(self, timestamp: int, end: int) -> Batch | None:
        """The first batch below ``end`` with a record that is not older than ``timestamp``."""
        for segment in self.segments:
            if segment.newest >= timestamp:
                for batch in segment.batches():
                    if batch.timestamp >= timestamp:
                        return batch if batch.next_offset <= end else None
        return None

    def replace(self, at: int, batches: tuple[Batch, ...]) -> None:
        """Put other batches in place of those of a segment: compaction does."""
        base_offset = self.segments[at].base_offset
        file = self.files.replace(base_offset, b"".join(map(framed, batches)))
        self.segments[at] = Segment(base_offset, file, self.index_every)
        self.segments[at].recover(last=False)

    # Helpers.

    def _segment_of(self, offset: int) -> int:
        return bisect_right(self.segments, offset, key=lambda each: each.base_offset) - 1

    def _begin_segment(self, base_offset: int) -> None:
        file = self.files.open(base_offset)
        self.segments.append(Segment(base_offset, file, self.index_every))

    def _drop(self, at: int) -> list[int]:
        segment = self.segments.pop(at)
        gone = [batch.base_offset for batch in segment.batches()]
        self.files.remove(segment.base_offset)
        return gone
