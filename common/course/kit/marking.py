"""Marks one submission in one lab: what a worker does, on this machine or on another.

A :class:`Job` is all that it needs, and plain values: the submission's files, the key for the
seeds, how to judge. The report that comes back, and each mark as it is made, are plain values too.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import msgspec

from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.base.limits import BUDGET_SECONDS, WALL_FACTOR
from common.course.base.scratch import Scratch, without_scratch
from common.course.judge.sandbox import KINDS, available, no_walls
from common.course.kit.keeping import trace_to_keep
from common.course.kit.reports import LabReport, Mark
from common.course.suites.suite import (
    NothingEnded,
    SuiteOptions,
    SuiteResult,
    TestResult,
    run_suite,
)
from common.values.brief import legible
from common.values.errors import BadInput, LabError

WATCH = "common.course.kit.watch"
DIAGRAMS = 3
"""Failures of a lab that are recorded and drawn, unless the command line says otherwise."""

LEAST_SECONDS = 5.0
"""Failures are drawn only while so much is left of the time that a submission may take."""

OUT_OF_BUDGET = "unknown: out of budget: the run was ended in this test, or before it"

_SEED = re.compile(r"--seed (\d+)")


class OtherVersion(LabError):
    """The worker has another version of the course than the one who grades."""

    exit_code = 4


class BrokenJudge(LabError):
    """The judge fails the reference here: whatever it said of a submission would be wrong."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Job:
    """One submission in one lab, to be marked.

    Attributes:
        student: whose.
        lab: the lab's id.
        files: by path relative to the repository, the bytes.
        digest: SHA-256 of them.
        suites: SHA-256 of the course's code where the job was made.
        seed_key: what the seeds are derived from; "" for the public ones.
        judged: whether the judge runs the code, in processes of its own.
        unsafe: whether it may do so without a sandbox where there is none.
        budget: seconds of processor time; by the clock it may take :data:`WALL_FACTOR` times as
            much, diagrams included.
        seeds: how many seeds each sweep tries; None for as many as each test wants.
        diagrams: how many failures to draw.
        notes: what the intake had to say.
    """

    student: str
    lab: str
    files: Mapping[str, bytes]
    digest: str
    suites: str
    seed_key: str = ""
    judged: bool = True
    unsafe: bool = False
    budget: float = BUDGET_SECONDS
    seeds: int | None = None
    diagrams: int = DIAGRAMS
    notes: tuple[str, ...] = ()

    def report(self, course: Course) -> LabReport:
        """An empty report."""
        return LabReport(
            student=self.student,
            lab=self.lab,
            submission=self.digest,
            suites=self.suites,
            judged=self.judged and not self.unsafe,
            points=course.lab(self.lab).points,
            notes=self.notes,
        )


@dataclass(frozen=True, slots=True)
class Marked:
    """What came of a job.

    Attributes:
        report: the marks.
        traces: by test id, the recorded run of a failure as JSON Lines.
    """

    report: LabReport
    traces: Mapping[str, str]


def mark(job: Job, on_mark: Callable[[Mark], None], course: Course | None = None) -> Marked:
    """Mark a submission.

    Args:
        job: what to mark.
        on_mark: called with each mark as it is made.
        course: whose suites; the installed one if None.

    Raises:
        OtherVersion: this machine's suites are not those of the one who made the job.
        MissingTool: it has no sandbox.
        BrokenJudge: the reference does not pass on it.
    """
    course = course or _installed()
    if job.judged and not job.unsafe and not any(map(available, KINDS)):
        raise no_walls()
    if suites_digest(course) != job.suites:
        raise OtherVersion(
            "a worker has another version of the course than you have: the marks would not be "
            "comparable. Install the same version everywhere"
        )
    lab = course.lab(job.lab)
    _try_the_judge(course, lab, job.judged, job.unsafe)
    with Scratch("mark") as scratch:
        workspace = scratch / "work"
        for name, raw in job.files.items():
            path = workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        until = time.monotonic() + job.budget * WALL_FACTOR
        report = _tested(job, course, lab, workspace, on_mark, until)
        traces = _drawn(job, course, lab, workspace, report, until)
    return Marked(report, traces)


