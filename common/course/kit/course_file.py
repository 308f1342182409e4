"""The course file: one instructor's rubric, weights, due dates, hidden tests, budgets, hint costs.

The manifests say what a lab is; ``course.yaml`` says what it counts in one course. Everything in
it has a default, so that a course without the file is graded too: each lab by its points.
"""

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Annotated

import msgspec

from common.course.base.course import Course
from common.course.base.lab import GradedTest, Lab, Strict
from common.course.base.limits import BUDGET_SECONDS
from common.course.base.located import Located

NAME = "course.yaml"

Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class Late(Strict, frozen=True):
    """What being late costs.

    Attributes:
        free_days: days late that cost a student nothing, over the whole course.
        per_day: per cent of the lab's marks that each further day, begun, costs.
        last_day: from so many days late on, free ones included, a lab is worth nothing.
    """

    free_days: Count = 0
    per_day: Percent = 10.0
    last_day: Annotated[int, msgspec.Meta(ge=1)] = 10


class Row(Strict, frozen=True):
    """One row of a rubric.

    Attributes:
        title: what it is about.
        weight: how much of the lab's weight it is.
        tests: which tests: their names, or patterns such as ``*does_not*``. A test belongs to
            the first row that names it.
    """

    title: str
    weight: Positive
    tests: tuple[str, ...]


class LabInCourse(Strict, frozen=True):
    """What one lab counts.

    Attributes:
        id: the lab's id.
        weight: how much of the course's points it is worth.
        due: until when it has to be handed in; a date with its offset from UTC. None for never.
        rubric: how its weight is divided; none for dividing it by the tests' points.
        hidden: tests that students do not get and of which they see only the title.
        budget: seconds of processor time that grading one submission may take.
    """

    id: str
    weight: Positive
    due: datetime | None = None
    rubric: tuple[Row, ...] = ()
    hidden: tuple[str, ...] = ()
    budget: Positive = BUDGET_SECONDS

    def is_hidden(self, test: str) -> bool:
        """Whether students do not get a test, given its name."""
        return any(fnmatchcase(test, pattern) for pattern in self.hidden)

    def row_of(self, test: str) -> int | None:
        """The number of the rubric's row that a test belongs to."""
        for number, row in enumerate(self.rubric):
            if any(fnmatchcase(test, pattern) for pattern in row.tests):
                return number
        return None


class CourseFile(Strict, frozen=True, dict=True):
    """One course.

    Attributes:
        title: its name, for the reports.
        points: what all of it is worth; the labs' weights add up to it.
        labs: what is graded, and what it counts.
        late: what being late costs.
        hints: per cent of a lab's marks that the first, second and third hint of a hole cost.
    """

    title: str
    points: Positive
    labs: tuple[LabInCourse, ...]
    late: Late = Late()
    hints: tuple[Percent, Percent, Percent] = (0.0, 0.0, 0.0)

    @cached_property
    def by_id(self) -> dict[str, LabInCourse]:
        """The labs by their ids."""
        return {lab.id: lab for lab in self.labs}


def default_course_file(labs: list[Lab]) -> CourseFile:
    """What is meant where there is no file: each lab counts its points, and nothing is late."""
    counted = tuple(LabInCourse(id=lab.id, weight=float(lab.points)) for lab in labs)
    total = float(sum(lab.points for lab in labs))
    return CourseFile(title="Distributed systems", points=total, labs=counted)


def read_course_file(path: Path, course: Course) -> CourseFile:
    """Read a course file and check it against the labs that there are.

    Raises:
        BadInput: it cannot be read, or a part is missing, unknown, of the wrong type, or does not
            add up; the text names file and line.
    """
    located = Located(path)
    read = located.decode(CourseFile)
    known = {lab.id: lab for lab in course.labs}
    seen: set[str] = set()
    for number, lab in enumerate(read.labs):
        if lab.id not in known:
            listed = ", ".join(known)
            what = f"there is no lab {lab.id!r}; the labs are: {listed}"
            raise located.error(what, "labs", number, "id")
        if lab.id in seen:
            raise located.error(f"lab {lab.id} is listed twice", "labs", number, "id")
        seen.add(lab.id)
        if lab.due is not None and lab.due.tzinfo is None:
            what = "a due date needs its offset from UTC: 2027-03-01T23:59:00+01:00"
            raise located.error(what, "labs", number, "due")
        _check_tests(located, number, lab, known[lab.id].tests)
    _check_sum(located, read)
    return read


def _check_sum(located: Located, read: CourseFile) -> None:
    total = sum(lab.weight for lab in read.labs)
    if not _same(total, read.points):
        what = f"the weights of the labs add up to {total:g}, not to points: {read.points:g}"
        raise located.error(what, "points")


def _check_tests(
    located: Located, number: int, lab: LabInCourse, tests: Sequence[GradedTest]
) -> None:
    names = [test.name for test in tests]
    for place, pattern in enumerate(lab.hidden):
        if not any(fnmatchcase(name, pattern) for name in names):
            what = f"hidden: lab {lab.id} has no test {pattern}"
            raise located.error(what, "labs", number, "hidden", place)
    if not lab.rubric:
        return
    for row_number, row in enumerate(lab.rubric):
        for place, pattern in enumerate(row.tests):
            if not any(fnmatchcase(name, pattern) for name in names):
                what = f"rubric: lab {lab.id} has no test {pattern}"
                raise located.error(what, "labs", number, "rubric", row_number, "tests", place)
        if not any(lab.row_of(name) == row_number for name in names):
            what = f"rubric: all tests of the row {row.title!r} belong to rows above it"
            raise located.error(what, "labs", number, "rubric", row_number)
    left = [name for name in names if lab.row_of(name) is None]
    if left:
        what = f"rubric: no row names {left[0]}, nor {len(left) - 1} other tests of lab {lab.id}"
        raise located.error(what, "labs", number, "rubric")
    total = sum(row.weight for row in lab.rubric)
    if not _same(total, lab.weight):
        what = f"the rubric's weights add up to {total:g}, not to the lab's weight: {lab.weight:g}"
        raise located.error(what, "labs", number, "rubric")


def _same(left: float, right: float) -> bool:
    return abs(left - right) < 1e-6
