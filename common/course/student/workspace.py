"""The workspace: a student's own folder, laid out like the course, with holes to fill.

``work/stage4_consensus/raft/log.py`` takes the place of the course's ``stage4_consensus/raft/
log.py`` whenever the student's code is tested. How files come into it says
:mod:`common.course.student.handing_out`.
"""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from common.course.base.course import Course
from common.course.base.lab import Hole, Lab
from common.course.base.symbols import functions, missing, unwritten
from common.course.student.state import FOLDER, StateFile
from common.values.errors import BadInput

NAME = "work"
"""What a workspace is called where nothing else is asked for."""

_PLACE = re.compile(r"\((\S+):\d+, in (\w+)\)$")
"""Where a failure happened, as :mod:`common.course.base.reasons` writes it."""


class Workspace:
    """A student's folder.

    Args:
        root: the folder; it need not be there yet.
        course: the course that it belongs to.
        warn: called with a sentence if what it remembers is damaged.
    """

    def __init__(
        self, root: Path, course: Course, warn: Callable[[str], object] = lambda _: None
    ) -> None:
        self.root = root
        self.course = course
        self.state = StateFile(root, warn)

    def files(self, lab: Lab) -> list[Path]:
        """Where the lab's files are, or would be."""
        return [self.root / path for path in lab.paths]

    def has(self, lab: Lab) -> bool:
        """Whether the lab was started: one of its files is here, or was and is gone since."""
        return any(map(Path.is_file, self.files(lab))) or bool(self._handed(lab))

    def must_have(self, lab: Lab) -> None:
        """See that the lab was started, and that all its files with holes, or handed out, are here.

        Raises:
            BadInput: it was not, or one is gone; the text says what to do.
        """
        if not self.has(lab):
            raise BadInput(
                f"lab {lab.id} was not started in {self.root}: lab start {lab.id} makes its files"
            )
        wanted = {path for path, _ in self.holes(lab)} | self._handed(lab)
        for path in self.files(lab):
            if path in wanted and not path.is_file():
                raise BadInput(
                    f"{path} is gone: lab start {lab.id} makes it anew and leaves your other files "
                    "as they are"
                )

    def must_be_whole(self, lab: Lab) -> None:
        """See that nothing of the course's would be tested in the place of the student's own.

        Raises:
            BadInput: a file is gone or is not Python, or has lost a function that the tests need.
        """
        from common.course.base.implementation import check_workspace, run_script  # takes long

        if run_script(self.root) is not None:
            return
        if not self._handed(lab):
            check_workspace(self.root, lab)
        self.must_have(lab)
        self.unwritten(lab)

    def unwritten(self, lab: Lab) -> list[str]:
        """The lab's holes that are still to be filled, in the order of the manifest.

        Raises:
            BadInput: a file is not Python, or a hole's function is gone; the text says which.
        """
        found: set[str] = set()
        for path, inside in self.holes(lab):
            symbols = [hole.symbol for hole in inside]
            text = read(path)
            try:
                gone = missing(text, symbols)
                found |= names_of(inside, unwritten(text, symbols))
            except BadInput as error:
                raise not_python(path, error, lab) from None
            if gone:
                name = _outermost_gone(text, gone[0])
                raise BadInput(
                    f"there is no {name} in {path}: was it renamed? The tests need that name: give "
                    f"it back, or lab reset {lab.id} puts the empty file back and keeps yours"
                )
        return [hole.name for hole in lab.holes if hole.name in found]

    def holes(self, lab: Lab) -> list[tuple[Path, tuple[Hole, ...]]]:
        """The lab's files that have holes, with the holes."""
        return [
            (self.path(lab, file.path), inside)
            for file in lab.files
            if (inside := lab.holes_in(file.path))
        ]

    def _handed(self, lab: Lab) -> set[Path]:
        """Where the files are that were handed out, whether they are still there or not."""
        return {self.root / path for path in self.state.read().lab(lab.id).handed}

    def path(self, lab: Lab, file: str) -> Path:
        """Where one of the lab's files is; ``file`` is relative to the lab's room."""
        return self.root / lab.path(file)


def find_workspace(course: Course, named: Path | None, warn: Callable[[str], object]) -> Workspace:
    """The workspace that is meant: the named one, or the nearest from here upwards.

    That is this folder or one above it that is a workspace, or that has one called ``work``. Where
    there is none, it is ``work`` in this folder, which then is not there yet.
    """
    if named is not None:
        return Workspace(named, course, warn)
    here = Path.cwd()
    for folder in (here, *here.parents):
        for candidate in (folder, folder / NAME):
            if (candidate / FOLDER).is_dir():
                return Workspace(Path(os.path.relpath(candidate)), course, warn)
    return Workspace(Path(NAME), course, warn)


def names_of(inside: Sequence[Hole], symbols: Sequence[str]) -> set[str]:
    """The names of the holes of one file that have these symbols."""
    return {hole.name for hole in inside if hole.symbol in symbols}


def hole_named(lab: Lab, name: str) -> Hole:
    """The hole of this name; the method's name alone will do where only one has it.

    Raises:
        BadInput: there is none, or more than one; the text lists what there is.
    """
    exact = [hole for hole in lab.holes if hole.name == name]
    found = exact or [h for h in lab.holes if h.symbol.rpartition(".")[2] == name]
    if len(found) == 1:
        return found[0]
    known = ", ".join(hole.name for hole in (found or lab.holes))
    what = f"more than one hole is called {name}" if found else f"there is no hole {name!r}"
    raise BadInput(f"lab {lab.id}: {what}; write one of: {known}")


def blamed(lab: Lab, why: str) -> Hole | None:
    """The hole in whose code a test failed, if its reason names the place."""
    place = _PLACE.search(why)
    if place is None:
        return None
    file, function = place.groups()
    return next(
        (
            hole
            for hole in lab.holes
            if Path(file).as_posix().endswith(lab.path(hole.file))
            and hole.symbol.rpartition(".")[2] == function
        ),
        None,
    )


def not_python(path: Path, error: BadInput, lab: Lab) -> BadInput:
    """The error about a file, from that of :mod:`common.course.base.symbols` about its text."""
    line, _, what = str(error).removeprefix("line ").partition(": ")
    return BadInput(
        f"{path}:{line}: this is not Python: {what}: mend the line, or lab reset {lab.id} puts the "
        "empty file back and keeps yours"
    )


def _outermost_gone(text: str, symbol: str) -> str:
    """What is gone from a file: a method, or the whole class that it belongs to."""
    owner, _, _ = symbol.rpartition(".")
    there = any(name.startswith(f"{owner}.") for name in functions(text))
    return symbol if there or not owner else owner


def fingerprint(text: str) -> str:
    """What tells whether a file was edited; line ends do not count."""
    return hashlib.sha256("\n".join(text.splitlines()).encode()).hexdigest()


def read(path: Path) -> str:
    """The text of a file, line ends as they are.

    Raises:
        BadInput: it cannot be read, or is not text.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text in UTF-8: save it in that encoding") from None


def write(path: Path, text: str) -> None:
    """Write a file, and the folders that it is in, at once or not at all.

    Raises:
        BadInput: it cannot be written.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(text.encode())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None
