"""A folder of submissions of every sort, for tests of grading."""

import shutil
import subprocess
import zipfile
from pathlib import Path

from common.course.base.manifest import ROOT

STAGE = "stage1_foundations"
CONSISTENT = "cap/consistent.py"
FILES = ("cap/client.py", CONSISTENT, "cap/available.py")
POSSIBLE = 77


def handed_in(folder: Path, student: str) -> Path:
    """A good submission of the lab cap; returns the stage's folder in it."""
    stage = folder / student / STAGE
    stage.mkdir(parents=True)
    for name in FILES:
        shutil.copy(ROOT / STAGE / name, stage)
    return stage


def change(stage: Path, old: str, new: str, name: str = CONSISTENT) -> None:
    """Replace something in a submission's file."""
    path = stage / name
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


def wrong(folder: Path, student: str) -> Path:
    """A submission that takes any answer for a majority."""
    stage = handed_in(folder, student)
    change(stage, "if not is_majority(pending.answered, self.replicas):", "if False:")
    return stage


def zipped(folder: Path, student: str) -> Path:
    """A good submission as a zip archive."""
    stage = handed_in(folder, f"{student}-unpacked")
    path = folder / f"{student}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in stage.iterdir():
            archive.write(file, f"home/{student}/{STAGE}/{file.name}")
    shutil.rmtree(stage.parent)
    return path


def repository(folder: Path, student: str) -> None:
    """A good submission as a bare git repository."""
    stage = handed_in(folder, f"{student}-tree")
    tree = stage.parent
    author = ("-c", "user.name=s", "-c", "user.email=s@example.org")
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "done"]):
        subprocess.run(["git", "-C", str(tree), *command], check=True)
    bare = folder / f"{student}.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(tree), str(bare)], check=True)
    shutil.rmtree(tree)


def bad_ones(folder: Path) -> None:
    """Submissions that cannot work, each in its own way."""
    (folder / "empty").mkdir(parents=True)
    stage = handed_in(folder, "syntax")
    change(stage, "class ConsistentReplica", "class class ConsistentReplica")
    stage = handed_in(folder, "renamed")
    change(stage, "ConsistentReplica", "MyReplica")
    stage = handed_in(folder, "binary")
    (stage / CONSISTENT).write_bytes(bytes(range(256)) * 100)
    stage = handed_in(folder, "huge")
    (stage / CONSISTENT).write_bytes(b"#" * 30_000_000)
    other = folder / "otherlab" / STAGE
    other.mkdir(parents=True)
    shutil.copy(ROOT / STAGE / "link/stop_and_wait.py", other)
    whole = zipped(folder, "cut")
    whole.write_bytes(whole.read_bytes()[:3000])
