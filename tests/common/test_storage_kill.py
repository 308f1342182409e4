"""SIGKILL at random instants, hundreds of times, on one real directory."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import IO

from common.runtime.storage import LogStorage
from tests.common.storage_workload import SCHEMA, expected

KILLS = 300
MOST_ACKNOWLEDGED = 3
LONGEST_REST_US = 5_000
MOST_STEPS_PER_SYNC = 4

ROOT = Path(__file__).parents[2]


def read_line(stream: IO[bytes]) -> bytes:
    """One line from a process that has to answer within ten seconds."""
    ready, _, _ = select.select([stream], [], [], 10)
    assert ready, "the process says nothing"
    return stream.readline()


def live_and_die(
    nursery: subprocess.Popen[bytes], directory: Path, syncs: int, rest_us: int
) -> list[int]:
    """One life: the number it loaded, then those that it acknowledged before it was killed.

    The life lasts for so many syncs, and then for so many microseconds into whatever comes next.
    """
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(f"{directory}\n".encode())
    nursery.stdin.flush()
    pid, loaded = map(int, read_line(nursery.stdout).split())
    numbers = [loaded, *(int(read_line(nursery.stdout)) for _ in range(syncs))]
    time.sleep(rest_us / 1_000_000)  # not for an event: the instant is to be arbitrary
    os.kill(pid, signal.SIGKILL)
    while (line := read_line(nursery.stdout)) != b"dead\n":
        numbers.append(int(line))
    return numbers


def test_everything_acknowledged_survives_hundreds_of_kills(tmp_path: Path) -> None:
    random = Random("kills")
    directory = tmp_path / "data"
    acknowledged, unfinished, generations = 0, 0, 0
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.common.storage_nursery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        bufsize=0,
    )
    with nursery:
        try:
            for _ in range(KILLS):
                numbers = live_and_die(
                    nursery,
                    directory,
                    random.randint(0, MOST_ACKNOWLEDGED),
                    random.randint(0, LONGEST_REST_US),
                )
                assert numbers[0] >= acknowledged
                acknowledged = numbers[-1]
                store = LogStorage(directory, SCHEMA)
                loaded = store.load()
                last = loaded.get("last", 0)
                assert isinstance(last, int)
                assert acknowledged <= last <= acknowledged + MOST_STEPS_PER_SYNC
                assert loaded == expected(last), "half a step, or a step without those before it"
                acknowledged = last
                assert store.recovery is not None
                unfinished += bool(store.recovery.removed)
                generations = store.recovery.generation
                store.close()
        finally:
            nursery.kill()
    assert acknowledged > KILLS, "they were killed before they did anything"
    assert generations > KILLS / 10, "they hardly ever compacted"
    assert unfinished > 0, "none was killed in the midst of a compaction"
