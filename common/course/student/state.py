"""What the course remembers of a student: a small file in the workspace, ``.lab/progress.json``.

It is the student's own file and proves nothing to anybody: marks come from ``lab grade``. So it is
written whole, beside the old one, and put in its place at once; and one that cannot be read is
kept under another name, and costs nobody their code.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from common.course.suites.suite import TestResult
from common.values.errors import BadInput

FOLDER = ".lab"
NAME = "progress.json"
VERSION = 1


class LabState(msgspec.Struct, kw_only=True):
    """What is known of one lab.

    Attributes:
        part: the part that was started last; "" for the whole lab.
        handed: by path in the workspace, the fingerprint of the text that was handed out.
        supplied: the holes that are filled with the course's own code.
        hints: by hole, how many of its hints were shown.
        given_up: the holes whose solution was shown before they passed.
        tests: by name, how each graded test ended when it was run last.
    """

    part: str = ""
    handed: dict[str, str] = {}
    supplied: list[str] = []
    hints: dict[str, int] = {}
    given_up: list[str] = []
    tests: dict[str, TestResult] = {}

    def earned(self, names: set[str] | None = None) -> int:
        """The points of the tests that passed when they were run last; of these names, or all."""
        tested = self.tests.items()
        return sum(t.points for name, t in tested if t.passed and (names is None or name in names))


class State(msgspec.Struct, kw_only=True):
    """What is known of one student.

    Attributes:
        version: of this format.
        current: the lab that was worked at last; "" for none.
        labs: by id.
    """

    version: int = VERSION
    current: str = ""
    labs: dict[str, LabState] = {}

    def lab(self, id: str) -> LabState:
        """What is known of a lab, made if there is nothing yet."""
        return self.labs.setdefault(id, LabState())


class StateFile:
    """The file of a workspace.

    Args:
        workspace: the student's folder.
        warn: called with a sentence if the file cannot be read.
    """

    def __init__(self, workspace: Path, warn: Callable[[str], object] = lambda _: None) -> None:
        self.path = workspace / FOLDER / NAME
        self._warn = warn

    def read(self) -> State:
        """What the file says; nothing, if there is none or it is damaged.

        A damaged file is kept beside, and a sentence says where.

        Raises:
            BadInput: a newer version of the course wrote it.
        """
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return State()
        except OSError as error:
            raise BadInput(f"{self.path} cannot be read: {error.strerror}") from None
        with suppress(msgspec.MsgspecError):
            version = msgspec.json.decode(raw, type=_Versioned).version
            if version > VERSION:
                raise BadInput(
                    f"{self.path} was written by a newer version of the course ({version}, this "
                    f"one knows {VERSION}): update the course"
                )
            return msgspec.json.decode(raw, type=State)
        kept = self._free_name()
        self.path.replace(kept)
        self._warn(
            f"{self.path} is damaged, so progress begins anew; the file is kept as {kept}, and "
            "your code was not touched: lab test LAB finds out again what passes"
        )
        return State()

    @contextmanager
    def changing(self) -> Iterator[State]:
        """What the file says, to be changed; it is written when the block ends without an error.

        Raises:
            BadInput: it cannot be written.
        """
        state = self.read()
        yield state
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_suffix(f".{os.getpid()}.new")
            with fresh.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise BadInput(f"{self.path} cannot be written: {error.strerror}") from None

    def _free_name(self) -> Path:
        number = 1
        while (name := self.path.with_name(f"progress.damaged-{number}.json")).exists():
            number += 1
        return name


class _Versioned(msgspec.Struct):
    version: int
