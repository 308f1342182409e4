"""What was derived of the labs, kept between two runs, for ``lab list`` has to start at once.

To know all labs, every file of a lab and of a suite is parsed. What comes of it depends on these
files and on nothing else, so it is kept beside the time and the size of each of them. Whatever
cannot be read here is as good as not there: then the files are parsed again.
"""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from common.course.base.lab import Lab

FILE = Path(".cache/labs.json")
"""Where it is kept, relative to the repository."""

SETTLED = 2.0
"""Seconds: a file that was changed less than that ago may change again at the same time of its
clock, so nothing is kept yet (as git does it with its index)."""

CODE = Path(__file__).parent


class _Kept(msgspec.Struct, frozen=True):
    stamp: str
    labs: tuple[Lab, ...]


class Kept:
    """The labs as they were read last.

    Args:
        root: the repository.
        rooms: the folders of all labs, relative to it, in the order of the course.
    """

    def __init__(self, root: Path, rooms: Sequence[str]) -> None:
        self._root = root
        self._rooms = rooms

    def read(self) -> dict[str, Lab]:
        """All labs by their ids, if no file has changed since; else none."""
        try:
            kept = msgspec.json.decode((self._root / FILE).read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError):
            return {}
        return {lab.id: lab for lab in kept.labs} if kept.stamp == self._stamp()[0] else {}

    def write(self, labs: Sequence[Lab]) -> None:
        """Keep them; where nothing can be written, nothing is kept."""
        stamp, latest = self._stamp()
        if latest > time.time() - SETTLED:
            return
        path = self._root / FILE
        fresh = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(_Kept(stamp, tuple(labs))))
            fresh.replace(path)

    def _stamp(self) -> tuple[str, float]:
        """What tells whether anything has changed, and when something did last."""
        digest, latest = hashlib.sha256(), 0.0
        for room in self._rooms:
            suite, page = f"tests/{room}", f"docs/labs/{room.rpartition('/')[2]}.md"
            digest.update(f"{room} {(self._root / page).exists()}\n".encode())
            for folder in (room, f"{room}/schedules", suite):
                for name, changed, size in sorted(_files(self._root / folder)):
                    digest.update(f"{folder}/{name} {changed} {size}\n".encode())
                    latest = max(latest, changed / 1e9)
        for name, changed, size in sorted(_files(CODE)):
            digest.update(f"{name} {changed} {size}\n".encode())
        return digest.hexdigest(), latest


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, time of the last change and size of each file on which a lab depends."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".py", ".yaml")):
                found = entry.stat()
                yield entry.name, found.st_mtime_ns, found.st_size
