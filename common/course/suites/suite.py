"""Run a lab's graded suite in a process of its own, and hear of each test as it ends.

The suite is ordinary pytest; what is here starts it, follows the grades that the plugin
(:mod:`common.course.suites.grading`) writes after each test, and makes values of them. Nothing here
speaks to a terminal: ``lab test``, ``lab watch`` and ``lab grade`` do that in their own ways.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.base.scratch import Scratch
from common.values.errors import BadInput

CONFIG = "pyproject.toml"

NO_TRACEBACKS = "--tb=no"
"""What is told of a failure is in the grades. A traceback takes longer than most tests."""

ALONE = "--disable-plugin-autoload"
"""A suite loads no plugin that happens to be installed: none has a say in a verdict, and a run
starts in a third of a second instead of one."""


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """What to test, and how.

    Attributes:
        impl: the workspace whose files are tested; None for the references.
        judged: whether the tested code runs in sandboxed processes of its own.
        unsafe: judged, but without a sandbox where this machine has none.
        seeds: how many seeds each sweep tries; None for as many as each test wants.
        seed: the only seed of each sweep, or None.
        only: a pytest expression: which tests to run, by their names; "" for all.
        record: where to record each simulation, or None.
        seed_key: a secret from which sweeps derive their seeds; "" for the public seeds.
        tests: files or test ids below the suite's folder, in the order in which to run them;
            none for the whole suite.
        more: further options of pytest.
    """

    impl: Path | None = None
    judged: bool = False
    unsafe: bool = False
    seeds: int | None = None
    seed: int | None = None
    only: str = ""
    record: Path | None = None
    seed_key: str = ""
    tests: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one graded test ended.

    Attributes:
        test: its id in pytest, relative to the repository.
        title: one sentence for a report.
        requirement: what it checks: a paper's section, or the lab page's words.
        points: what it is worth.
        verdict: ``pass``, ``fail``, ``hung`` or ``unknown``; only the first earns points.
        seconds: how long it took.
        why: for a failure, what was found and expected, and where.
        replay: for a failure in the test itself, the command that runs it again; else "".
    """

    __test__ = False  # it is no test of pytest's

    test: str
    title: str
    requirement: str
    points: int
    verdict: str
    seconds: float
    why: str = ""
    replay: str = ""

    @property
    def name(self) -> str:
        """The test's name without ``test_``, as ``lab replay`` takes it."""
        return self.test.rpartition("::")[2].removeprefix("test_")

    @property
    def file(self) -> str:
        """The test's file, relative to the repository."""
        return self.test.partition("::")[0]

    @property
    def passed(self) -> bool:
        """Whether it has earned its points."""
        return self.verdict == "pass"


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What a run of a suite has come to, so far or in the end.

    Attributes:
        lab: the lab's id.
        tests: the graded tests that have ended, in the order in which they were run.
        collected: how many tests there are; None as long as that is not known.
        problems: why files of the suite could not be read.
        said: the last line that pytest printed.
    """

    lab: str
    tests: tuple[TestResult, ...] = ()
    collected: int | None = None
    problems: tuple[str, ...] = ()
    said: str = ""

    @property
    def earned(self) -> int:
        """The points of the tests that passed."""
        return sum(test.points for test in self.tests if test.passed)

    @property
    def possible(self) -> int:
        """The points of the tests that have ended."""
        return sum(test.points for test in self.tests)

    @property
    def failed(self) -> tuple[TestResult, ...]:
        """The tests that have not earned their points."""
        return tuple(test for test in self.tests if not test.passed)

    @property
    def cut_short(self) -> str:
        """A sentence, if the run ended before all tests had; else ""."""
        lost = (self.collected or 0) - len(self.tests)
        if lost <= 0:
            return ""
        return (
            f"the run ended early: {lost} of {self.collected} tests have no verdict. The last "
            f"that was heard of it: {self.said or 'nothing'}"
        )

    def to_plain(self) -> dict[str, Any]:
        """As a dictionary for JSON."""
        tests = [asdict(test) for test in self.tests]
        plain = {"earned": self.earned, "possible": self.possible, "tests": tests}
        return plain | ({"cut_short": self.cut_short} if self.cut_short else {})


class NothingEnded(BadInput):
    """The run was ended before its first test was over."""


Told = Callable[[TestResult, SuiteResult], None]
"""What is called with each test that has ended, and with everything that is known by then."""


def run_suite(
    course: Course, lab: Lab, options: SuiteOptions | None = None, on_test: Told | None = None
) -> SuiteResult:
    """Run a lab's graded suite.

    Args:
        course: where the lab belongs.
        lab: which lab.
        options: what to test, and how.
        on_test: called in this process with each test as it ends.

    Raises:
        BadInput: no test was run; the text says why.
        NothingEnded: there are tests, and the first one did not come to its end.
    """
    with Scratch("suite") as scratch:
        grades = scratch / "grades.json"
        command = [*suite_command(course, lab, options or SuiteOptions(), grades), NO_TRACEBACKS]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                said = _follow(process, lab, grades, on_test)
            finally:
                process.kill()  # an interruption must not wait for code that never ends
        result = read_grades(lab, grades, said)
    if not result.tests:
        kind = NothingEnded if result.collected else BadInput
        raise kind(f"no test of lab {lab.id} was run: {_why_none(result)}")
    return result


def suite_command(course: Course, lab: Lab, options: SuiteOptions, grades: Path) -> list[str]:
    """The command that runs the suite and writes its grades; it can be run in any folder."""
    chosen = options.tests or (lab.suite,)
    suite = [str(course.root / test) for test in chosen]
    command = [sys.executable, "-m", "pytest", "-v", ALONE, *suite]
    command += [f"--rootdir={ROOT}", f"--config-file={ROOT / CONFIG}", f"--grades={grades}"]
    values: Mapping[str, object] = {
        "--impl": options.impl,
        "--seeds": options.seeds,
        "--seed": options.seed,
        "--record": options.record,
        "--seed-key": options.seed_key or None,
    }
    command += [f"{name}={value}" for name, value in values.items() if value is not None]
    command += ["--judged"] if options.judged else []
    command += ["--unsafe"] if options.unsafe else []
    command += ["-k", options.only] if options.only else []
    return [*command, *options.more]


def _follow(process: subprocess.Popen[bytes], lab: Lab, grades: Path, on_test: Told | None) -> str:
    """Tell what ends until the process does; returns the last line that it said."""
    said = b""
    told = 0
    assert process.stdout is not None, "its output is a pipe"
    for line in process.stdout:  # pytest says something after each test
        said = line.strip() or said
        so_far = read_grades(lab, grades, "")
        for test in so_far.tests[told:]:
            if on_test is not None:
                on_test(test, so_far)
        told = len(so_far.tests)
    return said.decode(errors="replace")


def read_grades(lab: Lab, grades: Path, said: str) -> SuiteResult:
    """What a suite has written of itself, so far or in the end.

    Args:
        lab: which lab.
        grades: the file that :func:`suite_command` names.
        said: the last line that pytest printed.
    """
    try:
        plain: dict[str, Any] = json.loads(grades.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return SuiteResult(lab.id, said=said)
    tests = tuple(_test(each) for each in plain["tests"])
    return SuiteResult(lab.id, tests, plain["collected"], tuple(plain["problems"]), said)


def _test(plain: Mapping[str, Any]) -> TestResult:
    return TestResult(**{field.name: plain[field.name] for field in fields(TestResult)})


def _why_none(result: SuiteResult) -> str:
    if result.problems:
        return result.problems[0]
    if result.collected == 0:
        return f"no test has that name: lab test {result.lab} runs all of them"
    return result.said or "pytest said nothing"
