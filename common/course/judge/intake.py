"""Makes a clean workspace from whatever somebody has handed in.

A submission is a folder, a zip, a tar (also compressed), a git repository or a single file, and
nobody has looked at it. From it come regular files of the lab's own paths and nothing else: no
links, no devices, no bytecode, nothing that is too large, nothing outside of the workspace. What
was left out is told, a sentence each; a submission that cannot be read at all is such a sentence
too, so that one bad submission never stops the others.

A file in which there is nothing to write is the course's own, whatever was handed in for it: else a
client could end operations itself, and a check could always say yes.

Students pack as they like. A file is known by its room: ``cap/client.py``, with or without the
stage's folder above it, in however many folders. Where the room is nowhere, the files of one folder
are taken by their names alone; but what lies in the room of another lab is never taken for this
one's. Hidden folders, such as the one in which a workspace keeps its backups, do not count.
"""

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.judge.entries import Entry, Unreadable
from common.course.judge.parcels import open_parcel
from common.values.brief import brief
from common.values.errors import BadInput

MAX_FILE_BYTES = 1 << 20
"""The largest file that is taken: many times what any lab's reference has."""
MAX_NAMED = 5
"""So many of the files that were left out are named, the rest is counted."""
BYTECODE = (".pyc", ".pyo", ".so", ".pyd")
"""Endings of what Python would load instead of the text that we can read."""


@dataclass(frozen=True, slots=True)
class Room:
    """What is looked for: the files of one room.

    Args:
        folder: the room, relative to the workspace: ``stage1_foundations/cap``.
        files: the paths that count, relative to the room.
        others: the names of the rooms of other labs.
        supplied: SHA-256 of the files that are the course's own, by path relative to the room.
    """

    folder: str
    files: tuple[str, ...]
    others: frozenset[str] = frozenset()
    supplied: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The room's own name."""
        return PurePosixPath(self.folder).name


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of a submission.

    Args:
        taken: the lab's paths that are in the workspace now, sorted.
        refused: a sentence for each thing that was left out, or taken by its name alone.
        bare: whether the room was nowhere, so that files were taken by their names alone.
    """

    taken: tuple[str, ...]
    refused: tuple[str, ...]
    bare: bool = False


def room_of(course: Course, lab: Lab) -> Room:
    """What to look for in a submission of a lab: the files with its exercises."""
    room, files = course.room_of(lab), tuple(sorted({hole.file for hole in lab.holes}))
    supplied = {
        file.path: hashlib.sha256((room / file.path).read_bytes()).hexdigest()
        for file in lab.files
        if file.path not in files
    }
    return Room(lab.folder, files, frozenset(course.ids) - {lab.id}, supplied)


def take_in(submission: Path, room: Room, into: Path) -> Intake:
    """Copy a lab's files from a submission into a workspace.

    Args:
        submission: a folder, a zip, a tar, a git repository (the files of a working tree; of a
            bare one the last commit) or a single file.
        room: what to look for.
        into: the workspace's folder, made if need be.

    Returns:
        What was taken, and what was not and why.

    Raises:
        BadInput: ``into`` has something in it already, or cannot be written.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        if any(into.iterdir()):
            raise BadInput(f"{into} is not empty: a workspace is made from one submission alone")
    except OSError as error:
        raise BadInput(f"{into} cannot be a workspace: {error.strerror}") from None
    try:
        with open_parcel(submission) as parcel:
            entries, refused = _usable(parcel.entries())
            found, problems, bare = _assign(entries, room)
            copied = _copy({f"{room.folder}/{file}": found[file] for file in found}, into)
            changed = _changed(entries, found, room)
            left = _left_out(entries, found, room)
            refused = [*parcel.problems, *refused, *problems, *copied.refused, *changed, *left]
            return Intake(copied.taken, tuple(refused), bare)
    except Unreadable as error:
        return Intake((), (str(error),))


