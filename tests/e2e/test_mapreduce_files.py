"""Jobs of ``mapreduce`` on real files: processes are killed, input is bad, and the output is right.

What is right, the engine says that is simple on purpose: one process, record by record.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from common.values.errors import MissingTool
from stage6_compute.mapreduce.front.command import compute_rounds
from stage6_compute.mapreduce.front.job import load_job, read_program
from stage6_compute.mapreduce.front.local import COORDINATOR, Local
from stage6_compute.mapreduce.front.request import JobFailed, Request, Told, claim, complete
from stage6_compute.mapreduce.front.sequential import Sequential
from stage6_compute.mapreduce.front.spark import Spark, find_python
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


@pytest.fixture(scope="module")
def engine() -> Iterator[Local]:
    """Two workers and a coordinator."""
    with Local(2) as local:
        yield local


# The same output as one process.


@pytest.mark.parametrize(
    ("job", "settings"),
    [
        ("word_count", {}),
        ("inverted_index", {}),
        ("grep", {"pattern": "w1[0-9] "}),
        ("sort", {"bounds": "w2,w4"}),
    ],
)
def test_a_job_has_the_output_of_one_process(
    engine: Local, tmp_path: Path, job: str, settings: dict[str, str]
) -> None:
    inputs = [words(tmp_path / f"{seed}.txt", 200, seed) for seed in range(3)]
    made = request(job, inputs, tmp_path / "out", settings=settings)
    counters = engine.compute(made, quiet)
    assert parts(made.output) == expected(made, tmp_path / "expected")
    assert counters["input records"] == 600
    assert {span.how for span in engine.timeline} >= {"done"}
    if job == "sort":
        lines = b"".join(parts(made.output)).splitlines()
        assert lines == sorted(line for path in inputs for line in path.read_bytes().splitlines())


def test_little_memory_spills_and_changes_nothing(engine: Local, tmp_path: Path) -> None:
    source = words(tmp_path / "in.txt", 40_000)
    made = request("sort", [source], tmp_path / "out", splits=2, partitions=1, memory=1)
    large = tmp_path / "large.txt"
    large.write_bytes(b"".join(source.read_bytes() for _ in range(4)))
    made = made._replace(splits=cut(find_input([str(large)]), 4 << 20, 2))
    counters = engine.compute(made, quiet)
    assert counters["runs spilled"] > 1
    assert parts(made.output)[0].splitlines() == sorted(large.read_bytes().splitlines())


# Whatever is killed.


class Killer:
    """Kills members in mid-run, each once: a worker among the maps, all others in turn after it."""

    def __init__(self, engine: Local, at: dict[str, Callable[[Told], bool]]) -> None:
        self._engine = engine
        self._at = at
        self.killed: list[str] = []

    def __call__(self, told: Told) -> None:
        """The job has come so far."""
        for id, due in list(self._at.items()):
            if due(told):
                os.kill(self._engine.cluster.members[id].pid, signal.SIGKILL)
                self.killed.append(id)
                del self._at[id]


@pytest.mark.parametrize(
    "victims",
    [
        ("w1", COORDINATOR),
        pytest.param((COORDINATOR, "w2"), marks=pytest.mark.proof),
        pytest.param(("w1", "w2"), marks=pytest.mark.proof),
    ],
)
def test_whatever_is_killed_the_output_is_that_of_one_process(
    tmp_path: Path, victims: tuple[str, str]
) -> None:
    job = tmp_path / "slow.py"
    job.write_text(SLOW_WORDS)
    made = request(str(job), [words(tmp_path / "in.txt", 300)], tmp_path / "out", splits=6)
    first, second = victims
    with Local(2) as local:
        killer = Killer(
            local,
            {
                first: lambda told: 2 <= told.maps[0] < told.maps[1],
                second: lambda told: told.maps[0] == told.maps[1] and told.reduces[0] >= 1,
            },
        )
        counters = local.compute(made, killer)
        assert first in killer.killed
        assert local.restarts >= 1
    assert counters["input records"] == 300, "each task counts once"
    slow = expected(made, tmp_path / "expected")
    assert parts(made.output) == slow


@pytest.mark.proof
def test_a_worker_that_stands_still_has_its_tasks_done_by_others(tmp_path: Path) -> None:
    """OSDI'04, 3.6. Its own process goes on, and what that makes is never part of the output."""
    job = tmp_path / "slow.py"
    job.write_text(SLOW_WORDS)
    made = request(str(job), [words(tmp_path / "in.txt", 600)], tmp_path / "out", splits=6)
    with Local(2) as local:

        def pause(told: Told) -> None:
            if told.maps[0] >= 2:
                local.cluster.members["w1"].pause()

        counters = local.compute(made, pause)
        assert local.restarts == 0
        assert "done" in {span.how for span in local.timeline if span.worker == "w2"}
        assert {span.how for span in local.timeline if span.worker == "w1"} - {"done"}
    assert counters["input records"] == 600
    assert parts(made.output) == expected(made, tmp_path / "expected")


