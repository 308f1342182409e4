"""A folder of submissions: one folder, archive, git repository or file per student.

The name of the entry is the student. What is in an entry is a stranger's: it is read by
:mod:`common.course.judge.intake`, which takes the lab's own files and nothing else.
"""

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.judge.intake import Room, room_of, take_in
from common.course.student.state import FOLDER, NAME, State
from common.values.errors import BadInput, LabError

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".py")
"""Files that can be a submission; others lie beside them for another reason."""

_NO_NEWS = ("is no file of this lab: left out", "more like these")

_MOODLE = re.compile(r"(?P<name>.+)_(?P<number>\d+)_assignsubmission_file_?.*")
"""How Moodle names the folders of "download all submissions"."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What one student handed in.

    Attributes:
        student: the name of the entry, without ``.zip`` or ``.git``.
        path: where it is.
    """

    student: str
    path: Path

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
    if path.is_dir():
        return Submission(path.name.removesuffix(".git"), path)
    ending = next((each for each in ENDINGS if path.name.lower().endswith(each)), "")
    return Submission(path.name[: -len(ending)], path) if ending else None


def accept(submission: Submission, course: Course, lab: Lab) -> Accepted:
    """The files of a lab in a submission; whatever is wrong with it is told, not raised.

    Raises:
        BadInput: this machine cannot take it in: the disk is full, say. That is nobody's mark.
    """
    with tempfile.TemporaryDirectory(prefix="lab-in-") as scratch:
        into = Path(scratch) / "files"
        taken = take_in(submission.path, room_of(course, lab), into)
        files = {name: (into / name).read_bytes() for name in taken.taken}
    if not files:
        why = next(iter(taken.refused), f"it has none of the lab's files, such as {lab.paths[0]}")
        return Accepted({}, "", f"the submission cannot be tested: {why}")
    return Accepted(files, digest_of(files), "", _notes(taken.refused), taken.bare)


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


def hints_taken(submission: Submission) -> dict[str, tuple[int, ...]]:
    """How many hints of each hole were shown, lab by lab, as the student's own workspace says.

    It proves nothing (see :mod:`common.course.student.state`): what is not there was not taken.
    """
    with tempfile.TemporaryDirectory(prefix="lab-hints-") as scratch:
        into = Path(scratch) / "files"
        try:
            if not take_in(submission.path, Room(FOLDER, (NAME,)), into).taken:
                return {}
            state = msgspec.json.decode((into / FOLDER / NAME).read_bytes(), type=State)
        except (LabError, msgspec.MsgspecError):
            return {}
    return {id: tuple(lab.hints.values()) for id, lab in state.labs.items() if lab.hints}
