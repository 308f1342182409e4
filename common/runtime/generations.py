"""The files of a store: which there are, how a new generation begins, what a crash can leave.

``log-N`` holds the changes since ``snapshot-N``; generation 1 has no snapshot. A generation begins
in this order, each step durable before the next: ``log-N+1``, empty; ``snapshot-N+1``. Both are
written under another name first and renamed when complete. The rename of the snapshot is the
instant at which the new generation takes over; the old files are of no use after it, and
``log-N+1`` is of no use before it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from common.runtime import log
from common.runtime.files import Files

UNFINISHED = ".tmp"
"""The end of the name of a file that is being written."""

_OURS = re.compile(r"(log|snapshot)-[0-9]+(\.tmp)?")


@dataclass(frozen=True, slots=True)
class Found:
    """What a directory holds.

    Attributes:
        generation: the current one.
        changes: payloads to replay in order, those of the snapshot and then those of the log.
        records: how many of them came from the log.
        log_size: the size of the log without its torn tail, in bytes.
        cut: the size of the torn tail that was cut off, in bytes.
        removed: names of files that a crash left behind.
    """

    generation: int
    changes: list[bytes]
    records: int
    log_size: int
    cut: int
    removed: tuple[str, ...]


class Generations:
    """The files in one directory.

    Args:
        directory: where they are.
        files: the disk.
    """

    def __init__(self, directory: Path, files: Files) -> None:
        self.directory = directory
        self.files = files

    def log_path(self, generation: int) -> Path:
        """Where the log of a generation is."""
        return self.directory / f"log-{generation:08}"

    def snapshot_path(self, generation: int) -> Path:
        """Where the snapshot of a generation is."""
        return self.directory / f"snapshot-{generation:08}"

    def recover(self) -> Found:
        """Find the current generation, put right what a crash left, and read it all.

        Raises:
            CorruptStorage: a file is damaged, or one is missing.
            BadInput: a file is in a format that this program does not know.
        """
        snapshots, logs = self._numbers("snapshot-"), self._numbers("log-")
        generation = max(snapshots, default=1)
        if not snapshots and not logs:
            self.begin(1, None)
            return Found(1, [], 0, log.HEADER_SIZE, 0, ())
        changes = self._read_snapshot(generation) if snapshots else []
        path = self.log_path(generation)
        if generation not in logs:
            log.corrupt(path, 0, "the file is missing")
        contents = log.read(path, self.files.read(path), log.LOG, generation)
        for number in logs:
            if number > generation:
                self._check_unused(number)
        self._settle(path, contents)
        removed = self.remove_others(generation)
        changes += contents.payloads
        records = len(contents.payloads)
        return Found(generation, changes, records, contents.end, contents.torn, removed)

    def begin(self, generation: int, snapshot: Iterable[bytes] | None) -> None:
        """Make the files of a generation; it is the current one when this returns.

        Args:
            generation: its number, one above the current one.
            snapshot: payloads that build the map; None for generation 1.
        """
        self._write(self.log_path(generation), log.LOG, generation, ())
        if snapshot is not None:
            path = self.snapshot_path(generation)
            self._write(path, log.SNAPSHOT, generation, chain(snapshot, (b"",)))

    def remove_others(self, generation: int) -> tuple[str, ...]:
        """Remove the files of all other generations, and unfinished ones; returns their names."""
        keep = (self.log_path(generation).name, self.snapshot_path(generation).name)
        removed = tuple(
            name
            for name in self.files.names(self.directory)
            if _OURS.fullmatch(name) and name not in keep
        )
        for name in removed:
            self.files.remove(self.directory / name)
        return removed

    def _numbers(self, prefix: str) -> list[int]:
        names = self.files.names(self.directory)
        ends = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        return [int(end) for end in ends if end.isdecimal()]

    def _write(self, path: Path, magic: bytes, generation: int, payloads: Iterable[bytes]) -> None:
        unfinished = path.with_name(path.name + UNFINISHED)
        file = self.files.create(unfinished)
        try:
            self.files.write(file, log.header(magic, generation), 0)
            size = log.HEADER_SIZE
            for payload in payloads:
                record = log.record(payload, generation, size)
                self.files.write(file, record, size)
                size += len(record)
            self.files.sync(file)
        finally:
            self.files.close(file)
        self.files.rename(unfinished, path)
        self.files.sync_directory(self.directory)

    def _read_snapshot(self, generation: int) -> list[bytes]:
        """The payloads of a snapshot. It was complete before it had its name, so it has no tail."""
        path = self.snapshot_path(generation)
        contents = log.read(path, self.files.read(path), log.SNAPSHOT, generation)
        if contents.torn or contents.room:
            log.corrupt(path, contents.end, "the record there is damaged")
        if not contents.payloads or contents.payloads[-1]:
            log.corrupt(path, contents.end, "the end of the file is missing")
        return contents.payloads[:-1]

    def _check_unused(self, generation: int) -> None:
        """Check that the log of a generation that has no snapshot was never in use."""
        path = self.log_path(generation)
        data = self.files.read(path)
        if len(data) > log.HEADER_SIZE:
            missing = self.snapshot_path(generation).name
            log.corrupt(path, log.HEADER_SIZE, f"it has records, but {missing} is missing")

    def _settle(self, path: Path, contents: log.Contents) -> None:
        """Cut a torn tail and room, and sync what an earlier life wrote and may not have synced."""
        file = self.files.open(path)
        try:
            if contents.torn or contents.room:
                self.files.cut(file, contents.end)
            self.files.sync(file)
        finally:
            self.files.close(file)
        self.files.sync_directory(self.directory)
