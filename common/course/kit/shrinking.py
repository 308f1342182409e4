"""Schedules from Hypothesis, and the smallest schedule that still fails."""

from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from common.values.faults import (
    Block,
    Clock,
    Crash,
    Disk,
    Fault,
    Heal,
    Link,
    Partition,
    Pause,
    Restart,
    Resume,
    Schedule,
)
from common.values.units import MS, SECOND

MAX_TRIES = 400
"""Runs of the failing case that shrinking may take."""


def schedules(nodes: Sequence[str], until: int, max_size: int = 8) -> st.SearchStrategy[Schedule]:
    """Schedules of any faults but Byzantine ones, for property tests; they shrink to few and early.

    Args:
        nodes: which nodes can be hit.
        until: faults happen before this time, in microseconds.
        max_size: at most so many faults.
    """
    times = st.integers(0, until // MS).map(lambda ms: ms * MS)
    node = st.sampled_from(list(nodes))
    percent = st.integers(0, 100).map(lambda n: n / 100)
    faults: list[st.SearchStrategy[Fault]] = [
        st.builds(Heal, times),
        st.builds(Crash, times, node),
        st.builds(Restart, times, node),
        st.builds(Pause, times, node),
        st.builds(Resume, times, node),
        st.builds(Block, times, node, node),
        st.builds(Partition, times, _splits(nodes)),
        st.builds(Link, times, loss=percent, duplicate=percent, reorder=percent),
        st.builds(Clock, times, node, st.integers(0, SECOND), st.integers(-100_000, 100_000)),
        st.builds(Disk, times, node, st.integers(0, 100 * MS)),
    ]
    return st.lists(st.one_of(faults), max_size=max_size).map(Schedule)


def _splits(nodes: Sequence[str]) -> st.SearchStrategy[tuple[tuple[str, ...], ...]]:
    def split(sides: list[bool]) -> tuple[tuple[str, ...], ...]:
        one = tuple(node for node, side in zip(nodes, sides, strict=True) if side)
        other = tuple(node for node, side in zip(nodes, sides, strict=True) if not side)
        return (one, other)

    return st.lists(st.booleans(), min_size=len(nodes), max_size=len(nodes)).map(split)


def shrink(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    """The smallest part of a failing schedule that still fails, as far as Hypothesis finds it.

    Args:
        schedule: one for which ``fails`` is true.
        fails: runs the case; it must be a function of the schedule.

    Returns:
        A schedule made of some of the faults; the given one if ``fails`` is not true of it.
    """
    if not fails(schedule):
        return schedule
    if fails(Schedule()):
        return Schedule()
    faults = schedule.faults
    # One switch per fault, "left out" being the simpler value: Hypothesis shrinks towards it.
    parts = st.tuples(*(st.booleans() for _ in faults)).map(
        lambda kept: Schedule(f for f, keep in zip(faults, kept, strict=True) if keep)
    )
    options = settings(
        max_examples=MAX_TRIES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        found = find(parts, fails, settings=options)
    except NoSuchExample:
        found = schedule
    return _without_needless(found, fails)


def _without_needless(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    """Leave out single faults as long as it still fails, so that no fault is there for nothing."""
    for fault in schedule.faults:
        fewer = Schedule(kept for kept in schedule.faults if kept is not fault)
        if len(fewer) < len(schedule) and fails(fewer):
            return _without_needless(fewer, fails)
    return schedule
