"""A log's files in a directory, for programs that keep a log by themselves.

The brokers of this lab do not use it: what they append is saved the way all nodes of the course
save (:mod:`common.contract`), which a simulator can crash at any moment. The library parts are
the same over either.
"""

import os
from pathlib import Path


class DiskFile:
    """A file on a disk. What was appended is on the disk once :meth:`flush` has returned.

    Args:
        path: where it is; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        self._size = os.fstat(self._file).st_size

    def size(self) -> int:
        """How many bytes there are."""
        return self._size

    def read(self, position: int, length: int) -> bytes:
        """The bytes from ``position`` on."""
        return os.pread(self._file, length, position)

    def append(self, data: bytes) -> None:
        """Write to the end, all of it: a disk that is full is an error, not a short frame."""
        written = 0
        while written < len(data):
            written += os.write(self._file, data[written:])
        self._size += len(data)

    def cut(self, size: int) -> None:
        """Throw away what is behind."""
        os.truncate(self._file, size)
        self._size = size

    def flush(self) -> None:
        """Wait until all is on the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Use it no more."""
        os.close(self._file)


class DiskFiles:
    """The files of one log: named by base offset with twenty digits, as Kafka names them.

    Args:
        directory: made where it is missing.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._open: dict[int, DiskFile] = {}

    def present(self) -> tuple[int, ...]:
        """The base offsets of the files that are there."""
        return tuple(sorted(int(path.stem) for path in self.directory.glob("*.log")))

    def open(self, base_offset: int) -> DiskFile:
        """The file of a segment."""
        file = self._open[base_offset] = DiskFile(self._path_of(base_offset))
        return file

    def replace(self, base_offset: int, data: bytes) -> DiskFile:
        """Write another file beside it, and rename that one: a crash leaves the old or the new."""
        self._close(base_offset)
        beside = self.directory / f"{base_offset:020}.cleaned"
        beside.unlink(missing_ok=True)
        made = DiskFile(beside)
        made.append(data)
        made.flush()
        beside.rename(self._path_of(base_offset))
        self._open[base_offset] = made
        return made

    def remove(self, base_offset: int) -> None:
        """Throw a file away."""
        self._close(base_offset)
        self._path_of(base_offset).unlink()

    def flush(self) -> None:
        """Wait until all files are on the disk, and their names."""
        for file in self._open.values():
            file.flush()
        directory = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def close(self) -> None:
        """Close all files."""
        for base_offset in list(self._open):
            self._close(base_offset)

    def _close(self, base_offset: int) -> None:
        file = self._open.pop(base_offset, None)
        if file is not None:
            file.close()

    def _path_of(self, base_offset: int) -> Path:
        return self.directory / f"{base_offset:020}.log"
