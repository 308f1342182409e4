"""Handing out: a lab's files with holes come into a workspace, and holes come back into it.

A file that a student has edited is never overwritten: where the next part of a lab needs a hole in
it, only the function that the course had supplied is opened, and what the file was is kept in a
backup.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.course.base import holes, symbols
from common.course.base.holes import handout
from common.course.base.lab import Lab
from common.course.student.state import FOLDER, LabState
from common.course.student.workspace import (
    Workspace,
    fingerprint,
    hole_named,
    names_of,
    not_python,
    read,
    write,
)
from common.values.errors import BadInput

BACKUPS = "backups"


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


def start(workspace: Workspace, lab: Lab, part: str | None = None) -> Started:
    """Make the lab's files with holes, or open those of one part.

    Raises:
        BadInput: there is no such part, an edited file is not Python, or a file cannot be written.
    """
    opened = {hole.name for hole in symbols.open_holes(lab, part)}
    handed = handout(workspace.course, lab, part)
    done = Started()
    with workspace.state.changing() as state:
        known = state.lab(lab.id)
        for name, text in handed.items():
            path = workspace.root / name
            if path.is_file() and known.handed.get(name) != fingerprint(read(path)):
                _open(workspace, lab, path, opened, known, done)
            else:
                write(path, text)
                known.handed[name] = fingerprint(text)
                done.written.append(path)
        edited = {hole.name for hole in lab.holes if workspace.path(lab, hole.file) in done.kept}
        empty = _empty(workspace, lab)  # a handed-out copy of the course has nothing to supply
        others = [hole.name for hole in lab.holes if hole.name not in opened]
        done.others = [name for name in others if name in empty]
        done.supplied = [
            name
            for name in others
            if name not in empty and (name not in edited or name in known.supplied)
        ]
        known.supplied = list(done.supplied)
        known.part = part or ""
        state.current = lab.id
    done.opened = [name for name in workspace.unwritten(lab) if name in opened]
    return done


def reset(workspace: Workspace, lab: Lab, part: str | None = None, name: str = "") -> Path:
    """Put the handout back, of the whole lab or of one function; returns the backup's folder.

    Raises:
        BadInput: there is nothing to reset, no such part or hole, or a file cannot be written.
    """
    if name:
        hole = hole_named(lab, name)
        path, symbol = workspace.path(lab, hole.file), hole.symbol
        text = read(path)
        backup = back_up(workspace, [path])
        fresh = handout(workspace.course, lab)[lab.path(hole.file)]
        if symbols.missing(text, [symbol]):
            raise BadInput(
                f"there is no {symbol} in {path} that could be emptied: give the function its "
                f"name back, or lab reset {lab.id} puts all files back (yours are kept)"
            )
        write(path, holes.fill(text, fresh, [symbol]))
        return backup
    there = [path for path in workspace.files(lab) if path.is_file()]
    backup = back_up(workspace, there)
    with workspace.state.changing() as state:
        known = state.lab(lab.id)
        now = {path.relative_to(workspace.root).as_posix(): read(path) for path in there}
        known.handed = {name: fingerprint(text) for name, text in now.items()}
        known.supplied, known.tests = [], {}
    start(workspace, lab, part)
    return backup


def back_up(workspace: Workspace, paths: Sequence[Path]) -> Path:
    """Copy files to a folder of their own below ``.lab/backups``; returns it.

    Raises:
        BadInput: a copy cannot be written.
    """
    folder = workspace.root / FOLDER / BACKUPS
    number = 1
    while (chosen := folder / f"{number:04d}").exists():
        number += 1
    for path in paths:
        write(chosen / path.relative_to(workspace.root), read(path))
    return chosen


def _open(
    workspace: Workspace, lab: Lab, path: Path, opened: set[str], known: LabState, done: Started
) -> None:
    """Open holes in an edited file, and supply those of other parts that are unwritten."""
    inside = dict(workspace.holes(lab)).get(path, ())
    before = text = read(path)
    reference = read(workspace.course.root / path.relative_to(workspace.root))
    try:
        empty = set(symbols.unwritten(text, [hole.symbol for hole in inside]))
        written = [hole for hole in inside if hole.symbol not in empty]
        strip = [h.symbol for h in written if h.name in opened and h.name in known.supplied]
        supply = [h for h in inside if h.name not in opened and h.symbol in empty]
        text = holes.strip(text, strip) if strip else text
        text = holes.fill(text, reference, [h.symbol for h in supply]) if supply else text
    except BadInput as error:
        raise not_python(path, error, lab) from None
    known.supplied += [hole.name for hole in supply]
    if text != before:
        back_up(workspace, [path])
        write(path, text)
    done.kept.append(path)


def _empty(workspace: Workspace, lab: Lab) -> set[str]:
    """The holes that are not written yet, in files that are there."""
    return {
        name
        for path, inside in workspace.holes(lab)
        for name in names_of(inside, symbols.unwritten(read(path), [h.symbol for h in inside]))
    }
