"""Manifests: what is wrong with one is said in a sentence that names the file and the place."""

import ast
import shutil
from pathlib import Path

import pytest

from common.course.manifest import ROOT, Course, Lab, read_manifest
from common.values.errors import BadInput

GOOD = """
number: 1
title: One
summary: A stage.
labs:
  - id: tiny
    title: Tiny
    concept: Small.
    kind: node
    files: [{path: tiny.py, kind: node}]
    papers: [{title: A paper}]
    points: 3
    hours: 1
    holes: [{symbol: f, file: tiny.py, hints: [a, b, c]}]
    tests: tests/test_tiny.py
    demo: "stage1.demo:demo"
    page: tiny.md
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    for name in ("stage1/tiny.py", "tests/test_tiny.py", "docs/tiny.md", "stage1/lab.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD if name.endswith("yaml") else "", encoding="utf-8")
    return tmp_path


def change(course: Path, old: str, new: str) -> None:
    path = course / "stage1/lab.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_good_manifest_is_read(course: Path) -> None:
    found = Course(course)
    assert [lab.id for lab in found.labs] == ["tiny"]
    assert found.modules(found.lab("tiny"))[0][0] == "stage1.tiny"


@pytest.mark.parametrize("file", ["stage1/tiny.py", "tests/test_tiny.py", "docs/tiny.md"])
def test_a_manifest_that_names_a_missing_file_is_refused(course: Path, file: str) -> None:
    (course / file).unlink()
    with pytest.raises(BadInput, match=f"lab.yaml: lab tiny: there is no file {file}"):
        Course(course)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("points: 3", "points: many", r"lab.yaml: Expected `int`, got `str` - at `\$.labs\[0\]"),
        ("points: 3", "pionts: 3", "unknown field `pionts`"),
        ("    hours: 1\n", "", "missing required field `hours`"),
        ("kind: node\n    files", "kind: toad\n    files", "Invalid enum value 'toad'"),
        ("hints: [a, b, c]", "hints: [a, b]", "Expected `array` of length 3"),
        ("file: tiny.py, hints", "file: other.py, hints", "other.py is not among its files"),
        ("title: One", "title: [", "cannot be read as YAML"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_place(
    course: Path, old: str, new: str, told: str
) -> None:
    change(course, old, new)
    with pytest.raises(BadInput, match=told) as caught:
        Course(course)
    assert "lab.yaml" in str(caught.value)


def test_two_labs_of_one_name_are_refused(course: Path) -> None:
    shutil.copytree(course / "stage1", course / "stage2")
    change(course, "number: 1", "number: 2")
    with pytest.raises(BadInput, match="there is a lab 'tiny' in another stage already"):
        Course(course)


def test_an_unknown_lab_is_answered_with_those_that_there_are(course: Path) -> None:
    with pytest.raises(BadInput, match="there is no lab 'raft'; the labs are: tiny"):
        Course(course).lab("raft")


def graded_points(suite: Path) -> list[int]:
    """The points that the tests of a suite, one file or a folder of them, declare."""
    points = []
    for path in sorted(suite.glob("test_*.py")) if suite.is_dir() else [suite]:
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(part, ast.Call) and getattr(part.func, "id", "") == "graded":
                given = {keyword.arg: keyword.value for keyword in part.keywords}
                points.append(int(ast.literal_eval(given["points"])))
    return points


@pytest.mark.parametrize("lab", Course(ROOT).labs, ids=lambda lab: lab.id)
def test_the_points_of_a_lab_are_those_of_its_graded_tests(lab: Lab) -> None:
    assert lab.points == sum(graded_points(ROOT / lab.tests))
    assert len(graded_points(ROOT / lab.tests)) >= 8


def test_every_stage_of_the_roadmap_has_a_manifest() -> None:
    stages = [read_manifest(path) for path in ROOT.glob("*/lab.yaml")]
    assert sorted(stage.number for stage in stages) == list(range(1, 10))