def _usable(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """The entries that may be looked at, and sentences for those that may not."""
    usable, refused = [], []
    for entry in entries:
        parts = PurePosixPath(entry.path).parts
        if entry.path.startswith("/") or ".." in parts or ":" in entry.path[:2]:
            refused.append(f"{_name(entry)} would lie outside of the workspace: left out")
        elif entry.kind != "file":
            refused.append(f"{_name(entry)} is {entry.kind}, not a file: left out")
        elif entry.path.endswith(BYTECODE) or "__pycache__" in parts:
            refused.append(f"{_name(entry)} is compiled code, which nobody can read: left out")
        else:
            usable.append(entry)
    return usable, _shortened(refused)


def _assign(entries: Sequence[Entry], room: Room) -> tuple[Mapping[str, Entry], list[str], bool]:
    """Which entry is which of the room's files, and whether that is told by their names alone."""
    places: dict[str, dict[str, list[Entry]]] = {}
    for entry in entries:
        for file in room.files:
            if entry.path == file or entry.path.endswith(f"/{file}"):
                folder = entry.path.removesuffix(file).rstrip("/")
                places.setdefault(folder, {}).setdefault(file, []).append(entry)
    seen = [folder for folder in places if not _is_hidden(folder)]
    named = [folder for folder in seen if PurePosixPath(folder).name == room.name]
    fitting = named or [f for f in seen if PurePosixPath(f).name not in room.others]
    if not fitting:
        listed = ", ".join(f"{room.name}/{file}" for file in room.files[:MAX_NAMED])
        return {}, [f"none of the lab's files is in there: {listed}"], False
    best, *others = sorted(fitting, key=lambda f: (-len(places[f]), f.count("/"), f))
    problems = [
        f"there is more than one copy of the lab's files; those in {_folder(best)} were taken, "
        f"those in {_folder(other)} were not"
        for other in others[: MAX_NAMED - 1]
    ]
    found: dict[str, Entry] = {}
    for file, same in sorted(places[best].items()):
        if len(same) > 1:
            problems.append(f"{room.name}/{file} is in there {len(same)} times: none was taken")
        else:
            found[file] = same[0]
    if not named:
        problems.append(
            f"{', '.join(found)} in {_folder(best)}: taken by name alone, for there is no folder "
            f"{room.name}"
        )
    return found, problems, not named


def _is_hidden(folder: str) -> bool:
    """Whether a folder is inside of a hidden one."""
    return any(part.startswith(".") for part in PurePosixPath(folder).parts[:-1])


def _copy(found: Mapping[str, Entry], into: Path) -> Intake:
    """Write the files, as ordinary files that anybody may read."""
    taken, refused = [], []
    for path, entry in found.items():
        if entry.size > MAX_FILE_BYTES:
            refused.append(f"{_name(entry)} has {entry.size:,} bytes, {_too_many()}")
            continue
        try:
            content = entry.read(MAX_FILE_BYTES + 1)
        except Unreadable as error:
            refused.append(str(error))
            continue
        if len(content) > MAX_FILE_BYTES:
            refused.append(f"{_name(entry)} has more bytes than it says, {_too_many()}")
            continue
        _write(into / path, content, 0o755 if entry.executable else 0o644)
        taken.append(path)
    for folder, _, _ in os.walk(into):
        with contextlib.suppress(PermissionError):
            os.chmod(folder, 0o755)
    return Intake(tuple(sorted(taken)), tuple(refused))


def _write(target: Path, content: bytes, mode: int) -> None:
    """Write one file. That it cannot be written is no fault of the submission's."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror}") from None


def _changed(entries: Sequence[Entry], found: Mapping[str, Entry], room: Room) -> list[str]:
    """Sentences on files of the course's own that are beside those that were taken, changed."""
    beside = {entry.path.removesuffix(file) for file, entry in found.items()}
    own = {f"{folder}{file}": digest for folder in beside for file, digest in room.supplied.items()}
    told = []
    for entry in entries:
        digest = own.get(entry.path, "")
        if digest and _digest(entry) != digest:
            told.append(
                f"{_name(entry)} has no exercise in it and is not as it was: the course's own is "
                "used instead"
            )
    return told


def _digest(entry: Entry) -> str:
    """SHA-256 of a file, with line ends as the course has them."""
    with contextlib.suppress(Unreadable):
        content = entry.read(MAX_FILE_BYTES).replace(b"\r\n", b"\n")
        return hashlib.sha256(content).hexdigest()
    return ""


def _left_out(entries: Sequence[Entry], found: Mapping[str, Entry], room: Room) -> list[str]:
    taken = {entry.path for entry in found.values()}
    taken |= {
        entry.path.removesuffix(file) + own
        for file, entry in found.items()
        for own in room.supplied
    }
    others = [entry for entry in entries if entry.path not in taken]
    return _shortened([f"{_name(entry)} is no file of this lab: left out" for entry in others])


def _shortened(sentences: list[str]) -> list[str]:
    """The first few sentences, and how many more there were."""
    if len(sentences) <= MAX_NAMED:
        return sentences
    return [*sentences[:MAX_NAMED], f"and {len(sentences) - MAX_NAMED:,} more like these"]


def _too_many() -> str:
    return f"and {MAX_FILE_BYTES:,} are the most that is taken: left out"


def _folder(path: str) -> str:
    return brief(path) if path else "the top folder"


def _name(entry: Entry) -> str:
    """An entry's name, fit to be shown: strange characters escaped, not too long."""
    shown = entry.path if entry.path.isprintable() else ascii(entry.path)[1:-1]
    return shown if len(shown) <= 120 else shown[:117] + "..."
