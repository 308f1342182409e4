"""A right submission stays below half of what it may write to the judge.

Here are the graded tests that come nearest to it: echo's by bytes, swim's by the values of one
process, failures' by those of many nodes in two seeds. Those of all other labs move less than a
quarter of what they may.
That each whole suite keeps to it is a proof: ``tests/proofs/test_same_score.py``.
"""

import pytest

from common.course.base.course import Course
from common.course.suites.suite import SuiteOptions, run_suite
from tests.support import half
from tests.support.judging import needs_a_sandbox

HEAVIEST = {
    "echo": "test_echo_client.py::test_many_payloads_go_out_without_waiting_and_all_come_back",
    "failures": "test_failures_detect.py::"
    "test_it_is_wrong_about_a_network_that_has_become_slow_only_finitely_often",
    "swim": "test_swim_suspicion.py::test_a_table_that_is_full_takes_nobody_new_and_still_learns",
}


@pytest.mark.parametrize("id", HEAVIEST)
def test_the_graded_tests_that_move_the_most_pass_with_half_of_the_judges_bounds(id: str) -> None:
    needs_a_sandbox()
    course = Course()
    lab = course.lab(id)
    options = SuiteOptions(
        judged=True, seeds=2, tests=(f"{lab.suite}/{HEAVIEST[id]}",), more=("-p", half.__name__)
    )
    result = run_suite(course, lab, options)
    assert [test.why for test in result.tests if test.verdict != "pass"] == []
    assert len(result.tests) == 1
