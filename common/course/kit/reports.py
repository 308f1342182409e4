"""A report: how one submission did in one lab, written by the judge alone, and signed."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec

from common.course.base.lab import Strict
from common.course.kit.keys import Secret
from common.values.errors import BadInput

FORMAT = 1

VERDICTS = {"pass": "passed", "fail": "failed", "hung": "hung", "unknown": "not decided"}
"""How a test may have ended, and the words for people."""


class Mark(Strict, frozen=True):
    """How one graded test ended.

    Attributes:
        test: its id in pytest.
        title: one sentence.
        requirement: what it checks.
        points: what it is worth.
        verdict: one of :data:`VERDICTS`. Only ``pass`` earns points; ``hung`` and ``unknown`` are
            no failures, and say why.
        seconds: how long it took; the only thing that differs from run to run.
        why: for a failure, what was found and expected, and where.
        replay: the command that runs it again.
    """

    test: str
    title: str
    requirement: str
    points: int
    verdict: str
    seconds: float = 0.0
    why: str = ""
    replay: str = ""

    @property
    def name(self) -> str:
        """The test function's name, without the values of its parameters."""
        return self.test.rpartition("::")[2].partition("[")[0]

    @property
    def undecided(self) -> bool:
        """Whether it neither passed nor failed."""
        return self.verdict in ("hung", "unknown")

    @property
    def said(self) -> str:
        """Why it ended as it did; it begins with the verdict where that is no failure."""
        begins = f"{self.verdict}: " if self.undecided else ""
        return begins + self.why.strip().removeprefix(begins)

    @property
    def sentence(self) -> str:
        """The test's name as a sentence."""
        name = self.test.rpartition("::")[2].removeprefix("test_")
        return name.replace("_", " ")


class LabReport(Strict, frozen=True):
    """How one submission did in one lab.

    Attributes:
        student: whose it is.
        lab: which lab.
        submission: SHA-256 of the files that were graded; "" if there were none.
        suites: SHA-256 of the course's code: suites, simulator, checkers.
        judged: whether the code ran in the judge's sandbox; if not, the marks can be forged.
        points: what all tests of the lab are worth.
        done: whether all tests have ended; false in the report of a run that died.
        problem: why nothing, or not all, could be tested; one sentence for the student.
        notes: what else there is to say: files that were left out.
        tests: the tests, in the order in which they were run.
        format: the version of this format.
    """

    student: str
    lab: str
    submission: str
    suites: str
    judged: bool
    points: int
    done: bool = False
    problem: str = ""
    notes: tuple[str, ...] = ()
    tests: tuple[Mark, ...] = ()
    format: int = FORMAT

    @property
    def earned(self) -> int:
        """The points of the tests that passed."""
        return sum(mark.points for mark in self.tests if mark.verdict == "pass")

    def counted(self) -> dict[str, int]:
        """How many tests ended in each way; ways in which none did are left out."""
        each = [mark.verdict for mark in self.tests]
        return {verdict: each.count(verdict) for verdict in VERDICTS if verdict in each}

    @property
    def undecided(self) -> str:
        """How many tests hung or could not be decided, in words; "" if there is none."""
        counted = self.counted()
        told = [f"{counted[way]} {VERDICTS[way]}" for way in ("hung", "unknown") if way in counted]
        return ", ".join(told)

    def score(self) -> list[tuple[str, str]]:
        """What must be the same each time: every test with its verdict."""
        return sorted((mark.test, mark.verdict) for mark in self.tests)


def write_signed(path: Path, plain: object, secret: Secret) -> None:
    """Write a value with its signature, whole or not at all.

    Raises:
        BadInput: it cannot be written: the disk is full, say.
    """
    text = json.dumps({"report": plain, "signature": secret.sign(plain)}, indent=1, sort_keys=True)
    write_whole(path, text + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file beside its place and move it there: a reader never sees half of it.

    Raises:
        BadInput: it cannot be written.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None


def read_signed(path: Path, secret: Secret) -> Any:
    """A signed value, if the signature is ours.

    Raises:
        BadInput: it cannot be read, or is no report.
        Forged: it was not signed with this secret, or was changed since.
    """
    try:
        read = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
        plain, signature = read["report"], str(read["signature"])
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadInput(f"{path} is no report of lab grade") from None
    if not secret.has_signed(plain, signature):
        raise Forged(f"{path} was not signed with this course's secret, or was changed afterwards")
    return plain


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON in which no key is there twice: of two, readers take one or the other."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


class Forged(BadInput):
    """A signature is not ours."""

    exit_code = 1


def to_plain(report: msgspec.Struct) -> Any:
    """As plain values for JSON."""
    return msgspec.to_builtins(report)


def lab_report(plain: object, where: object) -> LabReport:
    """A lab's report from plain values.

    Raises:
        BadInput: it is none, or one of another version.
    """
    try:
        report = msgspec.convert(plain, LabReport)
    except msgspec.ValidationError as error:
        raise BadInput(f"{where} is no report on a lab: {error}") from None
    if report.format != FORMAT:
        raise BadInput(f"{where} has format {report.format}, and this version reads {FORMAT}")
    return report
