"""Folders for a while: removed by who made them, and by the next run where that one was killed.

Each has a lock file, which its process keeps locked (flock(2)) as long as it lives. A folder whose
lock nobody holds belongs to nobody; where there are no such locks, nobody's folder is removed.
"""

import contextlib
import functools
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.course.base.course import Course

if sys.platform != "win32":
    import fcntl

PREFIX = "lab-"
FRESH = ".lab-fresh-"
"""How a folder is called until its lock is held: nobody takes it for an abandoned one."""
LOCK = ".lock"


class Scratch:
    """A folder for a while; a context manager.

    Args:
        name: what it is for: it is called ``lab-NAME-...``.

    Attributes:
        path: where it is.
    """

    def __init__(self, name: str) -> None:
        sweep(tempfile.gettempdir())
        fresh = Path(tempfile.mkdtemp(prefix=FRESH))
        self._lock = os.open(fresh / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if sys.platform != "win32":
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = fresh.with_name(f"{PREFIX}{name}-{fresh.name.removeprefix(FRESH)}")
        fresh.rename(self.path)

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()


@functools.cache
def sweep(place: str) -> None:
    """Remove what runs that were killed have left there; done once by each process."""
    if sys.platform == "win32":
        return
    for lock in Path(place).glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), lock.open("rb+") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def without_places(text: str, names: Mapping[Path, str]) -> str:
    """A sentence in which no folder or file of this machine is named.

    Args:
        text: the sentence.
        names: what each place is called instead.
    """
    for place, name in names.items():
        for path in _paths(place):
            text = text.replace(path, name)
    return text


def without_scratch(text: str, workspace: Path, course: "Course") -> str:
    """A sentence without the path of a scratch folder, which differs each time.

    Args:
        text: the sentence.
        workspace: where the files of a submission are; they are named as the course has them.
        course: whose stages they may be in.
    """
    for path in _paths(workspace):
        text = text.replace(f"{path}/", "").replace(path, "the submission")
    packages = "|".join(map(re.escape, course.packages))
    # A stranger may have written the text. So a match begins only where such a path does, and there
    # is one way to read it: else a thousand "../" take minutes.
    above = r"(?:(?:\.\./)+(?:\.?[\w-][\w.-]*/)*)?"
    return re.sub(rf"(?<![\w./-]){above}work/(?={packages})", "", text)


def _paths(place: Path) -> tuple[str, ...]:
    return str(place.resolve()), str(place.absolute())
