"""Graded suites: on the reference, on a workspace, with points, reasons, and a way to replay."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.course.base.course import ROOT, Course
from common.course.base.reasons import compared
from tests.support.lab_command import lab

COURSE = Course(ROOT)
CAP, LINK = COURSE.lab("cap"), COURSE.lab("link")
GOSSIP = "def gossip_received(self, gossip: Gossip, sender: NodeId) -> None:\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / CAP.folder).mkdir(parents=True)
    for path in CAP.paths:
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def change(workspace: Path, file: str, old: str, new: str) -> None:
    path = workspace / CAP.path(file)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def grades(output: str) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(output.splitlines()[-1])
    return printed


def test_the_reference_gets_all_points(tmp_path: Path) -> None:
    ran = lab(tmp_path, "test", "cap", "--seeds", "2", "--json")
    assert ran.returncode == 0
    told = grades(ran.stdout)
    assert told["earned"] == told["possible"] > 0


def test_a_copy_of_the_reference_gets_all_points_too(workspace: Path) -> None:
    ran = lab(workspace, "test", "cap", "--impl", ".", "--seeds", "2", "--json")
    assert ran.returncode == 0, ran.stderr


def test_a_wrong_protocol_loses_points_with_a_reason_and_a_way_to_replay(workspace: Path) -> None:
    change(workspace, "consistent.py", "majority(", "min(1, ")
    ran = lab(workspace, "test", "cap", "--impl", ".", "--json")
    assert ran.returncode == 1
    told = grades(ran.stdout)
    assert 0 < told["earned"] < told["possible"]
    failed = [test for test in told["tests"] if test["verdict"] == "fail"]
    assert all(test["why"] and test["requirement"] for test in failed)
    again = next(test["replay"] for test in failed if "--seed" in test["replay"]).split()
    assert again[-2:] == ["--impl", "."]
    replayed = lab(workspace, *again[1:], "--json")
    assert replayed.returncode == 1
    assert Path(workspace / grades(replayed.stdout)["pages"][0]).exists()


def test_a_protocol_that_reads_a_clock_is_refused_with_file_and_line(workspace: Path) -> None:
    change(workspace, "available.py", '"""', 'import time\n\n"""')
    ran = lab(workspace, "test", "cap", "--impl", ".")
    assert ran.returncode == 1
    assert "cap/available.py:1: a protocol file must not import time: read self.now" in said(ran)


@pytest.mark.parametrize("where", ["available.py", "client.py"])
def test_state_shared_by_all_nodes_is_refused_in_the_students_own_run(
    workspace: Path, where: str
) -> None:
    change(workspace, where, "class ", "class Mine:\n    votes = {}\n\n\nclass ")
    ran = lab(workspace, "test", "cap", "--impl", ".", "-k", "gossip_does_not_multiply")
    assert ran.returncode == 1
    assert re.search(rf"{where}:\d+: votes on the class Mine is shared by all nodes", said(ran))
    assert f"({CAP.path(where)}" not in said(ran), "its place is told once"


def test_a_renamed_class_is_told_by_name(workspace: Path) -> None:
    change(workspace, "available.py", "class AvailableReplica", "class Replica")
    ran = lab(workspace, "test", "cap", "--impl", ".")
    assert ran.returncode == 3
    assert "there is no AvailableReplica in" in said(ran)


def test_a_syntax_error_is_told_with_its_line(workspace: Path) -> None:
    path = workspace / CAP.path("consistent.py")
    path.write_text("x = 1\ndef f(:\n", encoding="utf-8")
    ran = lab(workspace, "test", "cap", "--impl", ".")
    assert ran.returncode == 3
    assert "cap/consistent.py:2: " in said(ran)
    assert "Traceback" not in said(ran)


def test_a_workspace_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    ran = lab(tmp_path, "test", "cap", "--impl", "nowhere")
    assert ran.returncode == 3
    assert "there is no workspace nowhere" in said(ran)


def test_a_workspace_without_the_labs_files_is_not_graded_as_the_reference(
    workspace: Path,
) -> None:
    ran = lab(workspace, "test", "link", "--impl", ".")
    assert ran.returncode == 3
    assert "has no file of lab link, so nothing of yours would be tested" in said(ran)
    suite = [str(ROOT / LINK.suite), f"--rootdir={ROOT}", f"-c{ROOT}/pyproject.toml"]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", *suite]
    command += ["--impl=.", "--grades=grades.json"]
    subprocess.run(command, cwd=workspace, check=False, capture_output=True, timeout=120)
    told = json.loads((workspace / "grades.json").read_text(encoding="utf-8"))
    assert told["earned"] == 0 < told["possible"]


def test_what_a_handler_raises_is_told_with_its_kind_and_its_line(workspace: Path) -> None:
    change(workspace, "available.py", GOSSIP, f"{GOSSIP}        {{}}['no']\n")
    ran = lab(workspace, "test", "cap", "--impl", ".", "-k", "gossip_does_not_multiply")
    assert ran.returncode == 1
    assert f"KeyError: 'no' ({CAP.path('available.py')}:" in said(ran)
    assert ", in gossip_received)" in said(ran)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("self.save('held', {})", "save('held', ...): a dict would leave the node"),
        ("self.save(('held', 1.5), 1)", "('held', 1.5) is no key to save under"),
        (
            "self.send(sender, Gossip([]))",
            "Gossip(...)): a list (at Gossip.held) would leave the node",
        ),
        ("self.send('n9', gossip)", "sends to 'n9', which is not in this cluster"),
        ("gossip.held = 1", "cannot assign to field 'held': a declared value never changes"),
        ("self.set_timer(1.5, GossipAgain())", "a time is a whole number of microseconds"),
    ],
)
def test_what_breaks_the_contract_is_told_with_the_students_own_line(
    workspace: Path, wrong: str, told: str
) -> None:
    change(workspace, "available.py", GOSSIP, f"{GOSSIP}        {wrong}\n")
    lines = (workspace / CAP.path("available.py")).read_text(encoding="utf-8").splitlines()
    line = lines.index(f"        {wrong}") + 1
    name = "gossip_does_not_multiply"
    ran = lab(workspace, "test", "cap", "--impl", ".", "-k", name, "--json")
    assert ran.returncode == 1
    [test] = grades(ran.stdout)["tests"]
    assert told in test["why"]
    assert test["why"].endswith(f"({CAP.path('available.py')}:{line}, in gossip_received)")


def test_a_handler_that_never_ends_fails_with_its_line_and_does_not_hang(workspace: Path) -> None:
    change(workspace, "available.py", GOSSIP, f"{GOSSIP}        while True:\n            pass\n")
    ran = lab(workspace, "test", "cap", "--impl", ".", "-k", "gossip_does_not_multiply")
    assert ran.returncode == 1
    assert "a loop that does not end" in said(ran)
    assert ", in gossip_received)" in said(ran)


def test_a_run_ends_after_two_tests_that_never_end(workspace: Path) -> None:
    change(workspace, "available.py", GOSSIP, f"{GOSSIP}        while True:\n            pass\n")
    chosen = "gossip or heal or clock"
    ran = lab(workspace, "test", "cap", "--impl", ".", "--part", "available", "-k", chosen)
    assert ran.returncode == 1
    told = said(ran)
    assert told.count("a loop that does not end") == 3, "twice in full, and once for the others"
    assert "the other tests were not tried: 2 tests never ended: still running after 5 s" in told
    assert f"{CAP.path('available.py')}:" in told.partition("not tried")[2]
    assert "0 of " in told


def test_a_comparison_tells_what_was_found_and_what_was_expected() -> None:
    assert compared("==", [1], [2]) == ["found [1], expected [2]"]
    assert compared("<", 2, 1) == ["this does not hold: 2 < 1"]
    assert len(compared("==", "x" * 9_999, "")[0]) < 500


def test_a_test_name_that_matches_nothing_is_one_sentence(tmp_path: Path) -> None:
    ran = lab(tmp_path, "replay", "cap", "no_such_test")
    assert ran.returncode == 3
    assert "no test of lab cap has 'no_such_test' in its name or its title" in said(ran)


def said(ran: Any) -> str:
    return " ".join((ran.stdout + ran.stderr).split())
