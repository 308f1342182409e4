"""What was derived of the labs, kept between two runs, for ``lab list`` has to start at once.

To know all labs, every file of a lab and of a suite is parsed. What comes of it depends on these
files and on nothing else, so each lab is kept beside the time and the size of each of its files.
What cannot be read here is as good as not there: then the files are parsed again.
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
clock, so its lab is not kept yet (as git does it with its index)."""

CODE = Path(__file__).parent


class _Kept(msgspec.Struct, frozen=True):
    stamp: str
    lab: Lab


_ALL = msgspec.json.Decoder(dict[str, _Kept])


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
        """By their ids all labs of which no file has changed since."""
        try:
            kept = _ALL.decode((self._root / FILE).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return {}
        stamps = self._stamps()
        return {id: of.lab for id, of in kept.items() if of.stamp == stamps.get(id, ("", 0.0))[0]}

    def write(self, labs: Sequence[Lab]) -> None:
        """Keep them; where nothing can be written, nothing is kept."""
        stamps, settled = self._stamps(), time.time() - SETTLED
        keep = {
            lab.id: _Kept(stamps[lab.id][0], lab) for lab in labs if stamps[lab.id][1] < settled
        }
        path = self._root / FILE
        fresh = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(keep))
            fresh.replace(path)

    def _stamps(self) -> dict[str, tuple[str, float]]:
        """For each lab what tells whether it has changed, and when something of it did last.

        A lab has changed also if other labs are before it now, on which it may stand."""
        digest = hashlib.sha256()
        for name, changed, size in sorted(_files(CODE)):
            digest.update(f"{name} {changed} {size}\n".encode())
        stamps = {}
        for room in self._rooms:
            digest.update(f"{room}\n".encode())
            id = room.rpartition("/")[2]
            stamps[id] = self._stamp(room, digest.copy())
        return stamps

    def _stamp(self, room: str, digest: "hashlib._Hash") -> tuple[str, float]:
        suite, page = f"tests/{room}", f"docs/labs/{room.rpartition('/')[2]}.md"
        digest.update(f"{(self._root / page).exists()}\n".encode())
        latest = 0.0
        for folder in (room, f"{room}/schedules", suite):
            for name, changed, size in sorted(_files(self._root / folder)):
                digest.update(f"{folder}/{name} {changed} {size}\n".encode())
                latest = max(latest, changed / 1e9)
        return digest.hexdigest(), latest


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, time of the last change and size of each file on which a lab depends."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".py", ".yaml")):
                found = entry.stat()
                yield entry.name, found.st_mtime_ns, found.st_size
