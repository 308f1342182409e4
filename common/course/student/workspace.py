"""The workspace: a student's own folder, laid out like the course, with holes to fill.

``work/stage4_consensus/raft/log.py`` takes the place of the course's ``stage4_consensus/raft/
log.py`` whenever the student's code is tested. A file that a student has edited is never
overwritten: where the next part of a lab needs a hole in it, only the function that the course
had supplied is opened, and what the file was is kept in a backup.
"""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.course.base import holes
from common.course.base.holes import handout
from common.course.base.manifest import Course, Hole, Lab
from common.course.student.state import FOLDER, LabState, StateFile
from common.values.errors import BadInput

NAME = "work"
"""What a workspace is called where nothing else is asked for."""

BACKUPS = "backups"

_PLACE = re.compile(r"\((\S+):\d+, in (\w+)\)$")
"""Where a failure happened, as :mod:`common.course.base.reasons` writes it."""


@dataclass(slots=True)
class Started:
    """What starting a lab has done, as paths and symbols.

    Attributes:
        written: files that are there now and were not, or had not been edited.
        kept: files with a student's edits; nothing of theirs was changed.
        opened: holes to fill.
        supplied: holes that the course has filled, since they belong to other parts.
        others: holes of other parts that are open too.
    """

    written: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    supplied: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


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
        folder = self.course.folder_of(lab).name
        return [self.root / folder / file.path for file in lab.files]

    def has(self, lab: Lab) -> bool:
        """Whether the lab was started: one of its files is here."""
        return any(path.is_file() for path in self.files(lab))

    def must_have(self, lab: Lab) -> None:
        """See that the lab was started and all its files are here.

        Raises:
            BadInput: it was not, or one is gone; the text says what to do.
        """
        if not self.has(lab):
            raise BadInput(
                f"lab {lab.id} was not started in {self.root}: lab start {lab.id} makes its files"
            )
        for path in self.files(lab):
            if not path.is_file():
                raise BadInput(
                    f"{path} is gone: lab start {lab.id} makes it anew and leaves your other files "
                    "as they are"
                )

    def unwritten(self, lab: Lab) -> list[str]:
        """The lab's holes that are still to be filled, in the order of the manifest.

        Raises:
            BadInput: a file is not Python, or a hole's function is gone; the text says which.
        """
        found = set()
        for path, symbols in self._symbols(lab):
            text = read(path)
            with_line = f"lab start {lab.id} does not touch it; mend it, or lab reset {lab.id}"
            try:
                gone = holes.missing(text, symbols)
                found.update(holes.unwritten(text, symbols))
            except BadInput as error:
                raise BadInput(f"{path}, {error}: {with_line}") from None
            if gone:
                raise BadInput(
                    f"there is no {gone[0]} in {path}: was it renamed? The tests need that name; "
                    f"lab reset {lab.id} {gone[0]} puts the empty one back"
                )
        return [hole.symbol for hole in lab.holes if hole.symbol in found]

    def start(self, lab: Lab, part: str | None = None) -> Started:
        """Make the lab's files with holes, or open those of one part.

        Raises:
            BadInput: there is no such part, an edited file is not Python, or a file cannot be
                written.
        """
        opened = {hole.symbol for hole in holes.open_holes(lab, part)}
        handed = handout(self.course, lab, part)
        done = Started()
        with self.state.changing() as state:
            known = state.lab(lab.id)
            for name, text in handed.items():
                path = self.root / name
                if path.is_file() and known.handed.get(name) != fingerprint(read(path)):
                    self._open(lab, path, opened, known, done)
                else:
                    write(path, text)
                    known.handed[name] = fingerprint(text)
                    done.written.append(path)
            edited = {hole.symbol for hole in lab.holes if self._path(lab, hole.file) in done.kept}
            empty = self._empty(lab)  # a handed-out copy of the course has nothing to supply
            others = [hole.symbol for hole in lab.holes if hole.symbol not in opened]
            done.others = [s for s in others if s in empty]
            done.supplied = [
                s for s in others if s not in empty and (s not in edited or s in known.supplied)
            ]
            known.supplied = list(done.supplied)
            known.part = part or ""
            state.current = lab.id
        unwritten = self.unwritten(lab)
        done.opened = [symbol for symbol in unwritten if symbol in opened]
        return done

    def reset(self, lab: Lab, part: str | None = None, symbol: str = "") -> Path:
        """Put the handout back, of the whole lab or of one function; returns the backup's folder.

        Raises:
            BadInput: there is nothing to reset, no such part or symbol, or a file cannot be
                written.
        """
        if symbol:
            path = self._path(lab, hole_named(lab, symbol).file)
            text = read(path)
            backup = self.back_up([path])
            fresh = handout(self.course, lab)[path.relative_to(self.root).as_posix()]
            if holes.missing(text, [symbol]):
                raise BadInput(
                    f"there is no {symbol} in {path} that could be emptied: give the function its "
                    f"name back, or lab reset {lab.id} puts all files back (yours are kept)"
                )
            write(path, holes.fill(text, fresh, [symbol]))
            return backup
        there = [path for path in self.files(lab) if path.is_file()]
        backup = self.back_up(there)
        with self.state.changing() as state:
            known = state.lab(lab.id)
            now = {path.relative_to(self.root).as_posix(): read(path) for path in there}
            known.handed = {name: fingerprint(text) for name, text in now.items()}
            known.supplied, known.tests = [], {}
        self.start(lab, part)
        return backup

    def back_up(self, paths: Sequence[Path]) -> Path:
        """Copy files to a folder of their own below ``.lab/backups``; returns it.

        Raises:
            BadInput: a copy cannot be written.
        """
        folder = self.root / FOLDER / BACKUPS
        number = 1
        while (chosen := folder / f"{number:04d}").exists():
            number += 1
        for path in paths:
            write(chosen / path.relative_to(self.root), read(path))
        return chosen

    def _open(self, lab: Lab, path: Path, opened: set[str], known: LabState, done: Started) -> None:
        """Open holes in an edited file, and supply those of other parts that are unwritten."""
        symbols = dict(self._symbols(lab)).get(path, [])
        before = text = read(path)
        reference = read(self.course.root / path.relative_to(self.root))
        try:
            empty = set(holes.unwritten(text, symbols))
            strip = [s for s in symbols if s in opened and s in known.supplied and s not in empty]
            supply = [s for s in symbols if s not in opened and s in empty]
            text = holes.strip(text, strip) if strip else text
            text = holes.fill(text, reference, supply) if supply else text
        except BadInput as error:
            raise BadInput(
                f"{path}, {error}: mend it, or put the handout back with lab reset {lab.id} "
                "(your file is kept)"
            ) from None
        known.supplied += supply
        if text != before:
            self.back_up([path])
            write(path, text)
        done.kept.append(path)

    def _empty(self, lab: Lab) -> set[str]:
        """The holes that are not written yet, in files that are there."""
        return {
            symbol
            for path, symbols in self._symbols(lab)
            for symbol in holes.unwritten(read(path), symbols)
        }

    def _symbols(self, lab: Lab) -> list[tuple[Path, list[str]]]:
        """The lab's files that have holes, with the holes."""
        return [
            (self._path(lab, file.path), named)
            for file in lab.files
            if (named := [hole.symbol for hole in lab.holes if hole.file == file.path])
        ]

    def _path(self, lab: Lab, file: str) -> Path:
        return self.root / self.course.folder_of(lab).name / file


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


def hole_named(lab: Lab, symbol: str) -> Hole:
    """The hole of this name; the method's name alone will do where only one has it.

    Raises:
        BadInput: there is none, or more than one; the text lists what there is.
    """
    exact = [hole for hole in lab.holes if hole.symbol == symbol]
    found = exact or [h for h in lab.holes if h.symbol.rpartition(".")[2] == symbol]
    if len(found) == 1:
        return found[0]
    known = ", ".join(hole.symbol for hole in (found or lab.holes))
    what = f"more than one hole is called {symbol}" if found else f"there is no hole {symbol!r}"
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
            if Path(file).as_posix().endswith(f"/{hole.file}")
            and hole.symbol.rpartition(".")[2] == function
        ),
        None,
    )


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
