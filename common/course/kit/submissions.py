"""A folder of submissions: one folder, archive, git repository or file per student.

The name of the entry is the student. What is in an entry is a stranger's: it is read in a process
of its own by :mod:`common.course.judge.apart`, which takes the labs' own files and nothing else.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.judge.apart import Taken, take_in_apart
from common.course.judge.intake import Room, room_of
from common.course.judge.parcels import ARCHIVES
from common.course.student.state import FOLDER, NAME, State
from common.values.errors import BadInput

ENDINGS = (*ARCHIVES, ".py")
"""Files that can be a submission; others lie beside them for another reason."""

OURS = frozenset({"scores.csv", "scores.json", "moodle.csv"})
"""What the folder of reports has besides a folder for each student."""

MAX_NAME = 120
"""So many letters of a student's name are kept: file systems have limits."""

_NO_NEWS = ("is no file of this lab: left out", "more like these")
_HINTS = "hints"
"""The room of a student's own notes; no lab has such a name, for it is none in Python."""

_MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_file_?.*")
"""How Moodle names the folders of "download all submissions"."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What one student handed in.

    Attributes:
        student: the name of the entry, without ``.zip`` or ``.git``, fit to be shown and to name a
            folder of ours.
        path: where it is.
        problem: why it cannot be taken in at all, a sentence; "" if it can be tried.
    """

    student: str
    path: Path
    problem: str = ""

    @property
    def moodle(self) -> tuple[str, str]:
        """The full name and Moodle's number of the participant; "" for the number elsewhere."""
        found = _MOODLE.fullmatch(self.student)
        return (found["name"], found["number"]) if found else (self.student, "")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The files of one lab that a submission has.

    Attributes:
        files: by path relative to the repository, the bytes.
        digest: SHA-256 of paths and bytes.
        problem: why there are none, a sentence for the student; "" if there are.
        notes: what was left out.
        bare: whether the lab's room was not there, so that files were known by their names alone.
    """

    files: dict[str, bytes]
    digest: str
    problem: str = ""
    notes: tuple[str, ...] = ()
    bare: bool = False


def find_submissions(folder: Path) -> list[Submission]:
    """The entries of a folder, in the order of their names; hidden ones are left out.

    Raises:
        BadInput: there is no such folder, it is empty, or two entries are one student's.
    """
    if not folder.is_dir():
        raise BadInput(
            f"there is no folder {folder}: it holds one folder, archive or repository per student"
        )
    found: dict[str, Submission] = {}
    for path in sorted(folder.iterdir()):
        one = _submission(path)
        if one is None:
            continue
        if one.student in found:
            raise BadInput(
                f"{folder} has two submissions of {one.student}: {found[one.student].path.name} "
                f"and {path.name}: keep the one that counts"
            )
        found[one.student] = one
    if not found:
        raise BadInput(f"{folder} has no submission: neither a folder nor a file {ENDINGS}")
    return list(found.values())


def _submission(path: Path) -> Submission | None:
    if path.name.startswith("."):
        return None
    if path.is_symlink():
        problem = "it is a link, and links are not followed: hand in the files themselves"
        return Submission(_student(path.name), path, f"the submission cannot be tested: {problem}")
    if path.is_dir():
        return Submission(_student(path.name.removesuffix(".git")), path)
    ending = next((each for each in ENDINGS if path.name.lower().endswith(each)), "")
    return Submission(_student(path.name[: -len(ending)]), path) if ending else None


def _student(name: str) -> str:
    """The name of an entry, as it is shown and as the name of a folder of reports.

    Bytes that are no UTF-8 and characters that cannot be seen are escaped; a name that is too long
    is cut, and a name of ours gets an end of its own."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    shown = text if text.isprintable() else ascii(text)[1:-1]
    if len(shown.encode()) > MAX_NAME and shown != name:
        shown = f"{shown[: MAX_NAME // 4]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
    ours = shown.lower().removesuffix(".new") in OURS
    return f"{shown}-submission" if ours or not shown.strip(".") else shown


@dataclass(frozen=True, slots=True)
class Received:
    """A submission that was taken in.

    Attributes:
        accepted: by the labs' ids.
        hints: by the labs' ids, how many hints of each hole were shown, as the student's own
            workspace says. It proves nothing (see :mod:`common.course.student.state`): what is not
            there was not taken.
    """

    accepted: Mapping[str, Accepted]
    hints: Mapping[str, tuple[int, ...]]


def receive(submission: Submission, course: Course, labs: Sequence[Lab]) -> Received:
    """Take a submission in; whatever is wrong with it is told, not raised.

    Raises:
        BadInput: this machine cannot take it in: the disk is full, say. That is nobody's mark.
    """
    if submission.problem:
        return Received({lab.id: Accepted({}, "", submission.problem) for lab in labs}, {})
    rooms = {lab.id: room_of(course, lab) for lab in labs}
    taken = take_in_apart(submission.path, {**rooms, _HINTS: Room(FOLDER, (NAME,))})
    return Received(
        {lab.id: _accepted(taken[lab.id], lab) for lab in labs}, _hints_in(taken[_HINTS])
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes submissions in, each once, some at a time.

    Attributes:
        course: the course.
    """

    course: Course
    _received: dict[Path, Received] = field(default_factory=dict)

    def receive(self, submissions: Sequence[Submission]) -> list[Received]:
        """All of them, in the same order, with the files of all labs."""
        waiting = [each for each in submissions if each.path not in self._received]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for each, got in zip(waiting, pool.map(self._receive, waiting), strict=True):
                self._received[each.path] = got
        return [self._received[each.path] for each in submissions]

    def _receive(self, submission: Submission) -> Received:
        return receive(submission, self.course, self.course.labs)


def _accepted(taken: Taken, lab: Lab) -> Accepted:
    files, told = dict(taken.files), taken.intake.refused
    if not files:
        why = next(iter(told), f"it has none of the lab's files, such as {lab.paths[0]}")
        return Accepted({}, "", f"the submission cannot be tested: {why}")
    return Accepted(files, digest_of(files), "", _notes(told), taken.intake.bare)


def _notes(refused: tuple[str, ...]) -> tuple[str, ...]:
    """What a student should hear of; that files of other labs are there too is no news."""
    return tuple(each for each in refused if not each.endswith(_NO_NEWS))


def digest_of(files: dict[str, bytes]) -> str:
    """SHA-256 of some files with their names."""
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def _hints_in(taken: Taken) -> dict[str, tuple[int, ...]]:
    try:
        state = msgspec.json.decode(taken.files[f"{FOLDER}/{NAME}"], type=State)
    except (KeyError, msgspec.MsgspecError):
        return {}
    return {id: tuple(lab.hints.values()) for id, lab in state.labs.items() if lab.hints}
