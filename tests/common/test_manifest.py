"""Manifests: what is written, what is derived, and what is wrong, in a sentence with its line."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from common.course.base.kept import FILE
from common.values.errors import BadInput

STAGE = """\
number: 1
title: One
summary: A stage.
labs: [tiny]
"""
LAB = """\
title: Tiny
concept: Small.
papers: [{title: A paper}]
parts:
  - id: first
    title: First
    hours: 1
    exercises:
      f: [a, b, c]
  - id: second-half
    title: Second
    hours: 2.5
    needs: [first]
    exercises:
      Adder.add: [a, b, c]
"""
TINY = "def f(): ...\n\n\nclass Adder:\n    def add(self): ...\n\n    def again(self): ...\n"
FIRST = '@graded(points=2, title="One", requirement="")\ndef test_one(lab): ...\n'
SECOND = """
@graded(points=3, title="Two", requirement="")
def test_two(lab):
    ...


@graded(
    points=4,
    title="Three",
    requirement="",
)
def test_three(lab): ...


def test_that_is_not_graded(): ...
"""
FILES = {
    "one/stage.yaml": STAGE,
    "one/tiny/lab.yaml": LAB,
    "one/tiny/__init__.py": "",
    "one/tiny/sums.py": TINY,
    "one/tiny/demo.py": "def f(): ...\n",
    "one/tiny/schedules/calm.yaml": "",
    "tests/one/tiny/test_tiny_first.py": FIRST,
    "tests/one/tiny/test_tiny_second_half_more.py": SECOND,
    "docs/labs/tiny.md": "",
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, FILES)
    return tmp_path


def change(root: Path, old: str, new: str, name: str = "one/tiny/lab.yaml") -> None:
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_what_is_not_written_is_derived(root: Path) -> None:
    course = Course(root)
    (tiny,) = course.labs
    assert (tiny.id, tiny.folder, tiny.package) == ("tiny", "one/tiny", "one.tiny")
    assert tiny.modules == (("one.tiny.sums", tiny.files[0]),)
    assert [(part.id, part.points, part.hours) for part in tiny.parts] == [
        ("first", 2, 1), ("second-half", 7, 2.5),
    ]  # fmt: skip
    assert (tiny.points, tiny.hours) == (9, 3.5)
    assert [(hole.name, hole.file) for hole in tiny.holes] == [
        ("f", "sums.py"), ("Adder.add", "sums.py"),
    ]  # fmt: skip
    assert tiny.schedules == ("schedules/calm.yaml",)
    assert (tiny.suite, tiny.page) == ("tests/one/tiny", "docs/labs/tiny.md")
    assert (course.packages, course.stage_of(tiny).title) == (("one",), "One")


def test_a_test_belongs_to_the_part_that_its_file_is_named_after(root: Path) -> None:
    tiny = Course(root).lab("tiny")
    assert [test.name for test in tiny.part("second-half").tests] == ["test_two", "test_three"]
    inside = "tests/one/tiny/test_tiny_second_half_more.py::test_two[x]"
    assert tiny.part_of(inside) == tiny.part("second-half")
    assert tiny.part_of("tests/one/tiny/test_tiny_beside.py::test_x") is None
    with pytest.raises(BadInput, match="lab tiny has no part 'third'; its parts are: first, sec"):
        tiny.part("third")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def f(): ...", "library"),
        ("import asyncio\ndef f(): ...", "program"),
        ("from common.contract import record\n@record\nclass R: ...\ndef f(): ...", "library"),
        ("from common.contract import message\n@message\nclass M: ...\ndef f(): ...", "node"),
        ("from common.contract import Node\nclass N(Node): ...\ndef f(): ...", "node"),
        ("from one.tiny.base import Base\nclass N(Base[int]): ...\ndef f(): ...", "node"),
    ],
)
def test_the_kind_of_a_file_is_told_by_what_is_in_it(root: Path, source: str, kind: str) -> None:
    base = "from common.contract.node import Node\n\n\nclass Base(Node): ...\n"
    write(root, {"one/tiny/other.py": source, "one/tiny/base.py": base})
    change(root, TINY, TINY.replace("def f(): ...", ""), "one/tiny/sums.py")
    tiny = Course(root).lab("tiny")
    assert {file.path: file.kind for file in tiny.files}["other.py"] == kind
    assert tiny.files[0].path == "base.py", "what others stand on comes first"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("hours: 1\n", "hours: many\n", r"lab.yaml:7: expected `float`, got `str`"),
        ("hours: 1\n", "hors: 1\n", r"lab.yaml:7: .*unknown field `hors`"),
        ("    hours: 1\n", "", r"lab.yaml:5: .*missing required field `hours`"),
        ("title: Tiny", "title: [", r"lab.yaml:\d+: this is not YAML"),
        ("f: [a, b, c]", "f: [a, b]", r"lab.yaml:9: lab tiny: exercise f has 2 hints, not 3"),
        ("f: [a, b, c]", "g: [a, b, c]", r"lab.yaml:9: .*no function or method g in the files of"),
        ("f: [a, b, c]", "Adder.add: [a, b, c]", r"lab.yaml:15: .*Adder.add is in two parts"),
        ("f: [a, b, c]", "f: [a, b, c]\n      f: [d, e, f]", r"lab.yaml:10: .*f is there twice"),
        ("needs: [first]", "needs: [third]", r"lab.yaml:13: .*needs third, which is none of the p"),
        ("second-half", "first", r"lab.yaml:10: .*there are two parts first"),
        ("papers:", "needs: [big]\npapers:", r"lab.yaml:3: .*needs big, which is none of the labs"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_place(
    root: Path, old: str, new: str, told: str
) -> None:
    change(root, old, new)
    with pytest.raises(BadInput, match=told):
        Course(root).lab("tiny")


def test_an_exercise_that_two_files_have_is_named_with_its_file(root: Path) -> None:
    write(root, {"one/tiny/more.py": TINY})
    told = r"lab.yaml:9: .*f is in more.py and sums.py: write more.f or sums.f"
    with pytest.raises(BadInput, match=told):
        Course(root).lab("tiny")
    change(root, "f: [a", "more.f: [a")
    change(root, "Adder.add: [a", "sums.Adder.add: [a")
    holes = Course(root).lab("tiny").holes
    assert [(hole.name, hole.symbol, hole.file) for hole in holes] == [
        ("more.f", "f", "more.py"), ("sums.Adder.add", "Adder.add", "sums.py"),
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["docs/labs/tiny.md", "one/tiny/demo.py", "tests/one/tiny"])
def test_what_is_not_where_it_always_is_is_missed(root: Path, path: str) -> None:
    if (root / path).is_dir():
        shutil.rmtree(root / path)
    else:
        (root / path).unlink()
    with pytest.raises(BadInput, match=f"lab.yaml:1: lab tiny: there is no {path}, where"):
        Course(root).lab("tiny")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("points=2", "points=2 + 1", r"first.py:1: @graded\(...\) has to say points and title as"),
        ("@graded", '@pytest.mark.parametrize("a", [1, 2])\n@graded', r"first.py:1: .*parameters"),
        ("def test", "def (", r"test_tiny_first.py:2: "),
    ],
)
def test_a_graded_test_that_cannot_be_counted_is_refused_with_its_line(
    root: Path, old: str, new: str, told: str
) -> None:
    change(root, old, new, "tests/one/tiny/test_tiny_first.py")
    with pytest.raises(BadInput, match=told):
        Course(root).lab("tiny")


def test_a_graded_test_in_no_part_is_refused_unless_there_is_only_one(root: Path) -> None:
    suite = root / "tests/one/tiny"
    (suite / "test_tiny_first.py").rename(suite / "test_tiny.py")
    told = r"test_tiny.py:2: lab tiny: .*named after none: the parts have test_tiny_first.py, test_"
    with pytest.raises(BadInput, match=told):
        Course(root).lab("tiny")
    change(root, LAB[LAB.index("  - id: second") :], "")
    assert Course(root).lab("tiny").points == 9


def test_a_lab_may_need_the_labs_before_it(root: Path) -> None:
    for name, text in FILES.items():
        if "tiny" in name:
            write(root, {name.replace("tiny", "next"): text.replace("tiny", "next")})
    with pytest.raises(BadInput, match=r"stage.yaml:4: it does not list the lab next"):
        Course(root)
    change(root, "[tiny]", "[tiny, next]", "one/stage.yaml")
    change(root, "papers:", "needs: [tiny]\npapers:", "one/next/lab.yaml")
    assert Course(root).lab("next").needs == ("tiny",)
    change(root, "[tiny, next]", "[next, tiny]", "one/stage.yaml")
    with pytest.raises(BadInput, match=r"lab.yaml:3: lab next: it needs tiny, which is none of"):
        Course(root).lab("next")


def test_a_stage_lists_what_is_there_and_a_name_is_there_once(root: Path) -> None:
    change(root, "[tiny]", "[tiny, huge]", "one/stage.yaml")
    with pytest.raises(BadInput, match=r"stage.yaml:4: there is no huge/lab.yaml beside it"):
        Course(root)
    change(root, "[tiny, huge]", "[tiny]", "one/stage.yaml")
    shutil.copytree(root / "one", root / "two")
    change(root, "number: 1", "number: 2", "two/stage.yaml")
    with pytest.raises(BadInput, match=r"two/stage.yaml:4: there is a lab tiny already"):
        Course(root)


def test_an_unknown_lab_is_answered_with_those_that_there_are(root: Path) -> None:
    with pytest.raises(BadInput, match="there is no lab 'raft'; the labs are: tiny"):
        Course(root).lab("raft")


def test_every_part_of_every_lab_has_exercises_and_earns_something() -> None:
    for lab in Course(ROOT).labs:
        for part in lab.parts:
            assert part.points > 0, f"{lab.id}: {part.id}"
            assert part.holes, f"{lab.id}: {part.id}"


def test_every_stage_of_the_roadmap_has_a_manifest() -> None:
    assert [stage.number for stage in Course(ROOT).stages] == list(range(1, 10))


def test_only_an_exercise_can_be_shown_elsewhere(root: Path) -> None:
    change(root, "parts:", "shown: [Adder.add]\nparts:")
    assert Course(root).lab("tiny").shown == ("Adder.add",)
    change(root, "shown: [Adder.add]", "shown: [Adder.again]")
    with pytest.raises(BadInput, match="Adder.again is no exercise of it"):
        Course(root).lab("tiny")


# What is kept between two runs.


def settle(root: Path) -> None:
    """Let all files be a minute old."""
    for path in root.rglob("*"):
        os.utime(path, (time.time() - 60, time.time() - 60))


def test_what_was_derived_is_kept_until_a_file_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(root)
    read = Course(root).labs
    with monkeypatch.context() as patch:
        patch.setattr("common.course.base.course.read_lab", None)
        assert Course(root).labs == read, "nothing is read again"
    change(root, "points=2", "points=5", "tests/one/tiny/test_tiny_first.py")
    assert Course(root).lab("tiny").points == 12
    (root / "docs/labs/tiny.md").unlink()
    with pytest.raises(BadInput, match="there is no docs/labs/tiny.md"):
        _ = Course(root).labs


def test_nothing_is_kept_of_files_that_may_still_change(root: Path) -> None:
    _ = Course(root).labs
    assert "tiny" not in json.loads((root / FILE).read_bytes())


def test_a_change_in_one_lab_leaves_what_is_kept_of_the_others(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(root / "one/tiny", root / "one/other")
    shutil.copytree(root / "tests/one/tiny", root / "tests/one/other")
    for test in sorted((root / "tests/one/other").glob("test_tiny_*")):
        test.rename(test.with_name(test.name.replace("tiny", "other")))
    shutil.copy(root / "docs/labs/tiny.md", root / "docs/labs/other.md")
    change(root, "labs: [tiny]", "labs: [tiny, other]", "one/stage.yaml")
    settle(root)
    read = Course(root).labs
    change(root, "Small.", "Smaller.", "one/other/lab.yaml")
    with monkeypatch.context() as patch:
        patch.setattr("common.course.base.course.read_lab", None)
        assert Course(root).lab("tiny") == read[0]
    assert Course(root).lab("other").concept == "Smaller."


@pytest.mark.parametrize("damaged", [b"", b'{"stamp": 1}', b"\xff\xfe"])
def test_what_was_kept_and_is_damaged_is_read_again(root: Path, damaged: bytes) -> None:
    settle(root)
    read = Course(root).labs
    (root / FILE).write_bytes(damaged)
    assert Course(root).labs == read
    assert (root / FILE).read_bytes() != damaged
