"""What benchmarks share: turns, medians, the machine, and the form of the result (DESIGN 6)."""

import argparse
import contextlib
import json
import math
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple


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


def machine() -> str:
    """One line about where the figures come from."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores, {platform.system()}, {python}"


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
