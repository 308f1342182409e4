"""More input than memory: 2 GB are sorted by two workers that have 200 MB each."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from stage6_compute.mapreduce.front.job import read_program
from stage6_compute.mapreduce.front.local import Local
from stage6_compute.mapreduce.front.request import Request, Told, claim
from stage6_compute.mapreduce.front.splits import cut, find_input

BYTES = int(os.environ.get("MAPREDUCE_PROOF_BYTES", 2_000_000_000))
MEMORY = 200 << 20
LINE_BYTES = 100
LINES_AT_ONCE = 100_000


def write_lines(path: Path, size: int) -> tuple[int, int]:
    """Write lines drawn by chance; returns how many, and the sum of their checksums."""
    chance, count, total = Random(1), 0, 0
    with path.open("w") as file:
        while count * LINE_BYTES < size:
            text = chance.randbytes(LINES_AT_ONCE * LINE_BYTES // 2).hex()
            for start in range(0, len(text), LINE_BYTES):
                line = text[start : start + LINE_BYTES - 1]
                total += crc32(line.encode())
                file.write(line + "\n")
            count += LINES_AT_ONCE
    return count, total


def lines_of(output: Path) -> Iterator[str]:
    """The lines of an output, part by part."""
    for path in sorted(output.glob("part-*")):
        with path.open() as file:
            yield from file


def most_memory(pid: int) -> int:
    """The most memory that a process and its children have had, in bytes."""
    most = 0
    for each in (pid, *children(pid)):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{each}/status").read_text())
        most += int(found.group(1)) << 10 if found else 0
    return most


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.proof
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the memory")
def test_two_gigabytes_are_sorted_in_200_megabytes_for_each_worker(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    count, total = write_lines(source, BYTES)
    output = tmp_path / "out"
    claim(output)
    splits = cut(find_input([str(source)]), 48 << 20, 2)
    program = read_program("sort", {"bounds": "8"})
    most: dict[str, int] = {}
    with Local(2, tmp_path) as local:

        def watch(told: Told) -> None:
            for id in ("w1", "w2"):
                most[id] = max(most.get(id, 0), most_memory(local.cluster.members[id].pid))

        counters = local.compute(Request(program, splits, output, 2, MEMORY, 60.0, 0), watch)
    print({id: f"{each / 1e6:.0f} MB" for id, each in most.items()}, counters)
    before = ""
    for line in lines_of(output):
        assert before <= line
        before = line
        count -= 1
        total -= crc32(line.rstrip("\n").encode())
    assert (count, total) == (0, 0), "the same lines as in the input"
    assert max(most.values()) <= MEMORY
