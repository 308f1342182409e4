"""The same marks on a cluster: a scheduler and workers of their own, one killed in the middle."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from common.course.kit.keys import read_secret
from common.course.kit.reports import lab_report, read_signed
from tests.e2e.test_grade import LIMIT_SECONDS, graded, some_marks, start
from tests.support import class_of_students as students
from tests.support.lab_command import ROOT

pytestmark = [pytest.mark.needs("dask", "bwrap"), pytest.mark.proof]

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{words[0].rpartition('.')[2]}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=folder, env=ENVIRONMENT, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, all processes of their own."""
    place = folder / "scheduler.json"
    with ExitStack() as stack:
        file = f"--scheduler-file={place}"
        stack.enter_context(
            started(
                folder,
                "distributed.cli.dask_scheduler",
                "--host=127.0.0.1",
                "--port=0",
                "--no-dashboard",
                file,
            )
        )
        workers = [
            stack.enter_context(
                started(
                    folder,
                    "distributed.cli.dask_worker",
                    file,
                    "--nthreads=1",
                    "--no-dashboard",
                    "--no-nanny",
                    f"--local-directory={folder}/{name}",
                )
            )
            for name in ("w1", "w2")
        ]
        distributed: Any = importlib.import_module("distributed")
        with distributed.Client(
            scheduler_file=str(place), timeout="60s", set_as_default=False
        ) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address, workers


def scores(folder: Path) -> dict[str, Any]:
    secret = read_secret(folder / "course.key")
    found = {}
    for path in sorted(folder.glob(f"reports/*/{students.LAB.id}.json")):
        report = lab_report(read_signed(path, secret), path)
        whys = {mark.test: mark.why for mark in report.tests}
        found[report.student] = (report.score(), whys, report.problem, report.done)
    return found


def class_of_three(folder: Path) -> None:
    students.handed_in(folder / "class", "ada")
    (folder / "course.key").write_text("a secret of sixteen bytes or more", encoding="utf-8")
    students.wrong(folder / "class", "bob")
    syntax = students.handed_in(folder / "class", "eve")
    students.change(syntax, f"class {students.NAME}", f"class class {students.NAME}")


def test_a_cluster_with_a_worker_killed_in_the_middle_gives_the_same_marks(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    class_of_three(here)
    class_of_three(there)
    graded(here)
    with cluster(tmp_path) as (address, workers):
        process = start(there, "--scheduler", address)
        some_marks(there, process)
        workers[0].send_signal(signal.SIGKILL)
        said = process.communicate(timeout=LIMIT_SECONDS)[0].decode()
        assert process.returncode == 0, said
    assert scores(there) == scores(here)
    assert all(done for *_, done in scores(here).values())


def test_the_student_and_the_secret_decide_the_seeds_and_nothing_else(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    for folder in (first, second, other):
        students.wrong(folder / "class", "bob")
        secret = "another secret of many bytes" if folder is other else "a secret of many bytes"
        (folder / "course.key").write_text(secret, encoding="utf-8")
        graded(folder)
    assert scores(first) == scores(second)
    assert seeds(first) != seeds(other)


def seeds(folder: Path) -> list[str]:
    report = folder / f"reports/bob/{students.LAB.id}.json"
    plain = json.loads(report.read_text(encoding="utf-8"))["report"]
    return [found for test in plain["tests"] for found in re.findall(r"--seed \d+", test["replay"])]
