"""Marks are given with a secret key, and with as many seeds as each sweep has by itself.

What adds up over a few seeds may hold on the usual ones, and on many at once, and fail on others.
"""

import pytest

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.suites.suite import SuiteOptions, run_suite

COURSE = Course()
KEYS = 20


@pytest.mark.proof
@pytest.mark.parametrize("key", range(1, KEYS + 1))
@pytest.mark.parametrize("lab", COURSE.labs, ids=lambda lab: lab.id)
def test_the_reference_has_all_points_whatever_the_key(lab: Lab, key: int) -> None:
    run = run_suite(COURSE, lab, SuiteOptions(seed_key=f"key {key}"))
    assert [f"{test.name}: {test.why} {test.replay}" for test in run.failed] == []
    assert run.earned == lab.points
