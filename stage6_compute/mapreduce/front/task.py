"""The process that does tasks, one after the other: ``python -m`` with this module's name.

It stands beside a worker's node, so the node answers pings whatever a job's functions do; and the
worker can kill it. Orders come by stdin, reports go to stdout (``orders.py``). What a job prints
goes to the worker's log.
"""

import ctypes
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from common.values.errors import LabError
from stage6_compute.mapreduce.front.counters import take_counters
from stage6_compute.mapreduce.front.job import Job, load_job
from stage6_compute.mapreduce.front.mapping import map_task
from stage6_compute.mapreduce.front.orders import Order, Plan, report_line
from stage6_compute.mapreduce.front.problems import PieceLost, TaskFailed, TimedOut, disk_problem
from stage6_compute.mapreduce.front.reducing import Groups, reduced, write_part
from stage6_compute.mapreduce.front.shuffle import Fetcher, Piece, of_same_worker

ATTEMPTS = "_attempts"
"""In the output's directory, where attempts leave their files."""
REPORT_EVERY_SECONDS = 0.2
DIED_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux's prctl(2)."""


class Lost(Exception):
    """A reduce lacks pieces."""

    def __init__(self, pieces: list[Piece]) -> None:
        super().__init__(pieces)
        self.pieces = pieces


class Watch:
    """Lets a job's function take so long and no longer, and says that the task goes on."""

    def __init__(self, seconds: float, reports: BinaryIO) -> None:
        self._seconds = seconds
        self._reports = reports
        self._last = 0.0

    def told(self, _size: int = 0) -> None:
        """Something was done: the time begins again."""
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        now = time.monotonic()
        if now > self._last + REPORT_EVERY_SECONDS:
            self._last = now
            self._reports.write(report_line("progress"))

    def ring(self, *_: object) -> None:
        """The time is over: the function that is running gets an exception."""
        raise TimedOut(f"{self._seconds:g} s")

    def stop(self) -> None:
        """No function of the job is running."""
        signal.setitimer(signal.ITIMER_REAL, 0)


def part_name(index: int) -> str:
    """The file of a part of the output."""
    return f"part-{index:05}"


def attempt_path(output: str, index: int, attempt: int) -> Path:
    """The file in which an attempt on a reduce leaves its output."""
    return Path(output) / ATTEMPTS / f"{part_name(index)}.{attempt}"


def do(order: Order, reports: BinaryIO) -> bytes:
    """Do an attempt; returns the report on how it ended."""
    take_counters()
    plan = Plan.from_text(order.plan)
    watch = Watch(plan.seconds, reports)
    signal.signal(signal.SIGALRM, watch.ring)
    try:
        job = load_job(plan.program)
        if order.phase == "map":
            _map(order, job, plan, watch)
        else:
            _reduce(order, job, plan, watch)
        watch.stop()
        return report_line("done", counters=take_counters())
    except Lost as lost:
        return report_line("lost", pieces=lost.pieces)
    except TaskFailed as failed:
        return report_line("failed", why=str(failed), record=failed.record)
    except LabError as error:
        return report_line("failed", why=str(error), record=None)
    except MemoryError:
        return report_line("failed", why="the memory of the task's process is used up", record=None)
    except OSError as error:
        where = order.output if order.phase == "reduce" else order.directory
        return report_line("failed", why=disk_problem(error, where), record=None)
    except TimedOut as error:
        why = f"{order.phase} {order.number} did not get on within {error}"
        return report_line("failed", why=why, record=None)
    finally:
        watch.stop()


def _map(order: Order, job: Job, plan: Plan, watch: Watch) -> None:
    if len(order.skip) > plan.most_skipped:
        raise TaskFailed(
            f"more than {plan.most_skipped} records of split {order.number} are bad: mend the job, "
            "or raise --skip-bad-records"
        )
    map_task(
        job,
        order.split,
        order.partitions,
        Path(order.directory, str(order.job), str(order.attempt)),
        memory=plan.memory,
        skip=frozenset(order.skip),
        told=watch.told,
    )


def _reduce(order: Order, job: Job, plan: Plan, watch: Watch) -> None:
    scratch = Path(order.directory, str(order.job), f"runs-{order.attempt}")
    groups = Groups(job, scratch, plan.memory, watch.told)
    path = attempt_path(order.output, order.number, order.attempt)
    try:
        _fetch(order, groups, watch)
        write_part(path, _watched(reduced(job, groups, watch.told), watch))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _watched(texts: Iterator[str], watch: Watch) -> Iterator[str]:
    """The same texts; what comes after them takes as long as the disk does."""
    yield from texts
    watch.stop()


def _fetch(order: Order, groups: Groups, watch: Watch) -> None:
    """Let a reduce have its pieces, in the order of maps.

    Raises:
        Lost: some cannot be had.
    """
    fetcher = Fetcher(order.me, Path(order.directory), order.token)
    try:
        for piece in order.pieces:
            try:
                for keys, values in fetcher.read(order.job, piece, order.number):
                    watch.told()
                    groups.add(keys, values)
            except PieceLost:
                raise Lost([piece]) from None
            except (ConnectionError, TimeoutError):
                raise Lost(of_same_worker(order.pieces, piece)) from None
    finally:
        fetcher.close()


def _take_stdout() -> BinaryIO:
    """The way out of reports; whatever prints to stdout prints to the log from now on."""
    reports: Any = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    made: BinaryIO = reports
    return made


def main() -> int:
    """Do what is ordered until stdin ends."""
    if sys.platform == "linux":  # so that not even a kill of the worker leaves this process
        ctypes.CDLL(None).prctl(DIED_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reports = _take_stdout()
    for line in sys.stdin.buffer:
        reports.write(do(Order.from_line(line), reports))
    return 0


if __name__ == "__main__":
    sys.exit(main())
