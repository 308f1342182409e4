"""A pytest plugin under the suites that judge attacks: what a submission costs the judge itself.

``-p tests.attacks.weighing``, with the name of a file in the environment variable :data:`INTO`.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.course.base import limits
from common.course.kit import watch

INTO = "LAB_WEIGHED_INTO"
"""Where to write what was weighed: JSON, ``{"memory_bytes": ..., "seconds": ...}``."""

STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_PEAK = "5"
"""Written to :data:`REFERENCES`, the greatest size so far is forgotten (proc(5))."""


class Weighing:
    """The most that one test has cost this process."""

    def __init__(self) -> None:
        self.memory_bytes = 0
        self.seconds = 0.0
        self._since = 0.0

    def begin_seed(self) -> None:
        """Processor time is counted for each seed."""
        self.end_seed()

    def end_seed(self) -> None:
        """What one seed took, also if it is no seed but the whole test."""
        now = time.process_time()
        self.seconds = max(self.seconds, now - self._since)
        self._since = now

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """Weigh a test."""
        REFERENCES.write_text(FORGET_PEAK, encoding="ascii")
        before = _kibibytes("VmRSS")
        self._since = time.process_time()
        try:
            return (yield)
        finally:
            self.end_seed()
            self.memory_bytes = max(self.memory_bytes, _kibibytes("VmHWM") - before << 10)

    def pytest_sessionfinish(self) -> None:
        """All is weighed."""
        told = {"memory_bytes": self.memory_bytes, "seconds": self.seconds}
        Path(os.environ[INTO]).write_text(json.dumps(told), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to weigh, with the time that grading gives: what costs too much must show."""
    limits.PROCESSOR_SECONDS = watch.PROCESSOR_SECONDS
    weighing = Weighing()
    config.pluginmanager.register(weighing)
    renew = limits.renew

    def renew_and_weigh() -> None:
        weighing.begin_seed()
        renew()

    limits.renew = renew_and_weigh


def _kibibytes(name: str) -> int:
    line = next(each for each in STATUS.read_text().splitlines() if each.startswith(f"{name}:"))
    return int(line.split()[1])
