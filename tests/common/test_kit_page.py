"""A student's page: what strangers wrote is text in it, and what says the same is said once."""

import pytest

from common.course.base.course import Course
from common.course.kit.course_file import default_course_file
from common.course.kit.page import StudentPage
from common.course.kit.reports import LabReport, Mark
from common.course.kit.scoring import score

pytestmark = pytest.mark.needs("dask")  # with it comes the engine of the page's template
COURSE = Course()
BAD = "<script>alert(1)</script>\"'{{ 7 * 7 }}"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;{{ 7 * 7 }}"


def mark(name: str, why: str, verdict: str = "fail") -> Mark:
    return Mark(test=f"f.py::test_{name}", title=name, requirement="r", points=2,
                verdict=verdict, why=why)  # fmt: skip


def page(*marks: Mark, student: str = "ada", problem: str = "", note: str = "") -> str:
    report = LabReport(student=student, lab="link", submission="1", suites="2", judged=True,
                       points=2 * len(marks), done=True, tests=marks, problem=problem,
                       notes=(note,))  # fmt: skip
    rules = default_course_file([COURSE.lab("link")])
    made = score(student, rules, {"link": report}, {}, {})
    return StudentPage(made, rules, lambda lab, test: BAD, lambda id: COURSE.lab(id).title).build()


def test_whatever_a_stranger_wrote_is_text() -> None:
    made = page(mark("a", f"found {BAD}"), student=BAD, problem=BAD, note=BAD)
    assert "<script>alert" not in made
    assert made.count(ESCAPED) == 5, "title, heading, problem, note, and why the test failed"
    assert "\\u003cscript>alert(1)\\u003c/script>" in made, "the trace, for the diagram"


def test_tests_that_need_what_is_not_written_share_one_line() -> None:
    missing = "this is not written yet (stage1_foundations/link/stop_and_wait.py:80, in send_more)"
    made = page(*(mark(f"m{n}", missing) for n in range(5)), mark("wrong", "found 1, expected 2"))
    assert "5 tests need what is not written yet (10 points)" in made
    assert missing not in made
    assert all(f"<li>m{n}: " in made for n in range(5))
    assert made.count("(failed, 2 points)") == 1
    alone = page(mark("m", missing), mark("p", "", "pass"))
    assert missing in alone, "one by itself says where"
