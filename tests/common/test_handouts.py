"""Every lab's handout: it is Python, it fails every graded test, and it needs no other lab.

All of it for every lab that there is, and for every part of it.
"""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from common.course.base.holes import fill, handout
from common.course.base.lab import Lab, Part
from common.course.base.symbols import unwritten
from common.course.student.parts import chosen_tests
from common.course.suites.suite import SuiteOptions, SuiteResult, run_suite

COURSE = Course(ROOT)
LABS = COURSE.labs
PARTS = [(lab, part) for lab in LABS for part in lab.parts]
WHOLE_SERVERS = ("raft", "kv-shard")
"""Whose tests run a whole server, later parts of it too; where nothing is supplied, a student does
these parts together (``lab start raft --all``)."""
IN_ORDER = [
    (lab, part) for lab, part in PARTS if not {lab.id, f"{lab.id}-{part.id}"} & set(WHOLE_SERVERS)
]
NOT_FOR_EMPTY_BODIES = "F401,RUF100,ERA"
"""What only an empty body is guilty of: an import that nothing uses."""


@cache
def texts(id: str, part: str | None = None) -> dict[str, str]:
    """A handout's files; every test looks at some, and they take a third of a second to make."""
    return handout(COURSE, COURSE.lab(id), part)


def lay_out(folder: Path, lab: Lab, part: str | None = None) -> None:
    """Write a handout into a workspace."""
    for name, text in texts(lab.id, part).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def ran(folder: Path, lab: Lab, part: Part | None = None) -> SuiteResult:
    """Run its suite, with one seed each, which is enough for code that does nothing."""
    return run_suite(COURSE, lab, SuiteOptions(impl=folder, seeds=1, tests=chosen_tests(lab, part)))


@pytest.mark.rotates
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_an_untouched_handout_fails_every_graded_test(lab: Lab, tmp_path: Path) -> None:
    lay_out(tmp_path, lab)
    result = ran(tmp_path, lab)
    assert [test.name for test in result.tests if test.passed] == []
    assert result.possible == lab.points, "the points that were read are those of the tests"


@pytest.mark.proof
@pytest.mark.parametrize(("lab", "part"), PARTS, ids=[f"{lab.id}-{p.id}" for lab, p in PARTS])
def test_an_untouched_part_fails_every_graded_test_of_it(
    lab: Lab, part: Part, tmp_path: Path
) -> None:
    lay_out(tmp_path, lab, part.id)
    result = ran(tmp_path, lab, part)
    assert [test.name for test in result.tests if test.passed] == []
    assert result.possible == part.points, "the part's points are those of its tests"


@pytest.mark.proof
@pytest.mark.parametrize(("lab", "part"), IN_ORDER, ids=[f"{lab.id}-{p.id}" for lab, p in IN_ORDER])
def test_a_part_can_be_passed_while_all_later_ones_are_open(
    lab: Lab, part: Part, tmp_path: Path
) -> None:
    """So who gets a course without solutions, where nothing is supplied, does part after part."""
    lay_out(tmp_path, lab)
    written = [each for each in lab.parts if lab.parts.index(each) <= lab.parts.index(part)]
    done = [hole for each in written for hole in each.holes]
    for file in {hole.file for hole in done}:
        path, reference = tmp_path / lab.path(file), ROOT / lab.path(file)
        inside = [hole.symbol for hole in done if hole.file == file]
        path.write_text(
            fill(path.read_text("utf-8"), reference.read_text("utf-8"), inside), encoding="utf-8"
        )
    result = ran(tmp_path, lab, part)
    assert [f"{test.name}: {test.why}" for test in result.failed] == []


@pytest.mark.rotates
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_any_lab_can_be_done_first(lab: Lab, tmp_path: Path) -> None:
    """It passes in a workspace in which every other lab is an untouched handout."""
    for other in LABS:
        lay_out(tmp_path, other)
    for path in lab.paths:
        (tmp_path / path).write_text((ROOT / path).read_text(encoding="utf-8"), encoding="utf-8")
    result = ran(tmp_path, lab)
    assert [f"{test.name}: {test.why}" for test in result.failed] == []


@pytest.mark.needs("ruff")
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_a_handout_is_lint_clean_but_for_imports_that_wait_for_their_use(
    lab: Lab, tmp_path: Path
) -> None:
    lay_out(tmp_path, lab)
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        f"--config={ROOT}/pyproject.toml",
    ]
    command += [f"--ignore={NOT_FOR_EMPTY_BODIES}", str(tmp_path)]
    linted = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_a_handout_has_its_holes_with_their_specification(lab: Lab) -> None:
    for name, text in texts(lab.id).items():
        reference = (ROOT / name).read_text(encoding="utf-8")
        symbols = [hole.symbol for hole in lab.holes if lab.path(hole.file) == name]
        assert unwritten(text, symbols) == symbols
        assert unwritten(reference, symbols) == [], "the reference is whole"
        assert text.count('"""') == reference.count('"""'), "every docstring is there"
