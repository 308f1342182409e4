"""Word count on 200 MB of Zipfian text with two workers, start to finish, beside its peers.

    python tests/benchmarks/mapreduce.py [--json]

Each contestant is a program that begins with nothing running and ends when the output is there:
ours starts a coordinator, two workers and their task processes, and all of it could be killed on
the way. Peers that are not installed are left out: Dask comes with the extra ``grade``; PySpark is
taken from ``.venv-spark``, Ray from ``.venv-ray``, mrjob from ``.venv-mrjob``, if those are there.
(mrjob is in no extra of the course: its last release is of 2020, and needs a Python below 3.12.)

``vs_multiprocessing`` (a pool of two processes that survives nothing), ``vs_counter`` (one process
and ``collections.Counter``), ``vs_dask``, ``vs_ray``, ``vs_spark``, ``vs_mrjob``: their seconds
over ours.
"""

import importlib.util
import itertools
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from _bench import in_turns, report

ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).with_name("_mapreduce_peers.py")
MODULES = {"multiprocessing": "multiprocessing", "counter": "collections", "dask": "dask.bag",
           "ray": "ray", "spark": "pyspark", "mrjob": "mrjob"}  # fmt: skip
"""By peer, the module that it needs."""
BYTES = 200_000_000
VOCABULARY = 200_000
WORDS_AT_ONCE = 200_000
WORDS_IN_A_LINE = 10
ROUNDS = 3


def zipfian_text(path: Path, size: int = BYTES, seed: int = 1) -> None:
    """Write a text in which the n-th word is n times rarer than the first."""
    chance = random.Random(seed)
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        length = min(12, chance.randint(2, 4) + len(words).bit_length() // 3)
        words["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=length))] = None
    weights = list(itertools.accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
    known, written = list(words), 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            drawn = chance.choices(known, cum_weights=weights, k=WORDS_AT_ONCE)
            starts = range(0, WORDS_AT_ONCE, WORDS_IN_A_LINE)
            text = "".join(" ".join(drawn[n : n + WORDS_IN_A_LINE]) + "\n" for n in starts)
            written += file.write(text)


def find_python(peer: str) -> str | None:
    """The Python that has what a peer needs: this one, or that of its own environment."""
    own = ROOT / f".venv-{peer}" / "bin" / "python"
    top = MODULES[peer].partition(".")[0]
    return sys.executable if importlib.util.find_spec(top) else str(own) if own.exists() else None


def seconds(line: list[str]) -> float:
    """How long a program takes from its start to its end."""
    begun = time.perf_counter()
    ran = subprocess.run(line, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begun
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(line)} failed: {ran.stderr[-2000:]}")
    return took


def ours(text: Path, folder: Path) -> float:
    """The lab's engine; its parts together are the same as what each peer writes."""
    output = Path(tempfile.mkdtemp(dir=folder)) / "out"
    line = [sys.executable, "-m", "stage6_compute.mapreduce", "word_count", str(text)]
    took = seconds([*line, "--output", str(output), "--workers", "2", "--json"])
    lines = [line for part in output.glob("part-*") for line in part.open(encoding="utf-8")]
    (folder / "ours").write_text("".join(sorted(lines)), encoding="utf-8")
    return took


def theirs(peer: str, python: str, text: Path, folder: Path) -> float:
    """A peer."""
    return seconds([python, str(PEERS), peer, str(text), str(folder / peer)])


def lines_of(path: Path) -> list[str]:
    """The lines of an output, in an order that all share."""
    return sorted(path.read_text(encoding="utf-8").splitlines())


def main() -> None:
    """Measure in turns and report."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        text = folder / "text"
        zipfian_text(text)
        contestants: dict[str, Callable[[], float]] = {"ours_seconds": partial(ours, text, folder)}
        for peer in MODULES:
            if python := find_python(peer):
                run = partial(theirs, peer, python, text, folder)
                contestants[f"{peer}_seconds"] = run
        figures = in_turns(contestants, ROUNDS)
        expected = lines_of(folder / "ours")
        for name in contestants:
            peer = name.removesuffix("_seconds")
            assert lines_of(folder / peer) == expected, f"{peer} counts otherwise"
    ratios = {
        f"vs_{name.removesuffix('_seconds')}": figure / figures["ours_seconds"]
        for name, figure in figures.items()
        if name != "ours_seconds"
    }
    report("mapreduce", figures, ratios, __doc__.splitlines()[0])


if __name__ == "__main__":
    main()
