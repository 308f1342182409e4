"""The few things that the store asks of a disk, in one place.

Everything the store does to files goes through :class:`Files`, so that a test can put a disk in
its place which forgets, in every possible way, what was not yet synced.
"""

import fcntl
import os
import sys
from pathlib import Path
from typing import NoReturn

from common.values.errors import BadInput, LabError


class DiskFailed(LabError):
    """The disk did not do what it was asked: it is full, broken, or not ours to write.

    Indefinite: the changes that were on their way may or may not have become durable.
    """


class Files:
    """Real files. Methods raise OSError as :mod:`os` does, unless they say otherwise."""

    def make_directory(self, directory: Path) -> None:
        """Make a directory and those above it where they are missing, durably."""
        if not directory.is_dir():
            self.make_directory(directory.parent)
            directory.mkdir(exist_ok=True)
            self.sync_directory(directory.parent)

    def names(self, directory: Path) -> list[str]:
        """The names in a directory, sorted."""
        return sorted(os.listdir(directory))

    def read(self, path: Path) -> bytes:
        """The whole content of a file."""
        return path.read_bytes()

    def create(self, path: Path) -> int:
        """Make an empty file, in place of one that may be there, and open it for writing."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

    def open(self, path: Path) -> int:
        """Open a file for writing."""
        return os.open(path, os.O_WRONLY)

    def write(self, file: int, data: bytes, at: int) -> None:
        """Write all of ``data`` at an offset; the operating system may take it in pieces."""
        rest = memoryview(data)
        while rest:
            written = os.pwrite(file, rest, at)
            rest, at = rest[written:], at + written

    def sync(self, file: int) -> None:
        """Return when all that was written to the file would survive a loss of power."""
        if sys.platform == "darwin":  # there fsync stops at the drive's own cache
            fcntl.fcntl(file, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(file)

    def cut(self, file: int, size: int) -> None:
        """Drop what a file has beyond its first ``size`` bytes."""
        os.ftruncate(file, size)

    def close(self, file: int) -> None:
        """Close a file."""
        os.close(file)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name in the same directory, at once."""
        os.rename(old, new)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        os.unlink(path)

    def sync_directory(self, directory: Path) -> None:
        """Return when the names in the directory would survive a loss of power."""
        file = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def lock(self, path: Path) -> int:
        """Take a lock that ends with this process, and leave our process id in the file.

        Raises:
            BadInput: another process has it; the text names the process.
        """
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(file, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            _refuse(path, owner)
        os.pwrite(file, f"{os.getpid():<19}\n".encode(), 0)  # of one length, so never cut
        return file


def _refuse(path: Path, owner: str) -> NoReturn:
    raise BadInput(
        f"the data directory {path.parent} is in use by process {owner}: stop that process, or "
        "give this node a directory of its own"
    )
