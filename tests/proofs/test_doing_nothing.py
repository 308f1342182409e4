"""A submission whose every hole does nothing, or gives back what it was given, passes nothing.

An untouched handout fails at its first ``NotImplementedError``. What returns at once gets further,
and passes every test that looks for wrong deeds alone: such a test asks for a right deed, too.
"""

import re
from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from common.course.base.holes import handout
from common.course.base.lab import Lab
from common.course.suites.suite import SuiteOptions, run_suite

COURSE = Course(ROOT)
BODIES = {"nothing": "return None", "echoing": "return [*locals().values()][-1]"}

_UNWRITTEN = re.compile(r"raise NotImplementedError(\(.*\))?")


@pytest.mark.proof
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("lab", COURSE.labs, ids=lambda lab: lab.id)
def test_doing_nothing_passes_nothing(lab: Lab, body: str, tmp_path: Path) -> None:
    for name, text in handout(COURSE, lab).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_UNWRITTEN.sub(BODIES[body], text), encoding="utf-8")
    result = run_suite(COURSE, lab, SuiteOptions(impl=tmp_path))
    assert [test.name for test in result.tests if test.passed] == []
