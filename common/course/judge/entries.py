"""One entry of something that was handed in, and what can be wrong with it."""

import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from common.values.brief import LONGEST

MAX_ENTRIES = 10_000
"""So many entries of a submission are looked at, folders and what is skipped among them."""

DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OverflowError,
    NotImplementedError,  # a way to compress that zipfile does not know
    RuntimeError,  # a password is asked for
    ValueError,
    OSError,
    MemoryError,
)
"""What the standard library raises when an archive is not what it says."""


class Unreadable(Exception):
    """A submission, or a file in it, that cannot be read; the text is a sentence for a report."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a parcel.

    Args:
        path: where it says it lies, with ``/`` between folders.
        kind: ``file``, or what it is instead (``a link``, ``a device``).
        size: how many bytes it says it has.
        executable: whether it says that it can be run.
        content: reads at most so many bytes of it.
    """

    path: str
    kind: str
    size: int
    executable: bool
    content: Callable[[int], bytes] = field(repr=False)

    def read(self, most: int) -> bytes:
        """At most ``most`` bytes of it.

        Raises:
            Unreadable: it is damaged, or locked.
        """
        try:
            return self.content(most)
        except (Unreadable, *DAMAGED) as error:
            shown = self.path if self.path.isprintable() else ascii(self.path)
            shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."
            raise Unreadable(f"{shown} cannot be read: {told(error)}") from None


class Parcel(Protocol):
    """A submission that has been opened."""

    problems: list[str]

    def entries(self) -> Sequence[Entry]:
        """All that is in it, within bounds."""
        ...


def read_file(path: Path, most: int) -> bytes:
    """At most so many bytes of a regular file, and of nothing that only looks like one.

    Raises:
        OSError, ValueError: it is a link, a pipe, a device, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no file")
        return file.read(most)


def told(error: BaseException) -> str:
    """An error of the standard library in one line, without the path that it may name: a report
    has no place for where something was on the machine of the one who grades."""
    if isinstance(error, MemoryError):
        return "it needs too much memory"
    reason = error.strerror if isinstance(error, OSError) else None
    text = (reason or str(error)).strip().splitlines()
    return text[0][:200] if text else type(error).__name__


def too_many() -> str:
    """The sentence for a submission with too many files."""
    return f"it has more than {MAX_ENTRIES:,} files: the rest was not looked at"
