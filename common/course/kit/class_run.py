"""Grades a folder of submissions: what is to be done, what has been done, and what came of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.kit.course_file import CourseFile
from common.course.kit.farm import Done, Farm, Told
from common.course.kit.gradebook import Gradebook
from common.course.kit.keys import Secret
from common.course.kit.marking import (
    DIAGRAMS,
    BrokenJudge,
    Job,
    Marked,
    OtherVersion,
    mark,
    suites_digest,
)
from common.course.kit.reports import LabReport, Mark
from common.course.kit.submissions import Accepted, Desk, Submission
from common.values.errors import LabError, MissingTool


@dataclass(frozen=True, slots=True)
class HowToGrade:
    """What holds for every submission.

    Attributes:
        unsafe: without a sandbox, where there is none: then marks can be forged.
        again: grade also what has a finished report.
        seeds: how many seeds each sweep tries; None for as many as each test wants.
        diagrams: how many failures of a lab to draw.
    """

    unsafe: bool = False
    again: bool = False
    seeds: int | None = None
    diagrams: int = DIAGRAMS


def handed_in(submissions: Sequence[Submission], desk: Desk) -> list[Lab]:
    """The labs of which anybody has handed in a file.

    A file without its room's folder says nothing of its lab: several have a ``client.py``. Files
    that are known by their names alone count where all files with an exercise are among them.
    """
    received = desk.receive(submissions)
    return [
        lab
        for lab in desk.course.labs
        if any(_is_of(each.accepted[lab.id], lab) for each in received)
    ]


def _is_of(accepted: Accepted, lab: Lab) -> bool:
    exercises = {lab.path(hole.file) for hole in lab.holes}
    return bool(accepted.files) and (not accepted.bare or exercises <= accepted.files.keys())


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do.

    Attributes:
        jobs: by ``student/lab``, what has to be marked.
        refused: reports on what cannot even be tested: no such file, no archive.
        kept: how many finished reports stay as they are.
        old: how many of those were made with another version of the course.
    """

    jobs: dict[str, Job]
    refused: list[LabReport]
    kept: int
    old: int


def plan(
    submissions: Sequence[Submission],
    labs: Iterable[Lab],
    desk: Desk,
    rules: CourseFile,
    secret: Secret,
    book: Gradebook,
    how: HowToGrade,
) -> Plan:
    """Read the submissions, and see which of them have to be marked."""
    made = Plan({}, [], 0, 0)
    kept = old = 0
    course = desk.course
    suites = suites_digest(course)
    received = desk.receive(submissions)
    for lab in labs:
        for submission, each in zip(submissions, received, strict=True):
            accepted = each.accepted[lab.id]
            job = Job(
                student=submission.student,
                lab=lab.id,
                files=accepted.files,
                digest=accepted.digest,
                suites=suites,
                seed_key=secret.seed_key(submission.student, lab.id),
                unsafe=how.unsafe,
                budget=rules.by_id[lab.id].budget,
                seeds=how.seeds,
                diagrams=how.diagrams,
                notes=accepted.notes,
            )
            if accepted.problem:
                empty = job.report(course)
                refused = msgspec.structs.replace(empty, done=True, problem=accepted.problem)
                made.refused.append(refused)
            elif book.has(job) and not how.again:
                kept += 1
                old += book.is_old(job)
            else:
                made.jobs[f"{job.student}/{job.lab}"] = job
    return Plan(made.jobs, made.refused, kept, old)


def carry_out(
    todo: Plan,
    course: Course,
    book: Gradebook,
    farm: Farm,
    on_end: Callable[[LabReport], None],
    on_mark: Callable[[str, Mark], None] = lambda key, mark: None,
) -> None:
    """Mark everything in a plan; each report is written as it grows.

    Args:
        todo: what to do.
        course: the course.
        book: where the reports go.
        farm: who does it.
        on_end: called with each report that is finished.
        on_mark: called with each mark, and the job that it belongs to.

    Raises:
        OtherVersion, BrokenJudge, MissingTool: the workers cannot do it at all.
    """
    for report in todo.refused:
        book.write(report)
        on_end(report)
    empties = {key: job.report(course) for key, job in todo.jobs.items()}
    open_jobs = set(empties)
    for event in farm.run(work, todo.jobs):
        match event:
            case Told(key, what) if key in open_jobs:
                if what is None:
                    book.begin(empties[key])
                else:
                    marked = msgspec.convert(what, Mark)
                    book.add(empties[key], marked)
                    on_mark(key, marked)
            case Done(key, result, error):
                open_jobs.discard(key)
                on_end(_finish(book, empties[key], result, error))


def work(job: Job, tell: Callable[[object], None]) -> Marked:
    """What a worker does with a job."""
    tell(None)
    return mark(job, lambda mark: tell(msgspec.to_builtins(mark)))


def _finish(
    book: Gradebook, empty: LabReport, result: Any, error: BaseException | None
) -> LabReport:
    match error:
        case None:
            book.write(result.report, result.traces)
            finished: LabReport = result.report
            return finished
        case OtherVersion() | BrokenJudge() | MissingTool() | KeyboardInterrupt():
            raise error
    # No fault of the student's: the report is not done, and the next run tries again.
    why = str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
    report = msgspec.structs.replace(empty, problem=f"not graded yet: {why}")
    book.write(report)
    return report
