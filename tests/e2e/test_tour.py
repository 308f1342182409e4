"""``lab tour``, which ``make run`` runs: a story on real processes, and where to go next."""

import json
import re
from pathlib import Path

import pytest

from common.course.base.course import Course
from common.course.command import run
from common.trace.reader import read
from stage5_fault_tolerance.raftkv import story
from tests.support.lab_command import lab

LINES = 45
"""What a person reads before it is too much: a screen or two."""


def test_the_tour_tells_one_story_and_fits_two_screens(tmp_path: Path) -> None:
    shown = lab(tmp_path, "tour", columns=80)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert len(lines) <= LINES
    assert "\x1b" not in shown.stdout, "no colours where nobody can see them"
    said = " ".join(shown.stdout.split())
    assert re.search(r"SIGKILL n\d, which leads; \d+ writes are acknowledged", said)
    assert re.search(r"n\d leads; no write was answered for \d+\.\d\d s", said)
    assert re.search(r"SIGKILL all five at once; \d+ writes are acknowledged", said)
    assert re.search(r"✓ yes no write is lost: all \d+ acknowledged appends are there", said)
    assert re.search(r"✓ yes what clients were told: Linearizable", said)
    for stage in Course().stages:
        told = stage.best.command if stage.best else f"to come {stage.title}"
        assert f"{stage.sign} {told} " in f"{said} "
    page, event = re.search(r"file://(\S+)#event=(\d+)", shown.stdout).groups()  # type: ignore[union-attr]
    assert Path(page).is_file()
    trace = read(Path(page).with_suffix(".jsonl"))
    assert trace.events[int(event) - 1]["kind"] == "crash", "it opens where the leader is killed"


def test_the_tour_for_programs_is_one_json_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "WORK_SECONDS", 0.2)
    assert run(["tour", "--json", "--out", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["story"]["result"] == "yes"
    assert [stage["number"] for stage in told["stages"]] == [s.number for s in Course().stages]
    assert all(Path(file).is_file() for file in told["story"]["files"])


def test_a_tour_of_one_lab_shows_its_demo_and_its_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tour", "cap", "--json", "--out", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    [cap] = told["labs"]
    assert cap["lab"] == "cap"
    assert cap["verdicts"]
    assert cap["live"]["result"] == "yes"
    assert all(Path(page).is_file() for page in told["pages"])
    assert run(["tour", "cap", "--all"]) == 3
    assert "leave one of the two out" in " ".join(capsys.readouterr().err.split())


def test_what_a_stage_shows_best_is_a_command_about_one_of_its_labs_and_fits_a_line() -> None:
    known = Course()
    for stage in known.stages:
        assert (stage.best is None) == (not stage.labs), f"stage {stage.number} says its best"
        if stage.best is not None:
            name, verb, _ = stage.best.command.split()
            assert name == "lab"
            assert run([verb, "--help"]) == 0
            assert stage.best.lab in stage.labs
            assert len(f"1  lab run chat  {stage.best.shows}") <= 80
