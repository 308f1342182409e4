"""A lab's suite, run on one mutant after another, on several processors."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from common.course.base.course import ROOT, Course
from common.course.base.lab import Lab
from common.course.base.scratch import without_scratch
from common.course.kit.mutants import lay_out
from common.course.suites.suite import SuiteOptions, SuiteResult, read_grades, suite_command
from common.values.errors import LabError, MissingTool

Item = TypeVar("Item")
Made = TypeVar("Made")

Fate = Literal["caught", "survived"]

USAGE_ERROR, NO_TESTS = 4, 5
"""Exit codes of pytest that say nothing about the mutant."""

STOP_SECONDS = 5
"""A process that was told to stop is killed after this time."""


class BrokenRun(LabError):
    """Suites cannot be run here; no mutant is to blame."""

    exit_code = 70


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run of a suite ended.

    Attributes:
        result: the tests, as far as they have ended.
        status: the exit code; None where the time was over, negative where a signal ended it.
        seconds: how long it took.
    """

    result: SuiteResult
    status: int | None
    seconds: float

    @property
    def fate(self) -> Fate:
        """``survived`` if all tests have passed; a process that ends early may have run none."""
        all_have = bool(self.result.tests) and not self.result.cut_short
        return "survived" if self.status == 0 and all_have and not self.result.failed else "caught"

    @property
    def caught_by(self) -> str:
        """The id of the test that failed; "" where the suite did not come that far."""
        return self.result.failed[0].test if self.result.failed else ""

    @property
    def why(self) -> str:
        """One sentence on why it was caught; "" for what has survived."""
        if self.fate == "survived":
            return ""
        if self.result.failed:
            return (self.result.failed[0].why.strip().splitlines() or ["it failed"])[0]
        if self.result.problems:
            return self.result.problems[0]
        if self.status is None:
            return f"the suite had not ended after {self.seconds:.0f} s"
        return f"the run ended early: {self.result.said or f'exit code {self.status}'}"


class WarmProcess:
    """A process that runs suites, one at a time (see :mod:`common.course.kit.generated.warm`).

    Args:
        scratch: a folder of its own.
        environment: of the process.
    """

    def __init__(self, scratch: Path, environment: Mapping[str, str]) -> None:
        self._scratch = scratch
        self._process = subprocess.Popen(
            [sys.executable, "-m", "common.course.kit.generated.warm"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(
        self,
        course: Course,
        lab: Lab,
        changed: Mapping[str, str],
        order: Sequence[str],
        seconds: float,
        more: Sequence[str] = ("--exitfirst",),
    ) -> Ran:
        """Run the graded suite of a lab.

        Args:
            course: where the lab belongs.
            lab: which lab.
            changed: the texts of the files that are not as they are in the course.
            order: the tests to begin with.
            seconds: when to give up.
            more: options of pytest.

        Raises:
            BrokenRun: this process is gone, or pytest cannot run at all.
        """
        with tempfile.TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True) as name:
            place = Path(name)
            workspace, grades, output = place / "work", place / "grades.json", place / "output"
            lay_out(course, lab, workspace, changed)
            options = SuiteOptions(impl=workspace, more=tuple(more))
            arguments = suite_command(course, lab, options, grades)[3:]
            job = {
                "arguments": arguments, "order": list(order), "folder": name,
                "output": str(output), "seconds": seconds,
            }  # fmt: skip
            told = self._ask(job)
            said = read_grades(lab, grades, _last_line(output))
            result = _without_place(said, workspace, course)
        if told["status"] in (USAGE_ERROR, NO_TESTS):
            raise BrokenRun(f"the suite of lab {lab.id} cannot be run: {result.said}")
        return Ran(result, told["status"], told["seconds"])

    def _ask(self, job: Mapping[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None, "it is a pipe"
        assert self._process.stdout is not None, "it is a pipe"
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise BrokenRun("a process that runs suites has ended; what it said is above")
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """End it, and the suite that it runs."""
        with suppress(OSError):
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                assert pipe is not None, "it is a pipe"
                pipe.close()


class Processes:
    """Several warm processes, and threads that keep them busy; a context manager.

    Args:
        count: how many.

    Raises:
        MissingTool: this system has no fork.
    """

    def __init__(self, count: int) -> None:
        if not hasattr(os, "fork"):
            raise MissingTool("generated mutants need fork, which Windows lacks: use WSL")
        self._scratch = tempfile.TemporaryDirectory(
            prefix="lab-mutants-", ignore_cleanup_errors=True
        )
        root = Path(self._scratch.name)
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(root / "pycache")
        self._all = [WarmProcess(root, environment) for _ in range(count)]
        self._free: queue.SimpleQueue[WarmProcess] = queue.SimpleQueue()
        for process in self._all:
            self._free.put(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._all:
            process.close()
        self._scratch.cleanup()

    def each(
        self,
        items: Sequence[Item],
        work: Callable[[WarmProcess, Item], Made],
        on_end: Callable[[Made], None],
    ) -> None:
        """Do something with each item, several at a time.

        Args:
            items: the items.
            work: what is done, in a thread, with a process for this item alone.
            on_end: called in this thread with what was made, in the order in which it ends.
        """

        def one(item: Item) -> Made:
            process = self._free.get()
            try:
                return work(process, item)
            finally:
                self._free.put(process)

        with ThreadPoolExecutor(len(self._all)) as pool:
            running = {pool.submit(one, item) for item in items}
            try:
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for job in done:
                        on_end(job.result())
            except BaseException:
                for process in self._all:  # so that no thread waits for a suite
                    process.close()
                pool.shutdown(cancel_futures=True)
                raise


def _without_place(result: SuiteResult, workspace: Path, course: Course) -> SuiteResult:
    """What a run has come to, with files called as the course has them: results are kept."""

    def plain(text: str) -> str:
        return without_scratch(text, workspace, course)

    tests = tuple(replace(test, why=plain(test.why)) for test in result.tests)
    return replace(result, tests=tests, problems=tuple(map(plain, result.problems)))


def _last_line(output: Path) -> str:
    try:
        lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
