"""A folder of submissions of every sort, for tests of grading.

All are of the lab clocks: behind the judge's pipes its suite takes two seconds of processor time,
and those of the other labs take up to twenty.
"""

import shutil
import subprocess
import zipfile
from pathlib import Path

from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab

_COURSE = Course(ROOT)
LAB, OTHER = _COURSE.lab("clocks"), _COURSE.lab("cap")
POSSIBLE = LAB.points
FILE = "ordered.py"
"""The file in which bad submissions are bad."""

NAME = "OrderedChat"
RIGHT = "return all((self.latest[peer], peer) >= stamp for peer in self.peers)"
WRONG = "return True"


def handed_in(folder: Path, student: str, lab: Lab = LAB) -> Path:
    """A good submission; returns the lab's room in it."""
    room = folder / student / lab.folder
    room.mkdir(parents=True)
    for path in lab.paths:
        shutil.copy(ROOT / path, room)
    return room


def change(room: Path, old: str, new: str, name: str = FILE) -> None:
    """Replace something in a submission's file."""
    path = room / name
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


def wrong(folder: Path, student: str) -> Path:
    """A submission that shows every post at once, in whatever order."""
    room = handed_in(folder, student)
    change(room, RIGHT, WRONG)
    return room


def zipped(folder: Path, student: str) -> Path:
    """A good submission as a zip archive, in a folder of the student's own."""
    room = handed_in(folder, f"{student}-unpacked")
    path = folder / f"{student}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in room.iterdir():
            archive.write(file, f"home/{student}/{LAB.path(file.name)}")
    shutil.rmtree(folder / f"{student}-unpacked")
    return path


def flat(folder: Path, student: str) -> Path:
    """A good submission without the room's folder; returns the student's."""
    room = handed_in(folder, f"{student}-packed")
    shutil.copytree(room, folder / student)
    shutil.rmtree(folder / f"{student}-packed")
    return folder / student


def repository(folder: Path, student: str) -> None:
    """A good submission as a bare git repository."""
    handed_in(folder, f"{student}-tree")
    tree = folder / f"{student}-tree"
    author = ("-c", "user.name=s", "-c", "user.email=s@example.org")
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "done"]):
        subprocess.run(["git", "-C", str(tree), *command], check=True)
    bare = folder / f"{student}.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(tree), str(bare)], check=True)
    shutil.rmtree(tree)


def bad_ones(folder: Path) -> None:
    """Submissions that cannot work, each in its own way."""
    (folder / "empty").mkdir(parents=True)
    change(handed_in(folder, "syntax"), f"class {NAME}", f"class class {NAME}")
    change(handed_in(folder, "renamed"), NAME, "MyReceiver")
    (handed_in(folder, "binary") / FILE).write_bytes(bytes(range(256)) * 100)
    (handed_in(folder, "huge") / FILE).write_bytes(b"#" * 30_000_000)
    other = folder / "otherlab" / OTHER.paths[0]
    other.parent.mkdir(parents=True)
    shutil.copy(ROOT / OTHER.paths[0], other)
    repository(folder, "damaged")
    for file in (folder / "damaged.git" / "objects").glob("??/*"):
        file.chmod(0o644)
        file.write_bytes(b"")
    whole = zipped(folder, "cut")
    whole.write_bytes(whole.read_bytes()[:3000])
