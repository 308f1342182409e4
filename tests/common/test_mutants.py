"""Mutants are data: what to find in a reference, what to put there, and which test catches it.

That they are caught is shown by the command that the course tool's issue brings; here it is shown
that none has gone stale: the text is still there, once, and the test that is named exists.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from common.course.base.course import ROOT, Course

FILES = sorted((ROOT / "tests/mutants").glob("*.yaml"))
FEWEST = 10
FEWEST_TESTS = 8


def mutants(path: Path) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["mutants"]
    return read


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_mutant_has_gone_stale(path: Path) -> None:
    course = Course(ROOT)
    lab = course.lab(path.stem)
    tests = {test.name for test in lab.tests}
    assert len(mutants(path)) >= FEWEST, f"a lab has at least {FEWEST} mutants"
    for mutant in mutants(path):
        assert set(mutant) == {"name", "file", "find", "replace", "caught_by"}, mutant["name"]
        reference = (course.room_of(lab) / mutant["file"]).read_text(encoding="utf-8")
        assert mutant["find"] in reference, f"{mutant['name']}: the text to find is gone"
        assert mutant["find"] != mutant["replace"], mutant["name"]
        assert mutant["caught_by"] in tests, f"{mutant['name']}: no such graded test"


def test_every_lab_has_enough_graded_tests() -> None:
    few = {lab.id: len(lab.tests) for lab in Course(ROOT).labs if len(lab.tests) < FEWEST_TESTS}
    assert not few, f"a lab has at least {FEWEST_TESTS} graded tests"


def test_every_lab_has_mutants() -> None:
    assert {path.stem for path in FILES} == {lab.id for lab in Course(ROOT).labs}
