"""From verdicts to marks: rubric, weights, late days, the price of hints. Pure arithmetic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.course.kit.course_file import CourseFile, LabInCourse
from common.course.kit.reports import LabReport, Mark

DAY = timedelta(days=1)
DIGITS = 2
"""Marks are rounded to so many digits, once, at the end."""


@dataclass(frozen=True, slots=True)
class RowScore:
    """One row of a rubric, or one of the parts that a lab without a rubric is made of.

    Attributes:
        title: what it is about.
        earned: of the weight.
        weight: what it is worth.
    """

    title: str
    earned: float
    weight: float


@dataclass(frozen=True, slots=True)
class LabScore:
    """What a student gets for a lab.

    Attributes:
        lab: the lab's id.
        weight: what it is worth in the course.
        earned: what the tests gave, of the weight.
        days_late: begun days after the due date.
        free_days: those of them that cost nothing.
        lost_late: what being late cost.
        lost_hints: what hints cost.
        rows: the rubric's rows.
        report: the tests.
    """

    lab: str
    weight: float
    earned: float
    days_late: int
    free_days: int
    lost_late: float
    lost_hints: float
    rows: tuple[RowScore, ...]
    report: LabReport

    @property
    def lateness(self) -> str:
        """How late it was, in words: ``1 day late``."""
        return f"{self.days_late} {'day' if self.days_late == 1 else 'days'} late"

    @property
    def total(self) -> float:
        """What is left."""
        return round(max(0.0, self.earned - self.lost_late - self.lost_hints), DIGITS)


@dataclass(frozen=True, slots=True)
class Score:
    """What a student gets for everything.

    Attributes:
        student: who.
        points: what the course is worth.
        labs: the labs, in the order of the course file.
    """

    student: str
    points: float
    labs: tuple[LabScore, ...] = field(default=())

    @property
    def total(self) -> float:
        """The sum of the labs."""
        return round(sum(lab.total for lab in self.labs), DIGITS)

    def to_plain(self) -> dict[str, object]:
        """As an object for JSON."""
        labs = {
            each.lab: {
                "points": each.total,
                "of": each.weight,
                "tests_passed": each.report.earned,
                "tests_of": each.report.points,
                "verdicts": each.report.counted(),
                "days_late": each.days_late,
                "lost_late": round(each.lost_late, DIGITS),
                "lost_hints": round(each.lost_hints, DIGITS),
                "problem": each.report.problem,
                "complete": each.report.done,
            }
            for each in self.labs
        }
        return {
            "student": self.student,
            "points": self.total,
            "of": self.points,
            "labs": labs,
        }


def score(
    student: str,
    course: CourseFile,
    reports: Mapping[str, LabReport],
    times: Mapping[str, datetime],
    hints: Mapping[str, Iterable[int]],
) -> Score:
    """Work out a student's marks.

    Args:
        student: who.
        course: the rubric.
        reports: by lab.
        times: when each lab was handed in; a lab that is not in it is on time.
        hints: for each lab, how many hints were taken, hole by hole.
    """
    free = course.late.free_days
    labs = []
    for lab in course.labs:
        if lab.id in reports:
            days = days_late(lab, times.get(lab.id))
            used = min(free, days) if reports[lab.id].earned else 0
            free -= used
            labs.append(_lab_score(course, lab, reports[lab.id], (days, used), hints))
    return Score(student, course.points, tuple(labs))


def days_late(lab: LabInCourse, handed_in: datetime | None) -> int:
    """Begun days after the due date."""
    if lab.due is None or handed_in is None or handed_in <= lab.due:
        return 0
    return -((lab.due - handed_in) // DAY)


def _lab_score(
    course: CourseFile,
    lab: LabInCourse,
    report: LabReport,
    late: tuple[int, int],
    hints: Mapping[str, Iterable[int]],
) -> LabScore:
    rows = _rows(lab, report)
    earned = sum(row.earned for row in rows)
    days, used = late
    per_cent = 100.0 if days >= course.late.last_day else (days - used) * course.late.per_day
    price = sum(sum(course.hints[:taken]) for taken in hints.get(lab.id, ()))
    return LabScore(
        lab=lab.id,
        weight=lab.weight,
        earned=earned,
        days_late=days,
        free_days=used,
        lost_late=earned * min(100.0, per_cent) / 100 if days else 0.0,
        lost_hints=earned * min(100.0, price) / 100,
        rows=rows,
        report=report,
    )


def _rows(lab: LabInCourse, report: LabReport) -> tuple[RowScore, ...]:
    if not lab.rubric:
        share = report.earned / report.points if report.points else 0.0
        return (RowScore("all tests", lab.weight * share, lab.weight),)
    rows = []
    for number, row in enumerate(lab.rubric):
        marks = [mark for mark in report.tests if lab.row_of(mark.name) == number]
        rows.append(RowScore(row.title, row.weight * _share(marks), row.weight))
    return tuple(rows)


def _share(marks: list[Mark]) -> float:
    possible = sum(mark.points for mark in marks)
    earned = sum(mark.points for mark in marks if mark.verdict == "pass")
    return earned / possible if possible else 0.0
