"""The course file: whatever is wrong in it is told with its line."""

from pathlib import Path

import pytest

from common.course.base.course import Course
from common.course.kit.course_file import default_course_file, read_course_file
from common.values.errors import BadInput

GOOD = """\
title: Distributed systems, autumn
points: 100
late: {free_days: 3, per_day: 10, last_day: 5}
hints: [0, 2, 5]
labs:
  - id: cap
    weight: 40
    due: 2027-03-01T23:59:00+01:00
    hidden: ["test_*linearizable*"]
    rubric:
      - {title: Safety, weight: 30, tests: ["*never*", "*not*"]}
      - {title: The rest, weight: 10, tests: ["*"]}
  - id: link
    weight: 60
    budget: 300
"""
WRONG = {
    "an unknown key": ("weight: 60", "weigth: 60", 14, "unknown field `weigth`"),
    "a wrong type": ("weight: 60", "weight: sixty", 14, "expected `float`, got `str`"),
    "a number out of range": ("per_day: 10", "per_day: 110", 3, "<= 100"),
    "an unknown lab": ("id: link", "id: lonk", 13, "there is no lab 'lonk'; the labs are: echo"),
    "a lab twice": ("id: link", "id: cap", 13, "lab cap is listed twice"),
    "weights that do not add up": ("weight: 60", "weight: 50", 2, "add up to 90, not to points"),
    "a rubric that does not": ("weight: 30", "weight: 20", 10, "add up to 30, not to the lab's"),
    "a rubric with a gap": ('["*"]', '["*answers*"]', 10, "no row names"),
    "a row for nothing": ('["*"]', '["test_nothing"]', 12, "lab cap has no test test_nothing"),
    "a row too late": ('"*never*", "*not*"', '"*"', 12, "belong to rows above it"),
    "a hidden test that is none": ("test_*lin", "test_x*lin", 9, "lab cap has no test test_x"),
    "a date without an offset": ("23:59:00+01:00", "23:59:00", 8, "offset from UTC"),
    "no date": ("2027-03-01T23:59:00+01:00", "soon", 8, "datetime"),
    "a missing key": ("title: Distributed systems, autumn\n", "", 1, "missing required field"),
    "no YAML": ("hints: [0", "hints: [0]]", 4, "this is not YAML"),
    "too few hint costs": ("[0, 2, 5]", "[0, 2]", 4, "length 3"),
}


def written(folder: Path, text: str) -> Path:
    path = folder / "course.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read(tmp_path: Path) -> None:
    read = read_course_file(written(tmp_path, GOOD), Course())
    assert [lab.id for lab in read.labs] == ["cap", "link"]
    assert read.by_id["cap"].is_hidden("test_the_history_of_a_partition_is_not_linearizable")
    assert read.by_id["link"].budget == 300


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_is_told_with_its_file_and_line(what: str, tmp_path: Path) -> None:
    old, new, line, says = WRONG[what]
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(BadInput) as caught:
        read_course_file(path, Course())
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"x" * 2_000_000, None])
def test_what_is_no_text_is_one_sentence(raw: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "course.yaml"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(BadInput, match="course.yaml"):
        read_course_file(path, Course())


def test_without_a_file_each_lab_counts_its_points() -> None:
    course = Course()
    read = default_course_file(course.labs)
    assert read.points == sum(lab.points for lab in course.labs)
