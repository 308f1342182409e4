"""A limit for graded tests: code that never ends fails with its line, and does not hang.

This is a help for practice, not a judge: code that swallows every exception escapes it.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PROCESSOR_SECONDS = 5
"""Processor time that a test may use for one seed; the slowest of the references' needs a tenth,
and half of it when it is judged on a busy machine."""

WAITING_SECONDS = 60
"""Time that a test may take for one seed, waiting included. Time in which it was ready to run, and
the machine ran others, does not count: that says nothing about the code (:func:`_crowded_out`)."""

JUDGED_WAITING_SECONDS = 900
"""The same for judged code: each of its answers has a limit of its own, and a busy machine must not
change a mark."""

BUDGET_SECONDS = 240.0
"""Processor time that grading one submission in one lab may use, unless a course file says another;
the largest suite of a reference needs 60 s, and 110 s on a busy machine."""

WALL_FACTOR = 2
"""By the clock it may take so many times its budget: a busy machine, or one that waits."""

AGAIN_SECONDS = 1
"""Where the code caught the first exception, it gets another one so much later."""


MOST_ENDLESS = 2
"""After so many tests that never end the others are not tried: they would mostly wait as well."""

seeds_begun = 0
"""How many seeds of tests have begun; for those who count something for each."""

_out_of_budget = ""

_crowded_out_before = 0.0
"""What :func:`_crowded_out` said when the waiting time was set, or made longer, the last time."""

A_MOMENT = 0.1
"""Fewer seconds than these are not given back."""


class NeverEnds(BaseException):
    """The code under test is still running; no ``except Exception`` of a student takes this."""

    verdict = "fail"


class Hung(NeverEnds):
    """The test waited, by the clock, for something that did not come."""

    verdict = "hung"


class OutOfBudget(NeverEnds):
    """Nothing is left of what the submission may use: nobody can tell how the test would end."""

    verdict = "unknown"


class NotTried(NeverEnds):
    """Tests before this one never ended, so it was not begun."""

    verdict = "unknown"
    begins = "not tried: "
    """How the reason begins."""

    def __init__(self, before: Sequence[str]) -> None:
        super().__init__(f"{self.begins}{len(before)} tests never ended: {before[0]}")


@contextmanager
def limit() -> Iterator[None]:
    """Let :class:`NeverEnds` come up in what runs within, once it has taken too long.

    Does nothing where the system has no such timers, and in threads other than the main one.
    """
    able = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not able:
        yield
        return
    before = (signal.signal(signal.SIGPROF, _busy), signal.signal(signal.SIGALRM, _waiting))
    _set(PROCESSOR_SECONDS, WAITING_SECONDS)
    try:
        yield
    finally:
        _set(0, 0)
        signal.signal(signal.SIGPROF, before[0])
        signal.signal(signal.SIGALRM, before[1])


def renew() -> None:
    """Begin again to count, if a limit is set: the next seed has its own."""
    global seeds_begun
    seeds_begun += 1
    if hasattr(signal, "getitimer") and signal.getitimer(signal.ITIMER_REAL)[0]:
        _set(PROCESSOR_SECONDS, WAITING_SECONDS)


def end_now(why: str) -> None:
    """From another thread: end the test that is running, if one is, with :class:`OutOfBudget`."""
    global _out_of_budget
    _out_of_budget = why
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)


def judged() -> None:
    """From now on tests wait for judged code."""
    global WAITING_SECONDS
    WAITING_SECONDS = JUDGED_WAITING_SECONDS


def suspend() -> None:
    """Set no limit for the rest of the test: a person looks at it in a debugger."""
    if hasattr(signal, "setitimer"):
        _set(0, 0)


def _set(processor: float, waiting: float) -> None:
    global _crowded_out_before
    _crowded_out_before = _crowded_out()
    signal.setitimer(signal.ITIMER_PROF, processor, AGAIN_SECONDS if processor else 0)
    signal.setitimer(signal.ITIMER_REAL, waiting, AGAIN_SECONDS if waiting else 0)


def _busy(_: int, frame: FrameType | None) -> None:
    if _between_lines(frame):
        return
    raise NeverEnds(
        f"still running after {PROCESSOR_SECONDS} s of processor time: a loop that does not end, "
        "or messages or timers that never stop"
    )


def _waiting(_: int, frame: FrameType | None) -> None:
    if _between_lines(frame):
        return
    if _out_of_budget:
        raise OutOfBudget(_out_of_budget)
    if _given_back():
        return
    raise Hung(f"still waiting after {WAITING_SECONDS} s for something that does not come")


def _given_back() -> bool:
    """Whether the test was crowded out since the last time, so that it has so much more time."""
    global _crowded_out_before
    before, _crowded_out_before = _crowded_out_before, _crowded_out()
    lost = _crowded_out_before - before
    if lost < A_MOMENT:
        return False
    signal.setitimer(signal.ITIMER_REAL, lost, AGAIN_SECONDS)
    return True


def _crowded_out() -> float:
    """Seconds for which this thread was ready to run so far, and no processor was free for it.

    0 where the system does not say so: only Linux does.
    """
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _between_lines(frame: FrameType | None) -> bool:
    """Whether this is one of the moments that belong to no line: pytest cannot show a traceback
    without one, so the exception waits until the timer fires again."""
    return frame is not None and frame.f_lineno is None
