"""Schedules from files, schedules from Hypothesis, and the smallest schedule that still fails."""

from collections.abc import Callable, Sequence
from pathlib import Path

import yaml
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from common.values.errors import BadInput
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


def read_schedule(path: Path, nodes: Sequence[str] | None = None) -> Schedule:
    """Read a schedule from a YAML (or JSON) file.

    Args:
        path: the file.
        nodes: the nodes that it may name, if known.

    Raises:
        BadInput: the file cannot be read, is no schedule, or names an unknown node.
    """
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the schedule {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise BadInput(f"the schedule {path}{where} is not YAML") from None
    try:
        schedule = Schedule.from_plain(plain)
        if nodes is not None:
            schedule.check_nodes(nodes)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return schedule


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
