"""The handout: complete enough to work in, and proved to have nothing of a solution."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.course.base import holes
from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.kit.course_file import CourseFile, LabInCourse
from common.course.kit.release import NotClean, Release
from common.course.kit.shingles import Body, bodies, find_leaks
from common.values.errors import BadInput
from tests.support.lab_command import lab as run_lab

SOLUTION = '''
def choose(self, votes: dict[str, int]) -> str | None:
    """Docstring."""
    counted = sorted(votes.items(), key=lambda pair: pair[1], reverse=True)
    best, most = counted[0]
    if most * 2 <= len(self.members):
        return None
    self.save("leader", best)
    return best
'''
DISGUISED = """
class Other:
    # quite another program
    def anything(self, ballots):
        tally = sorted(ballots.items(), key=lambda pair: pair[1], reverse=True)
        winner, n = tally[0]
        if n * 2 <= len(self.members): return None
        self.save("leader", winner)
        return winner
"""


@pytest.fixture(scope="module")
def handout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = Course()
    out = tmp_path_factory.mktemp("release") / "handout"
    rules = CourseFile(
        title="t",
        points=161.0,
        labs=(
            LabInCourse(id="cap", weight=77.0, hidden=("test_*linearizable*",)),
            LabInCourse(id="raftkv", weight=84.0),
        ),
        hints=(0.0, 1.0, 2.0),
    )
    Release(course, [course.lab("cap"), course.lab("raftkv")], rules).build(out)
    return out


def in_handout(handout: Path, folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    ran = run_lab(folder, *arguments, "--json", root=handout)
    assert ran.returncode == code, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def secrets(course: Course, lab: Lab) -> Iterator[Body]:
    for file in sorted({hole.file for hole in lab.holes}):
        source = (course.room_of(lab) / file).read_text(encoding="utf-8")
        symbols = [hole.symbol for hole in lab.holes_in(file) if hole.name not in lab.shown]
        yield from bodies(lab.id, source, symbols)


def test_a_piece_of_a_solution_is_found_however_it_is_dressed(tmp_path: Path) -> None:
    secret = bodies("x", SOLUTION, ["choose"])
    disguised, text, harmless = (tmp_path / name for name in ("a.py", "b.md", "c.py"))
    disguised.write_text(DISGUISED, encoding="utf-8")
    text.write_text(f"# How to\n\n```python\n{SOLUTION}```\n", encoding="utf-8")
    harmless.write_text("def choose(self, votes):\n    return None\n", encoding="utf-8")
    leaks = find_leaks(secret, [disguised, text, harmless])
    assert [(leak.file.name, leak.line) for leak in leaks] == [("a.py", 5), ("b.md", 7)]


def test_the_reference_itself_is_found_everywhere_in_the_course() -> None:
    course = Course()
    for each in course.labs:
        folder = course.room_of(each)
        for file in {hole.file for hole in each.holes}:
            source = (folder / file).read_text(encoding="utf-8")
            symbols = [hole.symbol for hole in each.holes_in(file)]
            secret = bodies(each.id, source, symbols)
            assert {body.symbol for body in secret} == set(symbols)
            found = {leak.symbol for leak in find_leaks(secret, [folder / file])}
            assert found == {body.symbol for body in secret if body.shingles}


def test_a_handout_with_a_solution_in_it_is_refused(handout: Path, tmp_path: Path) -> None:
    course = Course()
    dirty = tmp_path / "dirty"
    shutil.copytree(handout / "docs", dirty / "docs")
    shutil.copy(ROOT / "stage1_foundations/cap/consistent.py", dirty / "docs/notes.py")
    with pytest.raises(NotClean, match=r"docs/notes.py:\d+ has a piece of .* of lab cap"):
        Release(course, [course.lab("cap")], None).check(dirty)


def test_a_handout_that_is_not_clean_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = Course()
    (tmp_path / "out/.git").mkdir(parents=True)
    monkeypatch.setattr(
        "common.course.kit.release._is_mutants", lambda path: path.name == "LICENSE"
    )
    with pytest.raises(NotClean, match="LICENSE has mutants"):
        Release(course, [course.lab("netem")], None).build(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".git"]


@pytest.mark.parametrize("lab", Course().labs, ids=lambda lab: lab.id)
def test_no_file_of_a_lab_has_a_piece_of_its_exercises(lab: Lab, tmp_path: Path) -> None:
    """What a release proves of all files together, for those that a change of the lab changes."""
    course = Course()
    for path, text in holes.handout(course, lab).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    leaks = find_leaks(secrets(course, lab), tmp_path.rglob("*.py"))
    assert [f"{leak.file.name}:{leak.line} has a piece of {leak.symbol}" for leak in leaks] == []


@pytest.mark.proof
def test_no_release_of_any_labs_supplies_a_piece_of_an_exercise() -> None:
    """What is supplied is what labs stand on: other labs whole, and their own files with holes."""
    course = Course()
    supplied = {below.id for lab in course.labs for below in Release(course, [lab], None).supplied}
    owner = {course.root / path: lab.id for lab in course.labs for path in lab.paths}
    shown = [path for path, id in owner.items() if id in supplied]
    for folder in ("common", "tests", "docs"):
        shown += (course.root / folder).rglob("*.py")
        shown += (course.root / folder).rglob("*.md")
    leaks = find_leaks([body for lab in course.labs for body in secrets(course, lab)], shown)
    told = [
        f"{leak.file.relative_to(course.root)}:{leak.line} has a piece of {leak.symbol} of lab "
        f"{leak.lab}"
        for leak in leaks
        if owner.get(leak.file) != leak.lab
    ]
    assert told == []


@pytest.mark.proof
@pytest.mark.parametrize("lab", Course().ids)
def test_every_lab_can_be_released_alone_and_with_each_other_one_of_its_stage(
    lab: str, tmp_path: Path
) -> None:
    course = Course()
    others = [other for other in course.stage_of(course.lab(lab)).labs if other > lab]
    for number, chosen in enumerate([[lab], *([lab, other] for other in others)]):
        exercises = [course.lab(id) for id in course.ids if id in chosen]
        Release(course, exercises, None).build(tmp_path / str(number))


@pytest.mark.proof
def test_all_labs_can_be_released_at_once(tmp_path: Path) -> None:
    course = Course()
    assert Release(course, course.labs, None).build(tmp_path / "out").supplied == ()


def test_there_are_no_mutants_no_other_labs_and_no_hidden_tests(handout: Path) -> None:
    assert not (handout / "tests/mutants").exists()
    assert not (handout / "stage1_foundations/link/ends.py").exists()
    tests = (handout / "tests/stage1_foundations/cap/test_cap_available.py").read_text("utf-8")
    assert "linearizable(" not in tests
    rules = (handout / "course.yaml").read_text("utf-8")
    assert "hidden" not in rules
    assert "hints" in rules


def test_a_tour_of_the_handout_names_labs_that_are_there_and_runs_no_holes(
    handout: Path, tmp_path: Path
) -> None:
    told = in_handout(handout, tmp_path, "tour")
    assert told["story"] is None, "its code is still to be written"
    named = {stage["number"]: stage["command"] for stage in told["stages"]}
    assert named == {
        1: "lab demo cap", 4: "lab run raft", 5: "lab show raftkv",
        **dict.fromkeys((2, 3, 6, 7, 8, 9)),
    }  # fmt: skip


def test_a_student_starts_fails_writes_and_passes_in_the_handout(
    handout: Path, tmp_path: Path
) -> None:
    course = Course()
    hidden = [test for test in course.lab("cap").tests if "linearizable" in test.name]
    possible = course.lab("cap").points - sum(test.points for test in hidden)
    listed = in_handout(handout, tmp_path, "list")
    assert [each["id"] for each in listed["labs"]] == ["cap", "raft", "raftkv"]
    in_handout(handout, tmp_path, "start", "cap", "--all")
    told = in_handout(handout, tmp_path, "test", "cap", "--seeds", "1", code=1)
    assert (told["earned"], told["possible"]) == (0, possible)
    for path in (ROOT / "stage1_foundations/cap").glob("*.py"):
        shutil.copy(path, tmp_path / "work/stage1_foundations/cap")
    told = in_handout(handout, tmp_path, "test", "cap", "--seeds", "2")
    assert told["earned"] == possible


def test_what_an_exercise_stands_on_is_supplied_and_works(handout: Path, tmp_path: Path) -> None:
    raft = in_handout(handout, tmp_path, "test", "raft", "--seeds", "1", "-k", "log")
    assert raft["earned"] == raft["possible"] > 0


def test_a_release_says_what_it_did_and_takes_no_folder_that_is_in_use(tmp_path: Path) -> None:
    ran = run_lab(tmp_path, "release", "out", "--labs", "netem", "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert (told["exercises"], told["supplied"], told["clean"]) == (["netem"], ["echo"], True)
    again = run_lab(tmp_path, "release", "out", "--labs", "netem")
    assert again.returncode == 3
    assert "out is not empty" in again.stderr
    course = Course()
    with pytest.raises(BadInput, match="no lab to release"):
        Release(course, [], None)
