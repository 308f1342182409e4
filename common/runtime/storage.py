"""The durable map of a node, on a real disk.

``append`` takes the changes of a step and only remembers them; ``sync`` writes all that was
appended since the last one as a single checksummed record and waits for the disk. So many steps
share one wait (*group commit*; Gray and Reuter 1992, section 9.4.7), and a step is durable wholly
or not at all. When the log outgrows the map, ``sync`` starts a new generation of files
(:mod:`common.runtime.generations`).
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.codec import Memory, MessagePackCodec
from common.contract import Forget, Save
from common.contract.events import SavedKey
from common.contract.schema import Schema
from common.runtime import log
from common.runtime.changes import EncodedMap, encode_changes, joined, separated
from common.runtime.files import DiskFailed, Files
from common.runtime.generations import Generations
from common.values.errors import ContractError, LabError

MAX_STEP = 64 * 1024 * 1024
"""The largest encoded changes of one step, in bytes."""

SNAPSHOT_CHUNK = 1024 * 1024
"""About so many bytes of the map go into one record of a snapshot."""

MUCH = 256 * 1024
"""To write so many bytes takes a while on any disk."""

BUSY_RECORDS = 8
"""A store that has written so many records in this life makes room for more in advance ..."""
ROOM = 512 * 1024
"""... of so many bytes."""

_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found when a store was loaded.

    Attributes:
        generation: the generation of files that it goes on with.
        records: how many records the log had.
        cut: how many bytes of a record that a crash left incomplete were cut off.
        removed: files that a crash in a compaction left behind.
    """

    generation: int
    records: int
    cut: int
    removed: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"generation {self.generation}, {self.records} records in its log"]
        if self.cut:
            parts.append(f"cut {self.cut} bytes of a record that a crash left incomplete")
        if self.removed:
            parts.append(f"removed {', '.join(self.removed)}, left by a crash in a compaction")
        return "; ".join(parts)


