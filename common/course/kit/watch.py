"""A pytest plugin under every graded submission: it bounds the suite, and ends with its parent.

``-p common.course.kit.watch --budget 240 --wall 480``. The budget counts processor time, that of
the judge and of sandboxes while they live, so a busy machine changes no score; the wall clock ends
what hangs. Whichever is used up first ends the test that is running: it is *unknown*, and so
are those that were not reached. They say so, and earn nothing.
"""

import contextlib
import faulthandler
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from common.course.base import limits
from common.course.judge import channel, spending
from common.values.errors import LabError

GRACE_SECONDS = 20.0
"""A judge that has not come to its end so much later is ended."""

PROCESSOR_SECONDS = 20
"""Processor time of a test for one seed; what a busy machine adds to it must not matter."""

WAIT_SECONDS = 180
ANSWER_SECONDS = 60
"""How long a test may wait for one seed, and for one answer. Practice is told sooner; here a busy
machine must not look like a submission that hangs."""

MOST_FILE_BYTES = 64 << 20
"""No file that a suite writes gets longer: the trace of a hostile run might."""

LOOK_SECONDS = 0.5
HUNG = 75
"""The exit code of a suite that hung, or whose parent died."""

STASH = pytest.StashKey["Budget"]()


class OutOfBudget(LabError):
    """The submission has nothing left for this test."""

    exit_code = 1
    verdict = "unknown"


class Budget:
    """What a submission may use: processor time, the judge's and the sandboxes'; and the clock.

    Args:
        seconds: of processor time.
        wall: of the clock.
    """

    def __init__(self, seconds: float, wall: float) -> None:
        self._seconds, self._wall = seconds, wall
        self._began, self._until = self._used(), time.monotonic() + wall

    def problem(self) -> str:
        """What is used up, in a sentence; "" if nothing is."""
        if self._used() - self._began > self._seconds:
            return _sentence(f"{self._seconds:g} seconds of processor time")
        if self.late() > 0:
            return _sentence(f"{self._wall:g} seconds by the clock")
        return ""

    def late(self) -> float:
        """How many seconds ago the time by the clock was over; below 0 before."""
        return time.monotonic() - self._until

    @staticmethod
    def _used() -> float:
        times = os.times()
        return times.user + times.system + spending.spent()


def _sentence(what: str) -> str:
    return f"unknown: out of budget: this submission has used up the {what} that it may use"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of this plugin."""
    group = parser.getgroup("labs")
    group.addoption(
        "--budget", type=float, default=limits.BUDGET_SECONDS, help="processor time, seconds"
    )
    group.addoption("--wall", type=float, help="seconds by the clock")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count, to be patient, and to look after the parent."""
    limits.PROCESSOR_SECONDS = PROCESSOR_SECONDS
    limits.WAITING_SECONDS = WAIT_SECONDS
    channel.ANSWER_SECONDS = ANSWER_SECONDS
    seconds: float = config.getoption("--budget")
    asked: float | None = config.getoption("--wall")
    wall = seconds * limits.WALL_FACTOR if asked is None else asked
    budget = config.stash[STASH] = Budget(seconds, wall)
    with contextlib.suppress(ImportError):  # there are systems without it
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        if most == resource.RLIM_INFINITY or most > MOST_FILE_BYTES:
            resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE_BYTES, MOST_FILE_BYTES))
    # Between two tests there is nothing to end: see limits.end_now.
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    # This needs no turn of the interpreter's, which a call into C may keep for itself.
    nowhere = open(os.devnull, "wb")  # noqa: SIM115
    faulthandler.dump_traceback_later(wall + GRACE_SECONDS, exit=True, file=nowhere)
    threading.Thread(target=_look, args=(os.getppid(), budget), daemon=True).start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Do not begin a test for which nothing is left."""
    if problem := item.config.stash[STASH].problem():
        raise OutOfBudget(problem)
    return (yield)


def _look(parent: int, budget: Budget) -> None:
    """End each test that is still running when something is used up; then, if need be, all."""
    last = float("inf")
    while os.getppid() == parent and time.monotonic() < last:
        time.sleep(LOOK_SECONDS)
        if problem := budget.problem():
            last = min(last, time.monotonic() + GRACE_SECONDS)
            limits.end_now(problem)
    os._exit(HUNG)
