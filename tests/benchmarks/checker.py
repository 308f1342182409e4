"""Processor seconds to decide the recorded histories, reading and windows included.

The histories are those of ``tests/data/histories``: compare-and-set registers recorded by Jepsen
from a real etcd, and key-value stores with append. Each is read from text and checked; a wrong
verdict ends the run. There is no peer in Python.

    python tests/benchmarks/checker.py --json
"""

import json
import statistics
import sys
import time
from functools import partial
from pathlib import Path

from _bench import in_turns, report

from common.check.command import check_history
from common.check.verdict import Answer

HISTORIES = Path(__file__).resolve().parents[1] / "data" / "histories"
ROUNDS = 5


def cases(folder: Path) -> list[tuple[Path, str, bool]]:
    """Each history with its model, and whether it is linearizable."""
    expected = json.loads((folder / "etcd" / "expected.json").read_text(encoding="utf-8"))
    etcd = [(folder / "etcd" / name, "cas-register", good) for name, good in expected.items()]
    kv = [(path, "kv", "bad" not in path.name) for path in sorted((folder / "kv").glob("*.txt"))]
    return etcd + kv


def seconds(path: Path, model: str, good: bool) -> float:
    """How long one history takes."""
    began = time.process_time()
    verdict = check_history(path.read_text(encoding="utf-8"), path.name, model)
    taken = time.process_time() - began
    if verdict.answer is not (Answer.YES if good else Answer.NO):
        sys.exit(f"{path}: the verdict is {verdict.answer.value}: {verdict.sentence}")
    return taken


def main() -> None:
    """Decide all of them a few times and report."""
    contestants = {case[0].name: partial(seconds, *case) for case in cases(HISTORIES)}
    taken = list(in_turns(contestants, ROUNDS).values())
    figures = {
        "histories": len(taken),
        "cpu_seconds_total": sum(taken),
        "cpu_seconds_slowest": max(taken),
        "cpu_seconds_median": statistics.median(taken),
    }
    report("checker", figures, {}, __doc__ or "")


if __name__ == "__main__":
    main()
