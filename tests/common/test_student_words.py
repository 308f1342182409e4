"""How a student names things: labs, holes, tests, workspaces, and what a shell completes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from common.course.command import run
from common.course.student.finding import test_named as the_test_named
from common.course.student.finding import tests_named as all_tests_named
from common.values.errors import BadInput
from tests.common.student_said import answer, said

CAP = Course(ROOT).lab("cap")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    return tmp_path


def test_the_workspace_may_be_named_before_the_verb_and_after_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--dir", "mine", "start", "cap"]) == 0
    assert f"a new workspace: {home / 'mine'}" in said(capsys)
    assert (home / "mine/stage1_foundations/cap/available.py").is_file()
    assert not (home / "work").exists()
    assert run(["--dir", "mine", "hint"]) == 0
    assert "AvailableReplica.on_start" in said(capsys)
    assert run(["--dir", "mine", "start", "echo", "--dir", "other"]) == 0
    assert f"a new workspace: {home / 'other'}" in said(capsys), "the nearer one counts"


def test_only_a_new_workspace_is_announced(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["start", "cap"])
    assert f"a new workspace: {home / 'work'} (elsewhere: lab --dir DIR start cap)" in said(capsys)
    run(["start", "echo"])
    assert "a new workspace" not in said(capsys)


def test_a_part_of_a_name_or_of_a_title_finds_a_test() -> None:
    whole = "test_of_two_writes_made_apart_one_wins_everywhere_and_for_good"
    assert the_test_named(CAP, "made apart").name == whole
    assert the_test_named(CAP, "Last Writer").name == whole
    assert the_test_named(CAP, whole).name == whole
    assert len(all_tests_named(CAP, "gossip")) > 1
    with pytest.raises(BadInput, match="tests of lab cap have 'gossip' in their names or titles"):
        the_test_named(CAP, "gossip")
    with pytest.raises(BadInput, match="no test of lab cap has 'nonsense' in its name or its tit"):
        the_test_named(CAP, "nonsense")


def test_tests_are_chosen_by_their_titles_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "cap", "-k", "last writer", "--seeds", "1", "--json"]) == 0
    assert [test["title"] for test in answer(capsys)["tests"]] == ["Last writer wins"]
    assert run(["why", "cap", "nonsense"]) == 3
    assert run(["replay", "cap", "gossip"]) == 3
    assert "write more of the one you mean" in said(capsys)


def test_a_lab_and_a_hole_may_both_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    run(["start", "cap", "--all"])
    run(["start", "echo"])
    capsys.readouterr()
    assert run(["hint", "cap", "gossip_received", "--json"]) == 0
    assert answer(capsys)["symbol"] == "AvailableReplica.gossip_received"
    assert run(["solution", "cap", "gossip_received", "--give-up", "--json"]) == 0
    assert list(answer(capsys)["solutions"]) == ["AvailableReplica.gossip_received"]
    assert run(["solution", "cap", "one", "two"]) == 3
    assert "'one two' is more than one hole" in said(capsys)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert said(capsys).startswith("lab 0.")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("lab start ca", "cap"),
        ("lab start cap --part cons", "consistent"),
        ("lab why cap gossip_", "gossip_that_is_old"),
        ("lab hint cap AvailableReplica.go", "AvailableReplica.gossip_received"),
        ("lab solution ca", "cap"),
        ("lab reset cap AvailableReplica.on", "AvailableReplica.on_start"),
    ],
)
def test_a_shell_completes_labs_parts_tests_and_holes(typed: str, completed: str) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    command = [sys.executable, "-c", "from common.course.command import app; app(prog_name='lab')"]
    ran = subprocess.run(
        command, env={**os.environ, **words, "_LAB_COMPLETE": "bash_complete"}, cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"plain,{completed}" in ran.stdout
