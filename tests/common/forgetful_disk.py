"""A disk in memory that loses power, and then keeps of what was not synced whatever it likes.

POSIX promises little: what was written to a file is safe after fsync of the file, and its name is
safe after fsync of the directory. Before that, any prefix of the writes may have reached the disk,
the last of them in part, or as zeros where only the new length did; and any prefix of the changes
of names. This disk makes use of all of that.
"""

import errno
from pathlib import Path
from random import Random
from typing import TypeAlias

from common.runtime.files import Files


class PowerLoss(Exception):
    """The machine is off."""


Change: TypeAlias = tuple[int, bytes] | int
"""Bytes that were written at an offset, or the size that the file was cut to."""


class Content:
    """One file: what is surely on the disk, and what was done to it since."""

    def __init__(self, durable: bytes = b"") -> None:
        self.durable = durable
        self.since: list[Change] = []

    def now(self) -> bytes:
        """What a reader sees while there is power."""
        return _apply(self.durable, self.since)

    def after_power_loss(self, random: Random) -> bytes:
        """One of the things that may be found when the power is back."""
        kept = self.since[: random.randint(0, len(self.since))]
        if kept and isinstance(last := kept[-1], tuple):
            at, data = last
            part = random.randint(0, len(data))
            rest = random.choice((b"", bytes(len(data) - part)))
            kept[-1] = (at, data[:part] + rest)
        return _apply(self.durable, kept)


def _apply(content: bytes, changes: list[Change]) -> bytes:
    for change in changes:
        if isinstance(change, int):
            content = content[:change]
        else:
            at, data = change
            content = content[:at].ljust(at, b"\0") + data + content[at + len(data) :]
    return content


class ForgetfulDisk(Files):
    """The disk. After ``budget`` operations, or at once when it is 0, the power goes.

    Args:
        contents: the files that are on the disk, by path.
        budget: how many operations there is power for; None for ever.
        deaf: operations that it only pretends to do, to see that a test would notice.
    """

    def __init__(
        self,
        contents: dict[Path, bytes] | None = None,
        budget: int | None = None,
        deaf: tuple[str, ...] = (),
    ) -> None:
        self.names_now = {path: Content(data) for path, data in (contents or {}).items()}
        self.names_durable = dict(self.names_now)
        self.names_since: list[tuple[str, Path, Content | Path | None]] = []
        self.opened: list[Content] = []
        self.operations = 0
        self.budget = budget
        self.deaf = deaf

    def after_power_loss(self, random: Random) -> dict[Path, bytes]:
        """What is on the disk when the power is back."""
        names = dict(self.names_durable)
        for change in self.names_since[: random.randint(0, len(self.names_since))]:
            _rename(names, *change)
        return {path: content.after_power_loss(random) for path, content in names.items()}

    def _tick(self) -> None:
        if self.budget is not None and self.operations >= self.budget:
            raise PowerLoss
        self.operations += 1

    def _change(self, verb: str, path: Path, other: Content | Path | None) -> None:
        self._tick()
        _rename(self.names_now, verb, path, other)
        self.names_since.append((verb, path, other))

    def _open(self, content: Content) -> int:
        self.opened.append(content)
        return len(self.opened) - 1

    def make_directory(self, directory: Path) -> None:
        pass

    def names(self, directory: Path) -> list[str]:
        return sorted(path.name for path in self.names_now if path.parent == directory)

    def read(self, path: Path) -> bytes:
        if path not in self.names_now:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return self.names_now[path].now()

    def create(self, path: Path) -> int:
        content = Content()
        self._change("name", path, content)
        return self._open(content)

    def open(self, path: Path) -> int:
        return self._open(self.names_now[path])

    def write(self, file: int, data: bytes, at: int) -> None:
        self._tick()
        self.opened[file].since.append((at, bytes(data)))

    def sync(self, file: int) -> None:
        self._tick()
        if "sync" not in self.deaf:
            content = self.opened[file]
            content.durable, content.since = content.now(), []

    def cut(self, file: int, size: int) -> None:
        self._tick()
        self.opened[file].since.append(size)

    def close(self, file: int) -> None:
        pass

    def rename(self, old: Path, new: Path) -> None:
        self._change("rename", old, new)

    def remove(self, path: Path) -> None:
        self._change("remove", path, None)

    def sync_directory(self, directory: Path) -> None:
        self._tick()
        if "sync_directory" not in self.deaf:
            self.names_durable, self.names_since = dict(self.names_now), []

    def lock(self, path: Path) -> int:
        return -1


def _rename(
    names: dict[Path, Content], verb: str, path: Path, other: Content | Path | None
) -> None:
    if verb == "name" and isinstance(other, Content):
        names[path] = other
    elif verb == "rename" and isinstance(other, Path):
        names[other] = names.pop(path)
    else:
        del names[path]
