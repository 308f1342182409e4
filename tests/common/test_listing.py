"""``lab list`` and ``lab show``: what there is, on one screen."""

import json

import pytest

from common.course.base.course import Course
from common.course.command import run

COURSE = Course()
COLUMNS, LINES = 80, 24


@pytest.mark.parametrize("id", COURSE.ids)
def test_a_lab_fits_on_a_screen_with_all_its_parts(
    id: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    assert run(["show", id]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) < LINES, "a line is left for the next command"
    assert max(map(len, shown)) <= COLUMNS
    below = next(number for number, line in enumerate(shown) if line.startswith("part "))
    for part in COURSE.lab(id).parts:
        (line,) = (line for line in shown[below:] if line.startswith(f"{part.id} "))
        assert line.split()[1:3] == [f"{part.hours:g}", str(part.points)]
        assert part.title[:15] in line


def test_papers_files_and_every_exercise_are_behind_an_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    lab = COURSE.lab("raft")
    assert run(["show", "raft"]) == 0
    assert lab.papers[0].title not in capsys.readouterr().out
    assert run(["show", "raft", "--all"]) == 0
    shown = capsys.readouterr().out
    for wanted in (lab.papers[0].title, *lab.paths, *(hole.name for hole in lab.holes)):
        assert wanted in shown


def test_programs_get_the_parts_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "cap", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["points"] == sum(part["points"] for part in told["parts"])
    assert "AvailableReplica.on_start" in told["parts"][0]["exercises"]
