"""From reports to what people read: a page per student, tables for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.course.base.course import Course
from common.course.kit.course_file import CourseFile
from common.course.kit.exports import (
    filled_worksheet,
    gradescope_results,
    moodle_csv,
    scores_csv,
    scores_json,
)
from common.course.kit.gradebook import Gradebook, as_json
from common.course.kit.page import StudentPage
from common.course.kit.reports import LabReport
from common.course.kit.scoring import Score, score
from common.course.kit.submissions import Desk, Submission
from common.course.kit.times import Times


@dataclass(frozen=True, slots=True)
class Results:
    """What was written, and what it says.

    Attributes:
        scores: the students' marks.
        files: the files about everybody.
    """

    scores: list[Score]
    files: list[Path]


def write_results(
    book: Gradebook,
    desk: Desk,
    rules: CourseFile,
    submissions: Sequence[Submission],
    times: Times,
    worksheet: Path | None = None,
) -> Results:
    """Work out the marks from the reports that there are, and write everything.

    Raises:
        BadInput: something cannot be written, or the worksheet cannot be read.
    """
    scores = []
    for submission, received in zip(submissions, desk.receive(submissions), strict=True):
        student = submission.student
        reports: dict[str, LabReport] = {}
        for lab in rules.labs:
            if (report := book.read(student, lab.id)) is not None:
                reports[lab.id] = report
        hints = received.hints if any(rules.hints) else {}
        made = score(student, rules, reports, times.get(student, {}), hints)
        scores.append(made)
        _write_student(book, desk.course, rules, made)
    by_name = {each.student: each for each in submissions}
    files = {
        "scores.csv": scores_csv(scores, rules),
        "scores.json": scores_json(scores, rules),
        "moodle.csv": filled_worksheet(worksheet, scores, by_name)
        if worksheet
        else moodle_csv(scores, by_name),
    }
    return Results(scores, book.write_class(files))


def _write_student(book: Gradebook, course: Course, rules: CourseFile, made: Score) -> None:
    by_lab = {each.lab: each.report for each in made.labs}
    page = StudentPage(
        made,
        rules,
        lambda lab, test: book.trace(by_lab[lab], test),
        lambda lab: course.lab(lab).title,
    ).build()
    book.write_student(made.student, made.to_plain(), page)
    for each in made.labs:
        name = f"{made.student}/{each.lab}/results.json"
        book.write_class({name: as_json(gradescope_results(each, rules))})
