"""Jobs of ``mapreduce`` on real files: processes are killed, and the output is right.

What is right, the engine says that is simple on purpose: one process, record by record.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common.values.errors import MissingTool
from stage6_compute.mapreduce.front.command import compute_rounds
from stage6_compute.mapreduce.front.job import load_job
from stage6_compute.mapreduce.front.local import COORDINATOR, Local
from stage6_compute.mapreduce.front.request import Told, complete
from stage6_compute.mapreduce.front.sequential import Sequential
from stage6_compute.mapreduce.front.spark import Spark, find_python
from stage6_compute.mapreduce.front.splits import cut, find_input
from tests.support.mapreduce_jobs import (
    SLOW_WORDS,
    bad,
    expected,
    parts,
    quiet,
    request,
    words,
)
from tests.support.terminal import Terminal


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


def test_people_see_bars_and_counters_and_get_a_picture(tmp_path: Path) -> None:
    words(tmp_path / "in.txt", 50)
    picture = tmp_path / "who.svg"
    line = ("word_count", "in.txt", "--output", "out", "--timeline", str(picture))
    with Terminal(tmp_path, *line, module="stage6_compute.mapreduce") as terminal:
        assert terminal.end() == 0, terminal.seen
        shown = "\n".join(terminal.lines())
    for phase in ("map", "reduce"):
        assert re.search(rf"^{phase} +\S+ 2/2 0:00:", shown, re.MULTILINE), shown
    assert "input records" in shown
    assert "2 parts" in shown
    assert picture.read_text().startswith("<svg")
    assert json.loads((tmp_path / "out/_SUCCESS").read_text())["counters"]["input records"] == 50


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
