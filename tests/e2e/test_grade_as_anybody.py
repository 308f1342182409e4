"""Grading as an ordinary user: the same walls, the same marks; and the sentence where it cannot be.

Root becomes nobody for this, with a Python that all may run and the packages of our own.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.course.base.course import ROOT, Course
from tests.attacks.attacking import attacks
from tests.support import class_of_students as students

pytestmark = [pytest.mark.needs("dask", "bwrap"), pytest.mark.proof]

NOBODY = 65534
HOSTILE = "bombs_with_forks"
LINK = Course(ROOT).lab("link")
"""The lab that it attacks."""

SWITCH_OFF = """
import ctypes, os
user, group = os.getuid(), os.getgid()
assert ctypes.CDLL(None).unshare(0x10000000) == 0  # a user namespace, in which we may do this:
for name, text in (
    ("self/setgroups", "deny"),
    ("self/uid_map", f"1000 {user} 1"),
    ("self/gid_map", f"1000 {group} 1"),
    ("sys/user/max_user_namespaces", "0"),
):
    with open(f"/proc/{name}", "w") as file:
        file.write(text)
"""
GRADE = "from common.course.command import main\nmain()\n"


def python() -> str:
    """A Python that an ordinary user may run, of the same version as ours."""
    if os.geteuid() != 0:
        return sys.executable
    asked = "import sys; print(sys.version_info[:2])"
    for place in ("/usr/bin/python3", "/usr/local/bin/python3"):
        if shutil.which(place):
            ran = subprocess.run([place, "-c", asked], capture_output=True, text=True, check=False)
            if ran.stdout.strip() == str(sys.version_info[:2]):
                return place
    pytest.skip("there is no Python of our version that other users may run")


def environment(folder: Path) -> str:
    """The Python of a virtual environment there that has the packages of ours."""
    made = folder / "venv"
    subprocess.run([python(), "-m", "venv", "--without-pip", str(made)], check=True)
    (packages,) = made.glob("lib/*/site-packages")
    paths = (str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    (packages / "ours.pth").write_text("\n".join(dict.fromkeys(paths)) + "\n", encoding="utf-8")
    return str(made / "bin" / "python")


def as_anybody(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = os.geteuid() == 0
    command = [environment(folder), "-B", "-c", script, *arguments]
    if root:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    own = {"HOME": str(folder), "TMPDIR": str(folder / "tmp"), "COLUMNS": "500"}
    return subprocess.run(
        command, cwd=folder, env={"PATH": os.defpath, **own}, capture_output=True,
        text=True, check=False, user=NOBODY if root else None, group=NOBODY if root else None,
        extra_groups=[] if root else None,
    )  # fmt: skip


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that anybody may enter: those of pytest are their owner's alone."""
    with tempfile.TemporaryDirectory(prefix="anybody-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "tmp").mkdir()
        yield folder


def grade(folder: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    options = ("--labs", "link", "--seeds", "1", "--diagrams", "0", "--processes", "1")
    return as_anybody(folder, before + GRADE, "grade", "class", "--out", "out", *options, "--json")


def test_an_ordinary_user_grades_behind_the_same_walls(place: Path) -> None:
    students.handed_in(place / "class", "ada", LINK)
    room = students.handed_in(place / "class", "bob", LINK)
    students.change(room, "frame.number == self.expected", "True", "stop_and_wait.py")
    room = students.handed_in(place / "class", "mallory", LINK)
    bomb = next(each for each in attacks() if each.name == HOSTILE)
    with (room / bomb.into).open("a", encoding="utf-8") as file:
        file.write("\n\n" + bomb.code)
    ran = grade(place)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    points = {each["student"]: each["points"] for each in told["students"]}
    assert points["ada"] == LINK.points, (place / "out/ada/link.json").read_text("utf-8")
    assert 0 < points["bob"] < LINK.points
    report = json.loads((place / "out/mallory/link.json").read_text(encoding="utf-8"))["report"]
    verdicts = {each["test"].rpartition("::")[2]: each["verdict"] for each in report["tests"]}
    assert {verdicts[name] for name in bomb.tests} <= {"fail", "hung"}
    assert report["judged"]
    assert list((place / "tmp").glob("lab-*")) == []


def test_where_namespaces_are_switched_off_it_is_one_sentence(place: Path) -> None:
    students.handed_in(place / "class", "ada", LINK)
    ran = grade(place, SWITCH_OFF)
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert "bubblewrap is installed, but may make no namespaces" in ran.stderr
    assert "user.max_user_namespaces" in ran.stderr
    assert "Traceback" not in ran.stderr