@cache
def _try_the_judge(course: Course, lab: Lab, judged: bool, unsafe: bool) -> None:
    """Let the reference pass a test, once per worker and lab: what fails it is no student's fault.

    Raises:
        BrokenJudge: it does not.
    """
    first = lab.tests[0]
    options = SuiteOptions(judged=judged, unsafe=unsafe, seeds=1, tests=(first.id,))
    try:
        failed = [test.why.strip() for test in run_suite(course, lab, options).failed]
    except BadInput as error:
        failed = [str(error)]
    if failed:
        raise BrokenJudge(
            f"nothing can be graded here: the reference of lab {lab.id} fails {first.name}: "
            f"{failed[0]}"
        )


def _tested(
    job: Job,
    course: Course,
    lab: Lab,
    workspace: Path,
    on_mark: Callable[[Mark], None],
    until: float,
) -> LabReport:
    options = SuiteOptions(
        impl=workspace,
        judged=job.judged,
        unsafe=job.unsafe,
        seeds=job.seeds,
        seed_key=job.seed_key,
        more=_bounds(job, until),
    )
    empty = job.report(course)

    def marked(test: TestResult) -> Mark:
        return _mark(test, workspace, course)

    try:
        result = run_suite(course, lab, options, lambda test, _: on_mark(marked(test)))
    except NothingEnded:
        result = SuiteResult(lab.id)
    except BadInput as error:
        return msgspec.structs.replace(
            empty, done=True, problem=legible(without_scratch(str(error), workspace, course))
        )
    marks = [marked(test) for test in result.tests]
    return msgspec.structs.replace(empty, done=True, tests=_with_missing(lab, result, marks))


def _bounds(job: Job, until: float) -> tuple[str, ...]:
    """What bounds a run of the suite: the budget, and what is left by the clock."""
    left = max(0.0, until - time.monotonic())
    return ("-p", WATCH, f"--budget={job.budget}", f"--wall={left:.1f}")


def _with_missing(lab: Lab, result: SuiteResult, marks: list[Mark]) -> tuple[Mark, ...]:
    """All marks, with an unknown one for each test of which a run that was ended did not reach the
    end."""
    if result.collected is not None and len(marks) >= result.collected:
        return tuple(marks)
    reached = {mark.name for mark in marks}
    missing = [
        Mark(
            test=test.id, title=test.title, requirement="",
            points=test.points, verdict="unknown", why=OUT_OF_BUDGET,
        )
        for test in lab.tests
        if test.name not in reached
    ]  # fmt: skip
    return (*marks, *missing)


def _mark(test: TestResult, workspace: Path, course: Course) -> Mark:
    plain = asdict(test) | {
        "why": without_scratch(test.why, workspace, course),
        "replay": test.replay.partition(" --impl")[0],
    }
    return Mark(**plain)


def _drawn(
    job: Job, course: Course, lab: Lab, workspace: Path, report: LabReport, until: float
) -> dict[str, str]:
    """Record the first failures again, for their diagrams."""
    traces: dict[str, str] = {}
    failed = [each for each in report.tests if each.verdict == "fail" and each.replay]
    for each in failed[: job.diagrams]:
        if time.monotonic() > until - LEAST_SECONDS:
            break
        seed = _SEED.search(each.replay)
        out = workspace.with_name("trace") / "run.jsonl"
        out.parent.mkdir(exist_ok=True)
        options = SuiteOptions(
            impl=workspace,
            judged=job.judged,
            unsafe=job.unsafe,
            seed=int(seed[1]) if seed else None,
            seed_key=job.seed_key,
            record=out,
            tests=(each.test,),
            more=_bounds(job, until),
        )
        try:
            run_suite(course, lab, options)
        except BadInput:
            continue  # it failed before, so there is a mark; only its picture is missing
        recorded = sorted(out.parent.glob("run*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        if recorded:
            traces[each.test] = trace_to_keep(recorded[-1])
        for path in recorded:
            path.unlink()
    return traces


@cache
def _installed() -> Course:
    """The course of this machine, read once."""
    return Course(ROOT)


@cache
def suites_digest(course: Course) -> str:
    """SHA-256 of all that marks depend on: the common floors, the stages and their suites."""
    digest, root = hashlib.sha256(), course.root
    stages = [folder for name in course.packages for folder in (name, f"tests/{name}")]
    paths = [path for folder in ("common", *stages) for path in (root / folder).rglob("*")]
    for path in sorted(paths):
        if path.suffix in (".py", ".yaml") and path.is_file():
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
