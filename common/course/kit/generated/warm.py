"""A process that has imported what every suite needs, and forks one for each suite.

Importing pytest, hypothesis and the simulator takes longer than most mutants live. What belongs to
a lab is imported after the fork, so no mutant ever meets another one.

It reads a job in each line of its input, and writes in a line of its output how the job ended::

    {"arguments": [...], "order": [...], "folder": "FOLDER", "output": "FILE", "seconds": 60}
    {"status": 0, "seconds": 0.8}

``status`` is pytest's exit code; null where the time was over; negative where a signal ended it.
"""

import gc
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

EVERY_SUITE_NEEDS = (
    "_pytest.junitxml", "_pytest.unittest", "_pytest.unraisableexception", "hypothesis", "msgspec",
    "yaml", "common.course.base.manifest", "common.check.linearizability", "common.sim.simulation",
    "common.sim.workload", "common.sim.chaos",
)  # fmt: skip
"""Not the stages', and not the plugin of graded suites, which pytest imports in its own way."""

MEMORY_BYTES = 4 << 30
"""A mutant may fill a list for ever; the machine has to outlive it."""

LOOK_EVERY = 0.005
"""Seconds between two looks at whether a suite has ended."""

ALREADY_IMPORTED = "-Wignore::pytest.PytestAssertRewriteWarning"
"""Pytest warns of what was imported before it began; here that is the point."""


class Ordered:
    """Runs graded tests alone, in the order that the job names.

    Args:
        order: ids of tests, relative to the repository; those that are not named come last.
    """

    def __init__(self, order: Sequence[str]) -> None:
        self._places = {test: place for place, test in enumerate(order)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the tests into that order."""
        graded = [item for item in items if item.get_closest_marker("graded")]
        last = len(self._places)
        items[:] = sorted(graded, key=lambda item: self._places.get(item.nodeid, last))


def run_job(job: dict[str, Any]) -> dict[str, Any]:
    """Run one suite in a process of its own, and end whatever it has started."""
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_suite(job)
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(child, child)  # the child does the same; one of the two comes first
    try:
        status = _wait(child, started + job["seconds"])
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    if status is None:
        os.waitpid(child, 0)
    return {"status": status, "seconds": round(time.monotonic() - started, 3)}


def _wait(child: int, until: float) -> int | None:
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(LOOK_EVERY)
    return None


def _be_suite(job: dict[str, Any]) -> None:
    """Never returns."""
    code = int(pytest.ExitCode.INTERNAL_ERROR)
    try:
        with suppress(PermissionError):
            os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _limit_memory()
        os.chdir(job["folder"])
        nothing = os.open(os.devnull, os.O_RDONLY)
        output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        code = int(pytest.main([*job["arguments"], ALREADY_IMPORTED], [Ordered(job["order"])]))
        sys.stdout.flush()
    finally:
        os._exit(code)


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # where the system has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def main() -> None:
    """Serve jobs until the input ends."""
    for name in EVERY_SUITE_NEEDS:
        importlib.import_module(name)
    gc.freeze()  # a suite collects garbage after each test; none of this is any
    for line in sys.stdin:
        print(json.dumps(run_job(json.loads(line))), flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