# The command line.


def command(*words: object, timeout: float = 120, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    line = [sys.executable, "-m", "stage6_compute.mapreduce", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=timeout, **more)


def test_page_rank_ends_when_ranks_do_not_move(engine: Local, tmp_path: Path) -> None:
    """A ring of three and a page that all link to; the ranks that the equations have."""
    graph = tmp_path / "graph.tsv"
    graph.write_text("a\t-\tb\thub\nb\t-\tc\thub\nc\t-\ta\thub\nhub\t-\ta\n")
    found = []
    for name, chosen in (("local", engine), ("sequential", Sequential())):
        made = request("page_rank", [graph], tmp_path / name, splits=2, partitions=2)
        computed = compute_rounds(chosen, made, load_job(made.program), quiet, workers=2)
        assert 5 < computed.rounds < 20
        assert computed.counters.get("ranks that moved", 0) == 0
        found.append(parts(made.output))
        complete(made.output, computed.counters)
        there = sorted(path.name for path in made.output.iterdir())
        assert there == ["_SUCCESS", "part-00000", "part-00001"]
    assert found[0] == found[1]
    ranks = {line.split("\t")[0]: float(line.split("\t")[1])
             for line in b"".join(found[0]).decode().splitlines()}  # fmt: skip
    assert sum(ranks.values()) == pytest.approx(4, abs=0.01)
    assert ranks["hub"] == pytest.approx(0.15 + 0.85 * (ranks["a"] + ranks["b"] + ranks["c"]) / 2,
                                         abs=0.01)  # fmt: skip


def test_people_see_counters_and_get_a_picture(tmp_path: Path) -> None:
    source = words(tmp_path / "in.txt", 50)
    picture = tmp_path / "who.svg"
    ran = command("word_count", source, "--output", tmp_path / "out", "--timeline", picture)
    assert ran.returncode == 0, ran.stderr
    assert "input records" in ran.stdout
    assert "2 parts" in ran.stdout
    assert picture.read_text().startswith("<svg")
    assert json.loads((tmp_path / "out/_SUCCESS").read_text())["counters"]["input records"] == 50


def bad(tmp_path: Path, *more: object, job: str = "word_count") -> str:
    """The one sentence that the command ends with; nothing is left of an output."""
    output = tmp_path / "out"
    ran = command(job, *more, "--output", output)
    assert ran.returncode in (1, 3), ran.stdout + ran.stderr
    assert not output.exists()
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    assert ran.stderr.startswith("error: ")
    return ran.stderr


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    assert "there is no input nowhere: name a file" in bad(tmp_path, "nowhere")
    source = words(tmp_path / "in.txt", 5)
    assert "there is no job file none: name" in bad(tmp_path, source, job="none")
    empty = tmp_path / "empty"
    empty.touch()
    assert "there is nothing to read in" in bad(tmp_path, empty)
    job = tmp_path / "job.py"
    job.write_text("def reduce(key, values): ...\n")
    assert "has no function map: a job file defines" in bad(tmp_path, source, job=str(job))


def test_the_simple_engine_says_what_was_bad_too(tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text("def map(name, line):\n    yield int(line), 1\n\ndef reduce(key, values): ...\n")
    source = tmp_path / "in.txt"
    source.write_text("1\ntwo\n")
    said = bad(tmp_path, source, "--engine", "sequential", job=str(job))
    assert "map, of the line 'two' of in.txt, raised ValueError" in said
    source.write_bytes(b"\xff\n")
    assert "is not UTF-8" in bad(tmp_path, source, "--engine", "sequential", job=str(job))


def test_options_that_an_engine_does_not_have_are_refused(tmp_path: Path) -> None:
    source = words(tmp_path / "in.txt", 5)
    said = bad(tmp_path, source, "--engine", "sequential", "--timeline", "who.svg")
    assert "--timeline is for --engine local" in said
    said = bad(tmp_path, source, "--engine", "sequential", "--skip-bad-records", 1)
    assert "--skip-bad-records is not for --engine sequential" in said
    assert "--kill w9: there is no such process: there are coordinator, w1" in bad(
        tmp_path, source, "--kill", "w9@1"
    )
    assert "--workers 0: write a number from 1" in bad(tmp_path, source, "--workers", 0)


def test_an_output_has_one_writer(tmp_path: Path) -> None:
    source = words(tmp_path / "in.txt", 5)
    output = tmp_path / "out"
    line = ("word_count", source, "--output", output, "--engine", "sequential")
    assert command(*line).returncode == 0
    again = command(*line)
    assert again.returncode == 3
    assert "exists: it holds the output of a job" in again.stderr
    (output / "_SUCCESS").unlink()
    (output / "_attempts").mkdir()
    assert "another job is writing to it, or one that was killed" in command(*line).stderr
    assert parts(output), "what is there was left alone"


# Bad records, and functions that misbehave.


def fails(engine: Local, made: Request) -> str:
    """Why a job fails."""
    with pytest.raises(JobFailed) as caught:
        engine.compute(made, quiet)
    return str(caught.value)


def test_input_that_is_no_text_is_told_byte_by_byte(engine: Local, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes(b"good\nba\xffd\ngood\n")
    said = fails(engine, request("word_count", [source], tmp_path / "out", splits=1))
    assert "in.txt is not UTF-8: byte 0xff at byte 7, in the line b'ba\\xffd'" in said


def test_a_bad_record_is_shown_or_left_out_as_asked(engine: Local, tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text(
        "def map(name, line):\n    yield int(line), 1\n\n"
        "def reduce(key, values):\n    yield sum(values)\n"
    )
    source = tmp_path / "in.txt"
    source.write_text("1\ntwo\n3\nfour\n5\n")
    made = request(str(job), [source], tmp_path / "0", splits=1, partitions=1)
    said = fails(engine, made)
    assert "map raised ValueError: invalid literal for int()" in said
    assert "(line 2 of job.py) on the line at byte 2 of in.txt: 'two'" in said
    claim(tmp_path / "1")
    said = fails(engine, made._replace(output=tmp_path / "1", most_skipped=1))
    assert "more than 1 records of split 0 are bad" in said
    claim(tmp_path / "2")
    counters = engine.compute(made._replace(output=tmp_path / "2", most_skipped=2), quiet)
    assert counters["skipped records"] == 2
    assert parts(tmp_path / "2") == [b"1\t1\n3\t1\n5\t1\n"]


def test_a_map_that_never_ends_is_ended_with_its_record(engine: Local, tmp_path: Path) -> None:
    job = tmp_path / "job.py"
    job.write_text(
        "def map(name, line):\n    while line == 'bad':\n        pass\n    yield line, 1\n\n"
        "def reduce(key, values):\n    yield sum(values)\n"
    )
    source = tmp_path / "in.txt"
    source.write_text("good\nbad\n")
    said = fails(engine, request(str(job), [source], tmp_path / "out", splits=1, seconds=0.1))
    assert "map did not end within 0.1 s" in said
    assert "of in.txt: 'bad'" in said


def test_a_task_that_kills_its_process_makes_the_job_fail_and_not_hang(
    engine: Local, tmp_path: Path
) -> None:
    job = tmp_path / "job.py"
    job.write_text(
        "import os\n\ndef map(name, line):\n    os._exit(7)\n\ndef reduce(key, values): ...\n"
    )
    said = fails(engine, request(str(job), [words(tmp_path / "in.txt", 5)], tmp_path / "out"))
    assert "failed 4 times" in said
    assert "ended with 7" in said


def test_an_input_that_vanishes_is_named(engine: Local, tmp_path: Path) -> None:
    source = words(tmp_path / "in.txt", 50)
    made = request("word_count", [source], tmp_path / "out")
    source.unlink()
    assert "in.txt has vanished since the job began: put it back" in fails(engine, made)


def test_ctrl_c_leaves_no_output_and_no_process(tmp_path: Path) -> None:
    job = tmp_path / "slow.py"
    job.write_text(SLOW_WORDS)
    output = tmp_path / "out"
    line = [sys.executable, "-m", "stage6_compute.mapreduce", str(job),
            str(words(tmp_path / "in.txt", 5000)), "--output", str(output),
            "--scratch", str(tmp_path)]  # fmt: skip
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as running:
        end = time.monotonic() + 30
        while not list(tmp_path.glob("mapreduce-*/pieces/w*/1/*")) and time.monotonic() < end:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert said == "error: interrupted: there is no output\n"
    assert not output.exists()
    assert not list(tmp_path.glob("mapreduce-*"))


@pytest.mark.needs("root")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(small)],
                             capture_output=True, check=False)  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        source = tmp_path / "in.txt"
        source.write_text("".join(f"{number:0500}\n" for number in range(3000)))
        said = bad(tmp_path, source, "--scratch", small, "--workers", 1, job="sort")
        assert "the disk is full: " in said
        assert "could not be written: free some space" in said
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


# On Spark.


@pytest.mark.proof
@pytest.mark.parametrize("master", ["", "local-cluster[2,1,1024]"], ids=["local", "cluster"])
def test_a_job_runs_unchanged_on_spark_with_the_same_output(tmp_path: Path, master: str) -> None:
    """A cluster of Spark's is separate processes, to which the lab's code is sent."""
    try:
        find_python()
    except MissingTool as error:
        pytest.skip(str(error))
    source = words(tmp_path / "in.txt", 2000)
    for job in ("grep",) if master else ("word_count", "grep"):
        settings = {"pattern": "w7"} if job == "grep" else {}
        made = request(job, [source], tmp_path / f"{job}-spark", settings=settings)
        counters = Spark(master or "local[2]").compute(made, quiet)
        assert parts(made.output) == expected(made, tmp_path / f"{job}-expected")
        assert counters["input records"] == 2000


@pytest.mark.proof
def test_a_bad_record_is_shown_on_spark_too(tmp_path: Path) -> None:
    try:
        find_python()
    except MissingTool as error:
        pytest.skip(str(error))
    job = tmp_path / "job.py"
    job.write_text("def map(name, line):\n    yield int(line), 1\n\ndef reduce(key, values): ...\n")
    source = tmp_path / "in.txt"
    source.write_text("1\ntwo\n")
    said = bad(tmp_path, source, "--engine", "spark", job=str(job))
    assert "map raised ValueError: invalid literal" in said
    assert "on the line at byte 2 of in.txt: 'two'" in said
