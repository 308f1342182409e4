"""A pytest plugin under every graded submission: it bounds the suite, and ends with its parent.

``-p common.course.kit.watch --budget 600``. The budget counts processor time, so a busy machine
changes no score; the wall clock only ends what hangs. A test that the budget did not reach is
*unknown*: it says so, and earns nothing.
"""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from common.course.base import limits
from common.course.judge import channel

WALL_FACTOR = 20
"""A suite may take so many times its budget by the wall clock: a very busy machine."""

PROCESSOR_SECONDS = 20
"""Processor time of a test for one seed; what a busy machine adds to it must not matter."""

WAIT_SECONDS = 600
ANSWER_SECONDS = 120
"""How long a test may wait for one seed, and for one answer. Practice is told sooner; here a busy
machine must not look like a submission that hangs, and what waited too long is *unknown*."""

WAITED = ("still waiting after", "it did not answer within", "it takes in nothing for")
"""How the sentences about waiting begin or go on."""

LOOK_SECONDS = 0.5
HUNG = 75
"""The exit code of a suite that hung, or whose parent died."""

STASH = pytest.StashKey["Budget"]()


class Budget:
    """Processor time of this process and of those that it has waited for.

    Args:
        seconds: how much there is.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began = self._used()

    def spent(self) -> bool:
        """Whether it is used up."""
        return self._used() - self._began > self.seconds

    @staticmethod
    def _used() -> float:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option of this plugin."""
    group = parser.getgroup("labs")
    group.addoption("--budget", type=float, default=600.0, help="seconds of processor time")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count, to be patient, and to look after the parent."""
    limits.PROCESSOR_SECONDS = PROCESSOR_SECONDS
    limits.WAITING_SECONDS = WAIT_SECONDS
    channel.ANSWER_SECONDS = ANSWER_SECONDS
    seconds: float = config.getoption("--budget")
    config.stash[STASH] = Budget(seconds)
    arguments = (os.getppid(), time.monotonic() + seconds * WALL_FACTOR)
    threading.Thread(target=_look, args=arguments, daemon=True).start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Do not begin a test that the budget does not reach."""
    budget = item.config.stash[STASH]
    if budget.spent():
        pytest.fail(
            f"unknown: the {budget.seconds:g} seconds of processor time of this submission were "
            "used up by the tests before",
            pytrace=False,
        )
    return (yield)


def _look(parent: int, until: float) -> None:
    while os.getppid() == parent and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    os._exit(HUNG)
