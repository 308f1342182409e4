"""Makes a clean workspace from whatever somebody has handed in.

A submission is a folder, a zip, a tar (also compressed), a git repository or a single file, and
nobody has looked at it. From it come regular files of the lab's own paths and nothing else: no
links, no devices, no bytecode, nothing that is too large, nothing outside of the workspace. What
was left out is told, a sentence each; a submission that cannot be read at all is such a sentence
too, so that one bad submission never stops the others.

Students pack as they like: the lab's files are found also when they lie one or more folders deep
(``alice/stage1_foundations/echo/node.py``), or by their name alone.
"""

import contextlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from common.course.judge.entries import Entry, Unreadable
from common.course.judge.parcels import open_parcel
from common.values.errors import BadInput

MAX_FILE_BYTES = 1 << 20
"""The largest file that is taken: many times what any lab's reference has."""
MAX_NAMED = 5
"""So many of the files that were left out are named, the rest is counted."""
BYTECODE = (".pyc", ".pyo", ".so", ".pyd")
"""Endings of what Python would load instead of the text that we can read."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of a submission.

    Args:
        taken: the lab's paths that are in the workspace now, sorted.
        refused: a sentence for each thing that was left out.
    """

    taken: tuple[str, ...]
    refused: tuple[str, ...]


def take_in(submission: Path, lab_files: Collection[str], into: Path) -> Intake:
    """Copy the lab's files from a submission into a workspace.

    Args:
        submission: a folder, a zip, a tar, a git repository (the files of a working tree; of a
            bare one the last commit) or a single file.
        lab_files: the paths that count, relative to the workspace, such as
            ``stage1_foundations/echo/node.py``.
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
            found, problems = _assign(entries, sorted(lab_files))
            copied = _copy(found, into)
            left = _left_out(entries, found)
            refused = [*parcel.problems, *refused, *problems, *copied.refused, *left]
            return Intake(copied.taken, tuple(refused))
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


def _assign(
    entries: Sequence[Entry], lab_files: Sequence[str]
) -> tuple[Mapping[str, Entry], list[str]]:
    """Which entry is which of the lab's files."""
    prefixes: dict[str, int] = {}
    for entry in entries:
        for path in lab_files:
            if entry.path == path or entry.path.endswith("/" + path):
                prefix = entry.path.removesuffix(path)
                prefixes[prefix] = prefixes.get(prefix, 0) + 1
    if not prefixes:
        return _by_name(entries, lab_files)
    ranked = sorted(prefixes, key=lambda prefix: (-prefixes[prefix], prefix.count("/"), prefix))
    best = ranked[0]
    problems = [
        f"there is more than one copy of the lab's files; those in {_folder(best)} were taken, "
        f"those in {_folder(other)} were not"
        for other in ranked[1:MAX_NAMED]
    ]
    found: dict[str, Entry] = {}
    for path in lab_files:
        same = [entry for entry in entries if entry.path == best + path]
        if len(same) > 1:
            problems.append(f"{path} is in there {len(same)} times: none of them was taken")
        elif same:
            found[path] = same[0]
    return found, problems


def _by_name(
    entries: Sequence[Entry], lab_files: Sequence[str]
) -> tuple[Mapping[str, Entry], list[str]]:
    """Files that were handed in without their folders."""
    names = [PurePosixPath(path).name for path in lab_files]
    found: dict[str, Entry] = {}
    problems = []
    for path, name in zip(lab_files, names, strict=True):
        same = [entry for entry in entries if PurePosixPath(entry.path).name == name]
        if len(same) == 1 and names.count(name) == 1:
            found[path] = same[0]
        elif same:
            problems.append(f"{name} is in there {len(same)} times, without its folder {path}")
    if not found:
        problems.append(f"none of the lab's files is in there: {', '.join(lab_files[:MAX_NAMED])}")
    return found, problems


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


def _left_out(entries: Sequence[Entry], found: Mapping[str, Entry]) -> list[str]:
    taken = {entry.path for entry in found.values()}
    others = [entry for entry in entries if entry.path not in taken]
    return _shortened([f"{_name(entry)} is no file of this lab: left out" for entry in others])


def _shortened(sentences: list[str]) -> list[str]:
    """The first few sentences, and how many more there were."""
    if len(sentences) <= MAX_NAMED:
        return sentences
    return [*sentences[:MAX_NAMED], f"and {len(sentences) - MAX_NAMED:,} more like these"]


def _too_many() -> str:
    return f"and {MAX_FILE_BYTES:,} are the most that is taken: left out"


def _folder(prefix: str) -> str:
    return repr(prefix.rstrip("/")) if prefix else "the top folder"


def _name(entry: Entry) -> str:
    """An entry's name, fit to be shown: strange characters escaped, not too long."""
    shown = entry.path if entry.path.isprintable() else ascii(entry.path)[1:-1]
    return shown if len(shown) <= 120 else shown[:117] + "..."
