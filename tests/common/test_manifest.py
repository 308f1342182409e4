"""Manifests: what is wrong with one is said in a sentence that names the file and the place."""

import ast
import shutil
from pathlib import Path

import pytest

from common.course.base.manifest import ROOT, Course, Lab, read_manifest
from common.course.base.manifest_checks import check_symbols
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
    with pytest.raises(BadInput, match=rf"lab.yaml:\d+: lab tiny: there is no file {file}"):
        Course(course)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("points: 3", "points: many", r"lab.yaml:12: expected `int`, got `str`"),
        ("points: 3", "pionts: 3", "lab.yaml:12: .*unknown field `pionts`"),
        ("    hours: 1\n", "", "lab.yaml:6: .*missing required field `hours`"),
        ("kind: node\n    files", "kind: toad\n    files", "lab.yaml:9: invalid enum value 'toad'"),
        ("hints: [a, b, c]", "hints: [a, b]", "lab.yaml:14: expected `array` of length 3"),
        ("file: tiny.py, hints", "file: other.py, hints", "other.py is not among its files"),
        ("title: One", "title: [", "lab.yaml:5: this is not YAML"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_place(
    course: Path, old: str, new: str, told: str
) -> None:
    change(course, old, new)
    with pytest.raises(BadInput, match=told) as caught:
        Course(course)
    assert "lab.yaml" in str(caught.value)


PARTS = """    holes: [{symbol: f, file: tiny.py, hints: [a, b, c]}]
    parts:
      - {id: one, title: One, holes: [f], tests: [test_tiny.py], points: 3}
"""


def in_parts(course: Path) -> None:
    """Make a lab in parts of it, whose suite is a folder."""
    (course / "tests/tiny").mkdir()
    (course / "tests/tiny/test_tiny.py").write_text("", encoding="utf-8")
    change(course, "tests: tests/test_tiny.py", "tests: tests/tiny")
    change(course, PARTS.splitlines(keepends=True)[0], PARTS)


def test_a_lab_in_parts_knows_the_part_of_a_test(course: Path) -> None:
    in_parts(course)
    tiny = Course(course).lab("tiny")
    assert tiny.part("one").holes == ("f",)
    assert tiny.part_of("tests/tiny/test_tiny.py::test_it") == tiny.part("one")
    with pytest.raises(BadInput, match="lab tiny has no part 'two'; its parts are: one"):
        tiny.part("two")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("holes: [f]", "holes: [g]", "lab.yaml:16: .*g is not one of the lab's holes"),
        ("holes: [f]", "holes: []", "lab.yaml:14: .*hole f is in none of the parts"),
        ("holes: [f]", "holes: [f, f]", "lab.yaml:16: .*hole f is named by two parts"),
        ("[test_tiny.py]", "[test_other.py]", "lab.yaml:16: .*no file tests/tiny/test_other.py"),
        ("py], points: 3", "py], points: 2", "lab.yaml:12: .*the parts have 2 points, the lab 3"),
    ],
)
def test_parts_that_do_not_make_up_the_lab_are_refused_with_their_line(
    course: Path, old: str, new: str, told: str
) -> None:
    in_parts(course)
    change(course, old, new)
    with pytest.raises(BadInput, match=told):
        Course(course)


def test_a_hole_that_is_no_function_of_its_file_is_refused_with_its_line(course: Path) -> None:
    with pytest.raises(BadInput, match=r"lab.yaml:14: lab tiny: there is no function or method f"):
        check_symbols(Course(course))
    (course / "stage1/tiny.py").write_text("def f(): ...\n", encoding="utf-8")
    check_symbols(Course(course))


def test_every_hole_of_the_course_is_a_function_of_its_file() -> None:
    check_symbols(Course(ROOT))


def test_two_labs_of_one_name_are_refused(course: Path) -> None:
    shutil.copytree(course / "stage1", course / "stage2")
    change(course, "number: 1", "number: 2")
    with pytest.raises(BadInput, match="lab.yaml:6: lab tiny: there is a lab of that id already"):
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