class LogStorage:
    """A durable map from keys to values, changed by :class:`Save` and :class:`Forget`.

    One thread may append while another one syncs; appending never waits for the disk. Call ``load``
    once, then ``append`` and ``sync`` at will, then ``close``.

    Args:
        directory: where the files are; made where it is missing, locked while the store is open.
        schema: the classes that values may be made of.
        compact_factor: compact when the log is so many times as large as the map ...
        compact_above: ... and larger than this many bytes.
        room: how many bytes to reserve in a log that is busy.
        memory: of the wire's codec: what came or left as part of a message is not encoded again.
        files: the disk.

    Attributes:
        recovery: what ``load`` found; None before.

    Raises:
        BadInput: another process has the directory open; the text names it.
        DiskFailed: the directory cannot be made or written.
    """

    def __init__(
        self,
        directory: Path,
        schema: Schema,
        *,
        compact_factor: float = 4.0,
        compact_above: int = 1024 * 1024,
        room: int = ROOM,
        memory: Memory | None = None,
        files: Files | None = None,
    ) -> None:
        self.directory = directory
        self.recovery: Recovery | None = None
        self._codec = MessagePackCodec(schema, MAX_STEP, memory)
        self._compact_factor = compact_factor
        self._compact_above = compact_above
        self._room = room
        self._written = 0
        self._files = files or Files()
        self._generations = Generations(directory, self._files)
        self._changing = threading.Lock()  # guards the map and what waits; never held during I/O
        self._syncing = threading.Lock()  # guards the files
        self._map = EncodedMap()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._generation = 0
        self._log = -1
        self._log_size = self._reserved = 0
        self._refusal: LabError | None = ContractError("load() a store before its first use")
        try:
            self._files.make_directory(directory)
            self._lock = self._files.lock(directory / _LOCK)
        except OSError as error:
            raise DiskFailed(f"cannot use the data directory {directory}: {error}") from error

    def load(self) -> dict[SavedKey, object]:
        """Read the map, after putting right what a crash left unfinished.

        All that it returns is durable, also what an earlier life wrote and did not live to sync.

        Raises:
            CorruptStorage: what is stored was damaged; the text names file and offset.
            BadInput: it was written in another format, or by a program with other classes.
            DiskFailed: the disk failed.
        """
        with self._syncing:
            try:
                found = self._generations.recover()
                self._open_log(found.generation, found.log_size)
            except OSError as error:
                raise DiskFailed(f"cannot read {self.directory}: {error}") from error
            for number, payload in enumerate(found.changes):
                try:
                    self._map.apply(separated(payload))
                except ValueError as error:
                    log.corrupt(self.directory, 0, f"record {number} is valid, but {error}")
            loaded = self._map.decoded(self._codec)
            self.recovery = Recovery(found.generation, found.records, found.cut, found.removed)
            self._refusal = None
            return loaded

    def append(self, changes: Sequence[Save | Forget]) -> None:
        """Take the changes of one step. They become durable together, with the next ``sync``.

        Raises:
            ContractError: a key or a value cannot be stored; none of the changes is taken.
            DiskFailed: the disk failed earlier, and the store refuses to go on.
        """
        encoded = encode_changes(self._codec, changes)
        step = joined(encoded)
        if len(step) > MAX_STEP:
            raise ContractError(
                f"one step saves {len(step)} bytes, more than the {MAX_STEP} that a step may "
                "save: save less at a time"
            )
        with self._changing:
            self._check_usable()
            if step:
                self._map.apply(encoded)
                self._waiting.append(step)
                self._waiting_bytes += len(step)

    def is_much(self) -> bool:
        """Whether the next ``sync`` writes many bytes, or begins another generation of files."""
        waiting = self._waiting_bytes
        return waiting >= MUCH or self._is_long(self._log_size + waiting)

    def sync(self) -> None:
        """Return when all that was appended before this call is durable. Blocks on the disk.

        Raises:
            DiskFailed: the disk failed. It is not known what became durable, so the store refuses
                all further work: after a failed fsync a system may have dropped the very pages that
                it could not write, and the next fsync says that all is well (Rebello et al. 2020,
                "Can Applications Recover from fsync Failures?"). Load the store anew to see what is
                there.
        """
        with self._syncing:
            self._check_usable()
            while self._waiting:
                self._on_disk(self._write_batch)
            if self._is_long(self._log_size):
                self._on_disk(self._compact)

    def close(self) -> None:
        """Sync what waits, give back room, unlock the directory, and refuse further work.

        May be called twice.
        """
        try:
            if self._refusal is None:
                self.sync()
                if self._reserved > self._log_size:
                    self._on_disk(lambda: self._files.cut(self._log, self._log_size))
        finally:
            with self._syncing:
                self._refusal = self._refusal or ContractError("the store was closed")
                for file in (self._log, self._lock):
                    if file >= 0:
                        self._files.close(file)
                self._log = self._lock = -1

    def _check_usable(self) -> None:
        if self._refusal is not None:
            raise self._refusal

    def _is_long(self, log_size: int) -> bool:
        return log_size > max(self._compact_above, self._compact_factor * self._map.size)

    def _take_batch(self) -> bytes:
        """All the steps that wait, or as many of them as fit into one record."""
        with self._changing:
            size = count = 0
            for step in self._waiting:
                if count and size + len(step) > MAX_STEP:
                    break
                size, count = size + len(step), count + 1
            batch = b"".join(self._waiting[:count])
            del self._waiting[:count]
            self._waiting_bytes -= len(batch)
            return batch

    def _write_batch(self) -> None:
        record = log.record(self._take_batch(), self._generation, self._log_size)
        end = self._log_size + len(record)
        is_small = len(record) <= self._room  # zeros for a large one would be written as slowly
        if end > self._reserved and self._written >= BUSY_RECORDS and is_small:
            self._reserve(len(record) + self._room)
        self._files.write(self._log, record, self._log_size)
        self._files.sync(self._log)
        self._log_size = end
        self._written += 1

    def _reserve(self, size: int) -> None:
        """Write zeros after the end of the log: a flush within them changes no file's size.

        A size is metadata, and metadata goes through the journal of the file system, which the
        nodes of a machine share: there they would wait for each other.
        """
        self._files.write(self._log, bytes(size), self._log_size)
        self._files.sync(self._log)
        self._reserved = self._log_size + size

    def _compact(self) -> None:
        """Begin the next generation with a snapshot of the map.

        The snapshot may hold steps that wait for their sync. That is harmless: each is in it wholly
        or not at all, and writing it again to the new log changes nothing.
        """
        with self._changing:
            map = self._map.copy()
        following = self._generation + 1
        self._generations.begin(following, map.chunks(SNAPSHOT_CHUNK))
        self._files.close(self._log)
        self._open_log(following, log.HEADER_SIZE)
        self._generations.remove_others(following)

    def _open_log(self, generation: int, size: int) -> None:
        self._log = self._files.open(self._generations.log_path(generation))
        self._generation, self._log_size, self._reserved = generation, size, size

    def _on_disk(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            self._refusal = DiskFailed(
                f"the disk failed while writing {self.directory} ({error.strerror or error}): "
                "nothing more is stored, so that nothing false is promised. See to the disk (is it "
                "full?) and start the node again: it goes on from what is really there"
            )
            raise self._refusal from error
