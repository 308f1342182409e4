"""Progress with an estimate of what is left, for what takes minutes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from common.course.base.output import Output


class Steps:
    """A bar that is moved step by step.

    Args:
        progress: rich's.
        task: which bar of it.
    """

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def step(self, by: int = 1) -> None:
        """So much more is done."""
        self._progress.advance(self._task, by)

    def say(self, what: str) -> None:
        """What is being done now; names in it are shown as they are."""
        self._progress.update(self._task, description=escape(what))


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def steps(output: Output, what: str, total: int) -> Iterator[Steps]:
    """A bar with the count, the time gone and the time left; silent where nobody watches."""
    quiet = output.json or not output.console.is_terminal
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(
        *columns, *times, console=output.console, transient=True, disable=quiet
    ) as progress:
        yield Steps(progress, progress.add_task(what, total=total))
