"""Jobs of ``mapreduce`` on real files: small input, requests, and the command."""

import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from stage6_compute.mapreduce.front.job import read_program
from stage6_compute.mapreduce.front.local import Local
from stage6_compute.mapreduce.front.request import JobFailed, Request, Told, claim
from stage6_compute.mapreduce.front.sequential import Sequential
from stage6_compute.mapreduce.front.splits import cut, find_input

SLOW_WORDS = """
import time
from operator import add

def map(name, line):
    time.sleep(0.004)
    for word in line.split():
        yield word, 1

combine = add

def reduce(word, counts):
    time.sleep(0.001)
    yield sum(counts)
"""


def words(path: Path, lines: int, seed: int = 0) -> Path:
    """A file of words, some of which are frequent."""
    random = Random(seed)
    text = "".join(
        " ".join(f"w{int(random.paretovariate(1)) % 500}" for _ in range(8)) + "\n"
        for _ in range(lines)
    )
    path.write_text(text, encoding="utf-8")
    return path


def request(
    job: str, inputs: list[Path], output: Path, *, splits: int = 8, partitions: int = 3, **more: Any
) -> Request:
    """A request with so many splits."""
    files = find_input(map(str, inputs))
    split_bytes = max(1, -(-sum(length for _, length in files) // splits))
    claim(output)
    settings = {name: str(value) for name, value in more.pop("settings", {}).items()}
    made = Request(
        program=read_program(job, settings),
        splits=cut(files, split_bytes, 1),
        output=output,
        partitions=partitions,
        memory=200 << 20,
        seconds=20.0,
        most_skipped=0,
    )
    return made._replace(**more)


def parts(output: Path) -> list[bytes]:
    """The parts of an output, in order."""
    return [path.read_bytes() for path in sorted(output.glob("part-*"))]


def expected(made: Request, folder: Path) -> list[bytes]:
    """The parts that one process makes, record by record."""
    claim(folder)
    Sequential().compute(made._replace(output=folder), lambda told: None)
    return parts(folder)


def quiet(told: Told) -> None:
    """Nobody looks."""


def command(*words: object, timeout: float = 120, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    line = [sys.executable, "-m", "stage6_compute.mapreduce", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=timeout, **more)


def bad(tmp_path: Path, *more: object, job: str = "word_count") -> str:
    """The one sentence that the command ends with; nothing is left of an output."""
    output = tmp_path / "out"
    ran = command(job, *more, "--output", output)
    assert ran.returncode in (1, 3), ran.stdout + ran.stderr
    assert not output.exists()
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    assert ran.stderr.startswith("error: ")
    return ran.stderr


def fails(engine: Local, made: Request) -> str:
    """Why a job fails."""
    with pytest.raises(JobFailed) as caught:
        engine.compute(made, quiet)
    return str(caught.value)
