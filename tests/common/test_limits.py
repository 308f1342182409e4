"""How long a graded test may wait: as long on a machine that runs others meanwhile as elsewhere."""

import sys
import time
from itertools import chain, repeat
from pathlib import Path

import pytest

from common.course.base import limits

WAITING, CROWDED_OUT = 0.05, 0.4
SAYS = Path("/proc/thread-self/schedstat")

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the system has no timers for processes"
)


def seconds_until_hung() -> float:
    began = time.monotonic()
    with pytest.raises(limits.Hung, match="still waiting"), limits.limit():
        time.sleep(30)
    return time.monotonic() - began


def test_a_test_that_waits_for_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAITING_SECONDS", WAITING)
    monkeypatch.setattr(limits, "_crowded_out", lambda: 7.0)
    assert seconds_until_hung() < 30


def test_time_in_which_the_machine_ran_others_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = chain([7.0, 7.0 + CROWDED_OUT], repeat(7.0 + CROWDED_OUT))
    monkeypatch.setattr(limits, "WAITING_SECONDS", WAITING)
    monkeypatch.setattr(limits, "_crowded_out", lambda: next(told))
    assert seconds_until_hung() >= WAITING + CROWDED_OUT


@pytest.mark.skipif(not SAYS.exists(), reason="this system does not say how long a thread queued")
def test_the_system_says_how_long_a_thread_was_crowded_out() -> None:
    assert 0 < limits._crowded_out() <= time.monotonic()
