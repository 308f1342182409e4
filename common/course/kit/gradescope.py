"""One lab as a Gradescope autograder: the zip to upload, and what runs in its container.

The layout is Gradescope's (its documentation, "Autograder Specifications")::

    /autograder/source/            this zip, unpacked; setup.sh has been run in it
    /autograder/run_autograder
    /autograder/submission/        what the student handed in
    /autograder/submission_metadata.json
    /autograder/results/results.json   what we write, test by test
"""

import json
import sys
import zipfile
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.base.output import folder
from common.course.kit.course_file import CourseFile, default_course_file, read_course_file
from common.course.kit.exports import gradescope_results
from common.course.kit.gradebook import as_json
from common.course.kit.keys import Secret
from common.course.kit.marking import Job, mark, suites_digest
from common.course.kit.reports import LabReport, Mark, write_whole
from common.course.kit.scoring import score
from common.course.kit.submissions import Submission, receive
from common.values.errors import BadInput, LabError

PATTERNS = (
    "common/**/*", "tests/support/*.py", "tests/conftest.py", "docs/labs/*.md", "pyproject.toml",
    "constraints.txt", "README.md",
)  # fmt: skip
"""What goes into the zip beside the stages and their suites."""
LEFT_OUT = ("__pycache__", ".mypy_cache", ".ruff_cache")
EPOCH = (2027, 1, 1, 0, 0, 0)
"""The date of every entry, so that the same course makes the same zip."""

SETTINGS = "settings.json"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the container has to know.

    Attributes:
        lab: which lab.
        key: a secret for the seeds, of this autograder alone.
        unsafe: whether to grade where the container lets us make no sandbox.
        rules: the course file's text; "" if there is none.
        seeds: how many seeds each sweep tries; None for as many as each test wants.
    """

    lab: str
    key: str
    unsafe: bool
    rules: str
    seeds: int | None = None


def build_zip(course: Course, settings: Settings, out: Path) -> int:
    """Write the autograder's zip; returns its size in bytes.

    Raises:
        BadInput: it cannot be written.
    """
    stages = [f"{top}{name}/**/*" for name in course.packages for top in ("", "tests/")]
    names = sorted({path for pattern in (*PATTERNS, *stages) for path in course.root.glob(pattern)})
    try:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("setup.sh", "run_autograder"):
                text = files("common.course.kit").joinpath("templates", name).read_bytes()
                _add(archive, name, text, 0o755)
            _add(archive, SETTINGS, json.dumps(asdict(settings)).encode(), 0o600)
            for path in names:
                if path.is_file() and not any(part in LEFT_OUT for part in path.parts):
                    relative = path.relative_to(course.root).as_posix()
                    _add(archive, f"course/{relative}", path.read_bytes(), 0o644)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}") from None
    return out.stat().st_size


def _add(archive: zipfile.ZipFile, name: str, raw: bytes, mode: int) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = mode << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, raw)


def autograde(base: Path, course: Course) -> dict[str, object]:
    """Grade the submission of a container, and write its results, test by test.

    Args:
        base: ``/autograder``.
        course: the course of the container.

    Returns:
        The results.

    Raises:
        LabError: it cannot be graded here: no results are written then, so that Gradescope tells
            the instructor and not the student.
    """
    settings = Settings(**json.loads((base / "source" / SETTINGS).read_text(encoding="utf-8")))
    lab = course.lab(settings.lab)
    rules = _rules(settings, course, lab, base)
    student = _student(base)
    results = folder(base / "results") / "results.json"
    job = _job(base, course, lab, rules, settings, student)

    def write(report: LabReport) -> dict[str, object]:
        made = score(student, rules, {lab.id: report}, {}, {})
        plain = gradescope_results(made.labs[0], rules)
        write_whole(results, as_json(plain))
        return plain

    if isinstance(job, LabReport):
        return write(job)
    empty = job.report(course)
    marks: list[Mark] = []

    def on_mark(each: Mark) -> None:
        marks.append(each)
        write(msgspec.structs.replace(empty, tests=tuple(marks)))

    return write(mark(job, on_mark, course).report)


def _job(
    base: Path, course: Course, lab: Lab, rules: CourseFile, settings: Settings, student: str
) -> Job | LabReport:
    """What is to be marked, or the report if there is nothing that could be."""
    handed_in = Submission(student, base / "submission")
    accepted = receive(handed_in, course, [lab]).accepted[lab.id]
    job = Job(
        student=student,
        lab=lab.id,
        files=accepted.files,
        digest=accepted.digest,
        suites=suites_digest(course),
        seed_key=Secret(settings.key.encode()).seed_key(student, lab.id),
        judged=True,
        unsafe=settings.unsafe,
        seeds=settings.seeds,
        budget=rules.by_id[lab.id].budget,
        diagrams=0,
        notes=accepted.notes,
    )
    if not accepted.problem:
        return job
    return msgspec.structs.replace(job.report(course), done=True, problem=accepted.problem)


def _rules(settings: Settings, course: Course, lab: Lab, base: Path) -> CourseFile:
    if not settings.rules:
        return default_course_file([lab])
    path = base / "source" / "course.yaml"
    path.write_text(settings.rules, encoding="utf-8")
    return read_course_file(path, course)


def _student(base: Path) -> str:
    """Who handed it in; a container that is tried by hand has no such file."""
    try:
        plain: Any = json.loads((base / "submission_metadata.json").read_text(encoding="utf-8"))
        return str(plain["users"][0]["email"])
    except (OSError, ValueError, LookupError, TypeError):
        return "nobody"


def main() -> None:
    """What ``run_autograder`` runs."""
    try:
        plain = autograde(Path(sys.argv[1]), Course(ROOT))
    except LabError as error:
        sys.exit(f"error: {error}")
    print(f"graded: {plain['score']} points")


if __name__ == "__main__":
    main()
