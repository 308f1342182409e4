"""From verdicts to marks: rubric, late days, hints."""

from datetime import datetime, timedelta

import pytest

from common.course.kit.course_file import CourseFile, LabInCourse, Late, Row
from common.course.kit.reports import LabReport, Mark
from common.course.kit.scoring import Score, score

DUE = datetime.fromisoformat("2027-03-01T23:59:00+01:00")
VERDICTS = (("test_a", "pass"), ("test_b", "fail"), ("test_c", "pass"), ("test_d", "unknown"))
LATE = Late(free_days=2, per_day=10, last_day=5)


def report(lab: str, *verdicts: tuple[str, str]) -> LabReport:
    marks = tuple(
        Mark(test=f"f.py::{name}", title="t", requirement="r", points=5, verdict=verdict)
        for name, verdict in verdicts
    )
    return LabReport(student="ada", lab=lab, submission="1", suites="2", judged=True,
                     points=5 * len(marks), done=True, tests=marks)  # fmt: skip


def course(**lab: object) -> CourseFile:
    one = LabInCourse(id="cap", weight=40.0, due=DUE, **lab)  # type: ignore[arg-type]
    two = LabInCourse(id="link", weight=60.0, due=DUE)
    return CourseFile(title="t", points=100.0, labs=(one, two), late=LATE, hints=(0.0, 5.0, 10.0))


def marked(days: float = 0, hints: tuple[int, ...] = (), rules: CourseFile | None = None) -> Score:
    times = {"cap": DUE + timedelta(days=days), "link": DUE}
    reports = {
        "cap": report("cap", *VERDICTS),
        "link": report("link", ("test_x", "pass")),
    }
    return score("ada", rules or course(), reports, times, {"cap": hints})


def test_without_a_rubric_points_are_a_share_of_the_weight() -> None:
    made = marked()
    assert [lab.total for lab in made.labs] == [20.0, 60.0]
    assert made.total == 80.0


def test_a_rubric_weighs_its_rows_and_a_test_counts_in_the_first_that_names_it() -> None:
    rows = (
        Row(title="a", weight=30.0, tests=("test_a",)),
        Row(title="rest", weight=10.0, tests=("*",)),
    )
    made = marked(rules=course(rubric=rows))
    assert [row.earned for row in made.labs[0].rows] == [30.0, pytest.approx(10 / 3)]
    assert made.labs[0].total == 33.33


@pytest.mark.parametrize(
    ("days", "total"), [(-3, 20.0), (0.5, 20.0), (2, 20.0), (2.1, 18.0), (4, 16.0), (5, 0.0)]
)
def test_days_late_cost_after_the_free_ones_and_the_last_costs_all(
    days: float, total: float
) -> None:
    assert marked(days).labs[0].total == total


def test_lateness_is_told_in_words() -> None:
    assert [marked(days).labs[0].lateness for days in (0.5, 2)] == ["1 day late", "2 days late"]


def test_free_days_are_one_stock_for_the_course_and_not_spent_on_nothing() -> None:
    times = {"cap": DUE + timedelta(days=2), "link": DUE + timedelta(days=1)}
    good = {"cap": report("cap", ("test_a", "pass")), "link": report("link", ("test_x", "pass"))}
    both = score("ada", course(), good, times, {})
    assert [(lab.free_days, lab.total) for lab in both.labs] == [(2, 40.0), (0, 54.0)]
    nothing = good | {"cap": report("cap", ("test_a", "fail"))}
    assert score("ada", course(), nothing, times, {}).labs[1].total == 60.0


def test_hints_cost_step_by_step_and_never_more_than_there_is() -> None:
    assert marked(hints=(1,)).labs[0].total == 20.0
    assert marked(hints=(2,)).labs[0].total == 19.0
    assert marked(hints=(3, 3)).labs[0].total == 14.0
    assert marked(hints=(3,) * 20).labs[0].total == 0.0
    assert marked(days=4, hints=(3,) * 6).total == 60.0 + 20.0 - 4.0 - 16.0


def test_a_lab_that_was_not_handed_in_is_not_in_the_sum() -> None:
    made = score("ada", course(), {"link": report("link", ("test_x", "pass"))}, {}, {})
    assert [lab.lab for lab in made.labs] == ["link"]
