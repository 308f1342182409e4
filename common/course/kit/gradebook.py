"""The folder with the reports: what makes a run of grading resumable.

::

    REPORTS/ada/raft.json            signed, rewritten with each test that ends
    REPORTS/ada/raft/TEST.jsonl      recorded failures
    REPORTS/ada/report.json, .html   everything about one student
    REPORTS/scores.csv, ...          everything about everybody
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from common.course.base.output import folder
from common.course.kit.keys import Secret
from common.course.kit.marking import Job
from common.course.kit.reports import (
    LabReport,
    Mark,
    lab_report,
    read_signed,
    to_plain,
    write_signed,
    write_whole,
)
from common.values.errors import BadInput


class Gradebook:
    """The reports of a class.

    Args:
        out: the folder.
        secret: what the reports are signed with.

    Raises:
        BadInput: the folder cannot be made.
    """

    def __init__(self, out: Path, secret: Secret) -> None:
        self.out = folder(out)
        self._secret = secret
        self._partial: dict[tuple[str, str], dict[str, Mark]] = {}

    def path(self, student: str, lab: str) -> Path:
        """Where a lab's report is."""
        return self.out / student / f"{lab}.json"

    def read(self, student: str, lab: str) -> LabReport | None:
        """A report, if there is one that is whole and signed by us."""
        path = self.path(student, lab)
        try:
            return lab_report(read_signed(path, self._secret), path)
        except BadInput:
            return None

    def has(self, job: Job) -> bool:
        """Whether a job's report is there, done, and about these very files and tests.

        A report that was made with other suites counts as well: see :meth:`is_old`.
        """
        found = self.read(job.student, job.lab)
        return (
            found is not None
            and found.done
            and found.submission == job.digest
            and found.judged == (job.judged and not job.unsafe)
        )

    def is_old(self, job: Job) -> bool:
        """Whether a report was made with another version of the course."""
        found = self.read(job.student, job.lab)
        return found is not None and found.suites != job.suites

    def begin(self, empty: LabReport) -> None:
        """A job begins: what was there before is no longer true."""
        self._partial[empty.student, empty.lab] = {}
        self.write(empty)
        shutil.rmtree(self._traces(empty), ignore_errors=True)

    def add(self, empty: LabReport, mark: Mark) -> None:
        """A test has ended; the report says so before the next one does."""
        marks = self._partial.setdefault((empty.student, empty.lab), {})
        marks[mark.test] = mark
        self.write(_with(empty, marks))

    def write(self, report: LabReport, traces: Mapping[str, str] | None = None) -> None:
        """Write a report, signed, and the recorded failures beside it.

        Raises:
            BadInput: it cannot be written: the disk is full, say.
        """
        for test, lines in (traces or {}).items():
            write_whole(self._traces(report) / f"{_short(test)}.jsonl", lines)
        write_signed(self.path(report.student, report.lab), to_plain(report), self._secret)

    def trace(self, report: LabReport, test: str) -> str | None:
        """A recorded failure."""
        path = self._traces(report) / f"{_short(test)}.jsonl"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def write_student(self, student: str, plain: object, page: str) -> None:
        """Write what there is to say about a student, and the page that shows it."""
        write_signed(self.out / student / "report.json", plain, self._secret)
        write_whole(self.out / student / "report.html", page)

    def write_class(self, files: Mapping[str, str]) -> list[Path]:
        """Write what there is about everybody; returns the paths."""
        for name, text in files.items():
            write_whole(self.out / name, text)
        return [self.out / name for name in files]

    def _traces(self, report: LabReport) -> Path:
        return self.out / report.student / report.lab


def _with(empty: LabReport, marks: Mapping[str, Mark]) -> LabReport:
    plain = to_plain(empty) | {"tests": [to_plain(mark) for mark in marks.values()]}
    return lab_report(plain, "a report that is being made")


def _short(test: str) -> str:
    """A name for a file, from a test's id; ids may have any characters in their parameters."""
    name = test.rpartition("::")[2]
    kept = "".join(letter for letter in name if letter.isalnum() or letter == "_")[:100]
    return f"{kept}-{hashlib.sha256(test.encode()).hexdigest()[:8]}"


def as_json(plain: object) -> str:
    """JSON for people to read as well."""
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"
