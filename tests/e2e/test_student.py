"""A whole evening of a student: start, fail, why, hint, write, pass, compare; and the watch."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.course.base import holes
from common.course.base.course import ROOT, Course
from common.values.units import SECOND
from tests.support.lab_command import lab

STAGE = "stage1_foundations"
CAP = Course().lab("cap")
CONSISTENT_POINTS = CAP.part("consistent").points
AVAILABLE_POINTS = CAP.part("available").points
CONSISTENT = Path("work") / STAGE / "cap/consistent.py"
PATIENCE = 60 * SECOND


def said(ran: "subprocess.CompletedProcess[str]") -> str:
    """Everything that was said, as one line; never a traceback."""
    assert "Traceback" not in ran.stdout + ran.stderr
    return " ".join((ran.stdout + ran.stderr).split())


def points(folder: Path, *arguments: str) -> dict[str, Any]:
    """What ``lab test`` tells programs."""
    ran = lab(folder, "test", *arguments, "--seeds", "3", "--json")
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert ran.returncode == (told["earned"] != told["possible"])
    return told


def write(folder: Path, file: Path, *symbols: str) -> None:
    """Write what the reference has into some holes."""
    path = folder / file
    reference = ROOT / Path(*file.parts[1:])
    text = path.read_text(encoding="utf-8")
    filled = holes.fill(text, reference.read_text(encoding="utf-8"), symbols)
    path.write_text(filled, encoding="utf-8")


def symbols_of(part: str) -> tuple[str, ...]:
    return Course(ROOT).lab("cap").part(part).names


def test_an_evening_with_a_lab(tmp_path: Path) -> None:
    evening = said(lab(tmp_path))
    assert "next: lab start echo" in evening
    assert "any lab can be started first" in evening

    assert "7 holes of part consistent" in said(
        lab(tmp_path, "start", "cap", "--part", "consistent")
    )
    first = lab(tmp_path, "test", "--seeds", "1")
    assert first.returncode == 1
    assert "testing cap, part consistent: your code in work" in said(first)
    assert f"0 of {CONSISTENT_POINTS} points next: lab why cap, lab hint" in said(first)
    assert "this is not written yet" in said(lab(tmp_path, "why"))
    assert "1. " in said(lab(tmp_path, "hint"))

    # Written, but wrong: the answer of one replica is believed.
    write(tmp_path, CONSISTENT, *symbols_of("consistent"))
    path = tmp_path / CONSISTENT
    right = path.read_text(encoding="utf-8")
    asked = "is_majority(pending.answered, self.replicas)"
    assert asked in right
    path.write_text(right.replace(asked, "pending.answered"), encoding="utf-8")
    told = points(tmp_path)
    assert 0 < told["earned"] < told["possible"] == CONSISTENT_POINTS
    explained = lab(tmp_path, "why")
    assert explained.returncode == 1
    assert "it checks: " in said(explained)

    # Right.
    path.write_text(right, encoding="utf-8")
    assert points(tmp_path)["earned"] == CONSISTENT_POINTS
    passed = said(lab(tmp_path, "test", "--seeds", "1"))
    assert "lab start cap --part available" in passed
    assert "def write_requested" in said(lab(tmp_path, "solution"))
    assert "nothing to explain" in said(lab(tmp_path, "why"))

    # The next part, with one's own first part beneath.
    started = said(lab(tmp_path, "start", "cap", "--part", "available"))
    assert f"yours {CONSISTENT} is kept" in started
    assert path.read_text(encoding="utf-8") == right
    write(tmp_path, Path("work") / STAGE / "cap/available.py", *symbols_of("available"))
    assert points(tmp_path)["earned"] == AVAILABLE_POINTS
    whole = points(tmp_path, "--all")
    assert whole["earned"] == whole["possible"] == CAP.points
    assert f"{CAP.points} of {CAP.points} points" in said(lab(tmp_path, "progress", "cap"))
    assert "✓ cap" in said(lab(tmp_path))


def test_the_suite_is_plain_pytest_with_the_same_verdicts_and_points(tmp_path: Path) -> None:
    assert lab(tmp_path, "start", "cap", "--all").returncode == 0
    write(tmp_path, CONSISTENT, *symbols_of("consistent"))
    told = points(tmp_path, "cap")
    command = [sys.executable, "-m", "pytest", f"tests/{STAGE}", "-k", "cap", "-q", "--seeds=3"]
    command += [f"--impl={tmp_path / 'work'}", f"--grades={tmp_path / 'grades.json'}"]
    plain = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=120)
    assert plain.returncode == 1, "the other part's holes are open"
    grades = json.loads((tmp_path / "grades.json").read_text(encoding="utf-8"))
    inside = [test for test in grades["tests"] if f"/{STAGE}/cap/" in test["test"]]
    earned = sum(test["points"] for test in inside if test["verdict"] == "pass")
    assert (earned, sum(test["points"] for test in inside)) == (CONSISTENT_POINTS, CAP.points)
    verdicts = {test["test"]: test["verdict"] for test in inside}
    assert verdicts == {test["test"]: test["verdict"] for test in told["tests"]}


@contextmanager
def watching(folder: Path, *arguments: str) -> Iterator["queue.Queue[str]"]:
    """``lab watch``, and the lines that it says."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "common.course.command", "watch", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    lines: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        assert process.stdout is not None
        with process.stdout as said:
            for line in said:
                lines.put(line)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield lines
    finally:
        process.kill()
        process.wait()
        listener.join()


def heard(lines: "queue.Queue[str]", wanted: str) -> list[str]:
    """What was said up to a line that has the wanted words."""
    until = time.monotonic() + PATIENCE / SECOND
    so_far: list[str] = []
    while not so_far or wanted not in so_far[-1]:
        try:
            so_far.append(lines.get(timeout=max(0.0, until - time.monotonic())))
        except queue.Empty:
            raise AssertionError(f"{wanted!r} was not said, but: {so_far}") from None
    return so_far


def test_a_watch_tests_the_part_that_was_touched_and_first_what_failed_last(
    tmp_path: Path,
) -> None:
    assert lab(tmp_path, "start", "cap", "--all").returncode == 0
    with watching(tmp_path, "cap") as lines:
        assert any(f"0 of {CAP.points} points" in line for line in heard(lines, "watching;"))
        write(tmp_path, Path("work") / STAGE / "cap/available.py", *symbols_of("available"))
        told = heard(lines, "watching;")
        assert "cap: available" in told[0]
        assert f"{AVAILABLE_POINTS} of {AVAILABLE_POINTS} points, all pass" in told[-2]
        path = tmp_path / CONSISTENT
        path.write_text("def f(:\n", encoding="utf-8")
        assert any("cap/consistent.py:1: " in line for line in heard(lines, "watching;"))
    assert f"{AVAILABLE_POINTS}" in said(lab(tmp_path, "progress", "cap"))
