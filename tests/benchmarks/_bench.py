"""What benchmarks share: turns, medians, the machine, and the form of the result (DESIGN 6)."""

import argparse
import contextlib
import importlib
import json
import math
import shutil
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from common.course.base.machine import machine

MISSING_TOOL = 4
"""The exit code where a peer is missing, as for commands (decision 7)."""


class Flight(NamedTuple):
    """Many operations under way: how many a second, and how many there were in all."""

    rate: float
    operations: int


def in_turns(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Run each contestant once a round, one after the other, and return the medians.

    Taking turns within one run is what makes ratios hold on a machine whose speed wanders.
    """
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            figures[name].append(run())
    return {name: statistics.median(values) for name, values in figures.items()}


def peer(module: str, extra: str) -> Any:
    """A peer's module; where it is not installed, the program ends with one sentence.

    Args:
        module: its name, for ``import``.
        extra: of this course that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        _end(f"{module}, a peer, is not installed: pip install -e '.[{extra}]'")


def program(name: str, package: str) -> str:
    """Where a peer's program is; where there is none, this one ends with one sentence."""
    found = shutil.which(name)
    return found or _end(f"there is no {name} here, which is a peer: apt-get install {package}")


def _end(sentence: str) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(MISSING_TOOL)


def cpu_seconds(processes: Iterable[int]) -> float:
    """The processor time that these processes have used, the kernel's for them included.

    NaN where the system does not say so of other processes: only Linux does. The time of a thread
    that has ended is not in it.
    """
    nanoseconds = 0
    for id in processes:
        for task in Path(f"/proc/{id}/task").glob("*/schedstat"):
            with contextlib.suppress(FileNotFoundError):  # it ended just now
                nanoseconds += int(task.read_text().split()[0])
    return nanoseconds / 1e9 or math.nan


def report(
    name: str, figures: Mapping[str, float], ratios: Mapping[str, float], description: str
) -> None:
    """Print the result: a small table, or with ``--json`` one object."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    if parser.parse_args().json:
        result = {"name": name, "machine": machine(), "figures": figures, "ratios": ratios}
        print(json.dumps(result))
        return
    print(f"{name} ({machine()})")
    for key, figure in figures.items():
        print(f"  {key:32} {figure:>14,.3f}" if figure < 100 else f"  {key:32} {figure:>14,.0f}")
    for key, ratio in ratios.items():
        print(f"  {key:32} {ratio:>13.2f}x")
