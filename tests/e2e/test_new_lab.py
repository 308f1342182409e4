"""``lab new`` in a copy of the course: what it makes passes every check untouched.

The lab is made in the bonus stage, so this also shows that a lab there is a lab like any other.
What takes long is a proof, done slice by slice.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from common.course.base import holes
from common.course.base.course import Course
from tests.support.lab_command import ROOT, lab

pytestmark = pytest.mark.needs("ruff")

ID = "pingpong"
LEFT_OUT = (".git", ".venv*", "out", "work", "__pycache__", ".*_cache", ".cache", "images")
LIMIT_SECONDS = 600.0


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course with a new lab in it."""
    root = tmp_path_factory.mktemp("new") / "course"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
    told = answer(root, "new", "+", ID)
    assert told["lab"] == ID
    assert all(Path(path).is_file() for path in told["written"])
    return root


def answer(root: Path, *arguments: str, code: int = 0, folder: Path | None = None) -> Any:
    """What the command tells programs, when it is that of the course at ``root``."""
    ran = lab(folder or root, *arguments, "--json", root=root, limit=LIMIT_SECONDS)
    assert ran.returncode == code, ran.stdout + ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def run(root: Path, *words: str) -> str:
    """Run a module of Python in the copy; it has to be content."""
    ran = subprocess.run(
        [sys.executable, "-m", *words], cwd=root, capture_output=True, text=True, check=False,
        timeout=LIMIT_SECONDS, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


# What ``make check`` does, and the suite on handouts.


@pytest.mark.needs("ruff")
def test_it_is_formatted_and_linted(copy: Path) -> None:
    places = ("bonus_overlays", "tests/bonus_overlays")
    run(copy, "ruff", "format", "--check", "--no-cache", *places)
    run(copy, "ruff", "check", "--no-cache", *places)


@pytest.mark.proof
def test_its_types_are_strict(copy: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is missing: pip install -e '.[dev]'")
    run(copy, "mypy", "bonus_overlays", "tests/bonus_overlays")


@pytest.mark.proof
def test_it_keeps_to_the_floors_and_readme_lists_it(copy: Path) -> None:
    run(copy, "pytest", "-q", "tests/common/test_architecture.py", "tests/common/test_manifest.py")
    run(copy, "common.course.kit.readme", "--check")
    assert f"[`{ID}`](docs/labs/{ID}.md)" in (copy / "README.md").read_text(encoding="utf-8")


@pytest.mark.proof
def test_its_handout_fails_every_test_and_stands_alone(copy: Path) -> None:
    said = run(copy, "pytest", "-q", "tests/common/test_handouts.py", "-k", ID)
    assert "5 passed" in said or "6 passed" in said, said


def test_its_mutants_are_caught(copy: Path) -> None:
    told = answer(copy, "mutants", ID)
    assert told["caught"] == told["mutants"] == 2


# It is a lab like any other.


def test_it_is_listed_shown_and_shows_itself(copy: Path, tmp_path: Path) -> None:
    listed = answer(copy, "list")["labs"]
    assert (listed[-1]["id"], listed[-1]["stage"], listed[-1]["kind"]) == (ID, 9, "node")
    assert answer(copy, "show", ID)["points"] == 3
    shown = answer(copy, "demo", ID, folder=tmp_path)
    assert set(shown["verdicts"].values()) == {"yes"}


def test_it_runs_on_sockets(copy: Path, tmp_path: Path) -> None:
    told = answer(copy, "run", ID, "--headless", "--duration", "2s", folder=tmp_path)
    assert told["result"] == "yes"
    assert told["outcomes"]["ok"] > 0


@pytest.mark.needs("bwrap")
def test_it_earns_the_same_points_judged(copy: Path, tmp_path: Path) -> None:
    for options in ((), ("--judged",)):
        told = answer(copy, "test", ID, "--reference", "--seeds", "2", *options, folder=tmp_path)
        assert told["earned"] == told["possible"] == 3


def test_a_student_starts_it_fails_writes_it_and_passes(copy: Path, tmp_path: Path) -> None:
    started = answer(copy, "start", ID, folder=tmp_path)
    assert started["holes"] == ["Server.ping_received", "Client.pong_received"]
    told = answer(copy, "test", ID, "--seeds", "1", folder=tmp_path, code=1)
    assert (told["earned"], told["possible"]) == (0, 3)
    fill(copy, tmp_path / "work")
    assert answer(copy, "test", ID, "--seeds", "1", folder=tmp_path)["earned"] == 3


def fill(copy: Path, workspace: Path) -> None:
    """Write what the reference has into the holes of a workspace."""
    found = Course(copy).lab(ID)
    for path in found.paths:
        text, reference = ((root / path).read_text("utf-8") for root in (workspace, copy))
        symbols = [hole.symbol for hole in found.holes]
        (workspace / path).write_text(holes.fill(text, reference, symbols), encoding="utf-8")


@pytest.mark.proof
@pytest.mark.needs("dask", "bwrap")
def test_it_is_graded_and_made_an_autograder_of(copy: Path, tmp_path: Path) -> None:
    answer(copy, "start", ID, folder=tmp_path)
    shutil.copytree(tmp_path / "work", tmp_path / "class/eve")
    fill(copy, tmp_path / "work")
    shutil.copytree(tmp_path / "work/bonus_overlays" / ID, tmp_path / "class/ada" / ID)
    graded = answer(
        copy, "grade", "class", "--out", "reports", "--seeds", "1", "--processes", "1",
        folder=tmp_path,
    )  # fmt: skip
    points = {each["student"]: each["points"] for each in graded["students"]}
    assert points == {"ada": 3, "eve": 0}
    answer(copy, "gradescope", ID, "lab.zip", folder=tmp_path)
    with zipfile.ZipFile(tmp_path / "lab.zip") as archive:
        names = set(archive.namelist())
    assert {f"course/bonus_overlays/{ID}/node.py", "course/bonus_overlays/stage.yaml"} <= names
    assert f"course/tests/bonus_overlays/{ID}/test_{ID}.py" in names


def test_it_is_released_with_holes(copy: Path, tmp_path: Path) -> None:
    told = answer(copy, "release", str(tmp_path / "handout"), "--labs", ID)
    assert (told["exercises"], told["supplied"], told["clean"]) == ([ID], [], True)
    handout = tmp_path / "handout"
    assert [each["id"] for each in answer(handout, "list")["labs"]] == [ID]
    answer(handout, "start", ID, folder=tmp_path)
    tested = answer(handout, "test", ID, "--seeds", "1", folder=tmp_path, code=1)
    assert (tested["earned"], tested["possible"]) == (0, 3)


# What cannot be made.


def test_what_cannot_be_a_lab_is_one_sentence(copy: Path) -> None:
    for stage, id, says in (
        ("+", ID, f"there is a lab {ID} already"),
        ("6", "Map-Reduce", "'Map-Reduce' cannot be a lab's name"),
        ("6", "worlds", "'worlds' cannot be a lab's name"),
        ("6", "x" * 25, "cannot be a lab's name: small letters, digits and _ are, at most 24"),
        ("10", "more", "there is no stage '10'; the stages are: 1 stage1_foundations"),
        ("stage", "more", "there is no stage 'stage'"),
    ):
        ran = lab(copy, "new", stage, id, root=copy)
        assert ran.returncode == 3
        assert says in ran.stderr
