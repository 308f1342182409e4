"""A graded test has at least twice the time that it needs; else it fails one day by bad luck.

So the suites are run with half of the kit's default wait. What fails there waits too short a time,
or asks for what some seeds do later: the test is mended, or its wait is said where it is called.
"""

import pytest

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.suites.suite import SuiteOptions, run_suite
from tests.support import hurried

COURSE = Course()
KEYS = 2


def hurry(divisor: int) -> tuple[str, ...]:
    """The options of pytest that divide the default wait."""
    return ("-p", hurried.__name__, f"--hurry={divisor}")


@pytest.mark.proof
@pytest.mark.parametrize("key", range(1, KEYS + 1))
@pytest.mark.parametrize("lab", COURSE.labs, ids=lambda lab: lab.id)
def test_half_of_the_wait_is_enough(lab: Lab, key: int) -> None:
    run = run_suite(COURSE, lab, SuiteOptions(seed_key=f"margin {key}", more=hurry(2)))
    assert [f"{test.name}: {test.why} {test.replay}" for test in run.failed] == []
    assert not run.cut_short


@pytest.mark.proof
def test_a_wait_that_is_too_short_is_noticed() -> None:
    """A kit in which nothing is cut would pass all of the above."""
    lab = COURSE.lab("log")
    run = run_suite(COURSE, lab, SuiteOptions(more=hurry(1000)))
    assert any("3 ms" in test.why for test in run.failed)
