"""The run of the tests itself: slices of proofs, budgets of labs, what shares a process."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.course.base.course import ROOT, Course
from tests.support.budget import Account, accounts, lab_of, least, measured_alone
from tests.support.spread import SHARED, stays_with
from tests.support.times import Spent, by_folder, slowest

PROOFS = """
import pytest

@pytest.mark.proof
@pytest.mark.parametrize("number", range(7))
def test_heavy(number): pass

@pytest.mark.rotates
@pytest.mark.parametrize("lab", range(5))
def test_alike(lab): pass

def test_light(): pass
"""


def ran(folder: Path, chosen: str, *options: str) -> list[str]:
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n proof\n rotates\n", encoding="utf-8")
    (folder / "test_some.py").write_text(PROOFS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.proofs", *options]
    command += [f"--proofs={chosen}", f"--rootdir={folder}", "-c", f"{folder}/pytest.ini"]
    ran = subprocess.run(
        [*command, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    return ran.stdout.splitlines()


def collected(folder: Path, chosen: str, *options: str) -> list[str]:
    lines = ran(folder, chosen, "--collect-only", *options)
    return [line.partition("::")[2] for line in lines if "::" in line]


def test_the_slices_are_all_proofs_once_and_the_other_tests_are_in_each(tmp_path: Path) -> None:
    slices = [collected(tmp_path, f"{number}/3") for number in (1, 2, 3)]
    heavy = sorted(name for part in slices for name in part if name.startswith("test_heavy"))
    assert heavy == [f"test_heavy[{number}]" for number in range(7)]
    assert all("test_light" in part for part in slices)
    rotating = sorted(name for part in slices for name in part if name.startswith("test_alike"))
    assert rotating == [f"test_alike[{lab}]" for lab in range(5)]
    assert collected(tmp_path, "none")[-1] == "test_light"
    assert len(collected(tmp_path, "all")) == 13


@pytest.mark.parametrize("processes", ["0", "2"])
def test_no_proof_is_begun_when_their_time_is_over_and_the_end_tells_how_to_do_them(
    tmp_path: Path, processes: str
) -> None:
    lines = ran(tmp_path, "1/1", "--proofs-minutes=0.0000001", f"--numprocesses={processes}")
    assert "6 passed, 7 skipped" in lines[-1]
    assert any("7 of the proofs were not begun" in line and "SLICE=1/1" in line for line in lines)
    lines = ran(tmp_path, "1/1", "--proofs-minutes=30", f"--numprocesses={processes}")
    assert "13 passed" in lines[-1]


def test_two_pythons_share_what_is_not_graded_and_each_does_all_the_rest(tmp_path: Path) -> None:
    (tmp_path / "test_graded.py").write_text(
        "import pytest\n\n"
        "@pytest.mark.parametrize('number', range(5))\ndef test_c(number): pass\n\n"
        "@pytest.mark.graded(points=1)\ndef test_g(): pass\n",
        encoding="utf-8",
    )
    halves = [collected(tmp_path, "none", f"--ungraded={half}/2") for half in (1, 2)]
    shared = sorted(name for half in halves for name in half if name.startswith("test_c"))
    assert shared == [f"test_c[{number}]" for number in range(5)]
    assert all("test_g" in half for half in halves)


def test_what_takes_long_begins_first(tmp_path: Path) -> None:
    assert collected(tmp_path, "all")[-1] == "test_light"


@pytest.mark.parametrize(
    ("test", "lab"),
    [
        ("tests/stage1_foundations/cap/test_cap_available.py::test_x", "cap"),
        ("tests/stage5_fault_tolerance/test_raftkv_beside.py::test_x", "raftkv"),
        ("tests/e2e/test_raft_live.py::test_x", "raft"),
        ("tests/common/test_handouts.py::test_x[raftkv-store]", "raftkv"),
        ("tests/common/test_handouts.py::test_x[link]", "link"),
        ("tests/common/test_contract.py::test_x[linked]", None),
    ],
)
def test_a_test_is_about_the_lab_of_its_folder_its_file_or_its_parameter(
    test: str, lab: str | None
) -> None:
    found = lab_of(test, list(Course().labs))
    assert (found.id if found else None) == lab


def test_a_lab_that_takes_too_long_is_told_with_what_took_it() -> None:
    tests = {f"tests/e2e/test_cap.py::test_{n}": Spent(9.0, float(n)) for n in range(1, 6)}
    assert not Account("cap", "its graded suite", 15.0, tests).overdrawn
    told = Account("cap", "its graded suite", 3.0, tests).overdrawn
    assert told.startswith(
        "lab cap: its graded suite takes 15.0 s of processor time and may take 3"
    )
    assert "5.0 s test_cap.py::test_5, 4.0 s test_cap.py::test_4, 3.0 s" in told


def test_what_took_long_only_in_company_is_not_held_against_a_lab() -> None:
    tests = {f"test_cap.py::test_{n}": Spent(9.0, 2.0) for n in range(3)}
    account = Account("cap", "its graded suite", 3.0, tests)
    assert account.overdrawn
    alone = {"test_cap.py::test_0": Spent(1.0, 0.5), "test_cap.py::test_1": Spent(1.0, 3.0)}
    again = least(account, lambda tests: alone)
    assert again.used == 0.5 + 2.0 + 2.0
    assert again.overdrawn
    assert not least(account, lambda tests: dict.fromkeys(tests, Spent(1.0, 1.0))).overdrawn


def test_a_test_is_measured_again_by_its_id() -> None:
    test = "tests/common/test_test_run.py::test_the_slowest_tests_and_the_sums_of_folders_are_told"
    assert measured_alone([test])[test].wall > 0.0


def test_proofs_count_for_no_budget_and_graded_tests_for_their_own() -> None:
    folder = "tests/stage1_foundations/cap"
    all = {
        f"{folder}/test_a.py::test_graded": Spent(1.0, 1.0, graded=True),
        f"{folder}/test_a.py::test_other": Spent(1.0, 2.0),
        "tests/proofs/test_seeds.py::test_x[cap-1]": Spent(1.0, 4.0, proof=True),
    }
    used = {suite.lab: (suite.used, rest.used) for suite, rest in accounts(Course(), all, all)}
    assert used["cap"] == (1.0, 2.0)
    assert used["link"] == (0.0, 0.0)


def test_the_slowest_tests_and_the_sums_of_folders_are_told() -> None:
    times = {f"tests/x/test_a.py::test_{n}": Spent(float(n), 1.0) for n in range(30)}
    lines = list(slowest(times))
    assert len(lines) == 21
    assert lines[1].endswith("test_29")
    assert any(line.split() == ["435.0", "30.0", "30", "tests/x"] for line in by_folder(times))


ENDS_ITS_PROCESS = """
import os
import pytest

@pytest.mark.parametrize("number", range(9))
def test_some(number):
    if number in (3, 6):
        os._exit(1)
"""


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_test_that_ends_its_process_fails_once_and_all_others_are_done(
    tmp_path: Path, processes: str
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "test_some.py").write_text(ENDS_ITS_PROCESS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.spread", "-n", processes]
    command += [f"--rootdir={tmp_path}", "-c", f"{tmp_path}/pytest.ini", str(tmp_path)]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert "2 failed, 7 passed" in ran.stdout.splitlines()[-1], ran.stdout


def test_a_file_whose_tests_share_a_fixture_stays_in_one_process() -> None:
    assert SHARED in (ROOT / "tests/e2e/test_grade.py").read_text(encoding="utf-8")
    assert stays_with(ROOT, "tests/e2e/test_grade.py::test_x") == "tests/e2e/test_grade.py"
    alone = "tests/common/test_handouts.py::test_x[cap]"
    assert stays_with(ROOT, alone) == alone
