"""A class of all sorts is graded: nobody's submission stops the others, and the marks are right."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest

from common.course.kit.keys import read_secret
from common.course.kit.reports import lab_report, read_signed
from tests.support import class_of_students as students
from tests.support.lab_command import ROOT, lab

pytestmark = pytest.mark.needs("dask", "bwrap")

LIMIT_SECONDS = 900.0
QUICK = ("--labs", students.LAB.id, "--seeds", "1", "--diagrams", "1")


def report(folder: Path, student: str) -> dict[str, Any]:
    secret = read_secret(folder / "course.key")
    path = folder / "reports" / student / f"{students.LAB.id}.json"
    plain: dict[str, Any] = read_signed(path, secret)
    return plain


def graded(folder: Path, *options: str, code: int = 0) -> dict[str, Any]:
    command = ("grade", "class", "--out", "reports", *QUICK, *options, "--json")
    ran = lab(folder, *command, limit=LIMIT_SECONDS)
    assert ran.returncode == code, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def points(told: dict[str, Any]) -> dict[str, float]:
    return {each["student"]: each["points"] for each in told["students"]}


@pytest.fixture(scope="module")
def all_sorts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("all_sorts")
    there = folder / "class"
    students.handed_in(there, "ada")
    students.wrong(there, "bob")
    students.zipped(there, "zoe")
    students.repository(there, "gil")
    students.flat(there, "kim")
    windows = students.handed_in(there, "windows")
    students.change(windows, "\n", "\r\n")
    students.bad_ones(there)
    (there / "notes.txt").write_text("not a submission", encoding="utf-8")
    return folder, graded(folder)


def test_good_submissions_get_all_points_however_they_were_packed(all_sorts: Any) -> None:
    earned = points(all_sorts[1])
    good = ("ada", "zoe", "gil", "kim", "windows")
    assert {name: earned[name] for name in good} == dict.fromkeys(good, students.POSSIBLE)
    notes = report(all_sorts[0], "kim")["notes"]
    told = f"taken by name alone, for there is no folder {students.LAB.id}"
    assert any(told in note for note in notes)


def test_a_wrong_one_loses_what_it_has_not_solved_with_reasons(all_sorts: Any) -> None:
    folder, told = all_sorts
    assert 0 < points(told)["bob"] < students.POSSIBLE
    failed = [test for test in report(folder, "bob")["tests"] if test["verdict"] == "fail"]
    assert all(test["why"] and test["requirement"] for test in failed)
    assert "notes" not in points(told)


@pytest.mark.parametrize(
    ("student", "says"),
    [
        ("empty", "the submission cannot be tested"),
        ("otherlab", "the submission cannot be tested"),
        ("syntax", f"{students.LAB.id}/{students.FILE}:"),
        ("renamed", students.NAME),
        ("binary", f"{students.LAB.id}/{students.FILE}"),
        ("huge", f"{students.LAB.id}/{students.FILE}"),
        ("cut", "the submission cannot be tested"),
        ("damaged", "damaged.git/objects/"),
    ],
)
def test_what_cannot_work_gets_a_sentence_and_no_points_for_it(
    student: str, says: str, all_sorts: Any
) -> None:
    folder, told = all_sorts
    assert points(told)[student] < students.POSSIBLE
    plain = report(folder, student)
    sentences = [plain["problem"], *plain["notes"], *(test["why"] for test in plain["tests"])]
    assert any(says in sentence for sentence in sentences), sentences
    assert not any("Traceback" in sentence for sentence in sentences)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_everything_is_written_for_people_and_for_programs(all_sorts: Any) -> None:
    folder, told = all_sorts
    reports = folder / "reports"
    rows = table(reports / "scores.csv")
    assert {row["student"]: float(row["total"]) for row in rows} == points(told)
    moodle = table(reports / "moodle.csv")
    assert {row["Full name"]: float(row["Grade"]) for row in moodle} == points(told)
    for student in points(told):
        path = reports / student / students.LAB.id / "results.json"
        results = json.loads(path.read_text("utf-8"))
        assert set(results) <= GRADESCOPE, "Gradescope's schema"
        assert results["score"] == points(told)[student]
        for test in results["tests"]:
            assert set(test) <= GRADESCOPE_TEST
            assert 0 <= test["score"] <= test["max_score"]
            assert test["status"] in ("passed", "failed")
        read_signed(reports / student / "report.json", read_secret(folder / "course.key"))
        page = (reports / student / "report.html").read_text(encoding="utf-8")
        assert "http" not in page.replace("http://www.w3.org/", ""), "it asks for nothing"


def test_no_report_says_where_on_the_machine_something_was(all_sorts: Any) -> None:
    folder, _ = all_sorts
    written = [path for path in (folder / "reports").rglob("*") if path.is_file()]
    assert {path.suffix for path in written} >= {".json", ".csv", ".html"}
    texts = {path.name: path.read_text("utf-8") for path in written}
    assert [name for name, text in texts.items() if gettempdir() in text] == []


GRADESCOPE = {
    "score", "execution_time", "output", "output_format", "test_output_format",
    "test_name_format", "visibility", "stdout_visibility", "extra_data", "tests", "leaderboard",
}  # fmt: skip
GRADESCOPE_TEST = {
    "score", "max_score", "status", "name", "name_format", "number", "output", "output_format",
    "tags", "visibility", "extra_data",
}  # fmt: skip


@pytest.mark.proof
def test_only_what_has_changed_is_graded_again(all_sorts: Any) -> None:
    folder, before = all_sorts
    students.change(folder / "class/bob" / students.LAB.folder, students.WRONG, students.RIGHT)
    told = graded(folder)
    assert points(told)["bob"] == students.POSSIBLE
    refused = sum(
        name in ("empty", "otherlab", "cut", "huge", "damaged") for name in points(before)
    )
    assert told["graded"] <= 1 + refused
    assert told["kept"] >= 8


def start(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "common.course.command", "grade", "class", "--out", "reports"]
    return subprocess.Popen(
        [*command, *QUICK, *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def some_marks(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a report has a mark and is not finished."""
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until:
        for path in folder.glob(f"reports/*/{students.LAB.id}.json"):
            plain = json.loads(path.read_text(encoding="utf-8"))["report"]
            if plain["tests"] and not plain["done"]:
                return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    raise AssertionError("no mark was made")


def running(folder: Path) -> Iterator[int]:
    """Processes that were started for the class in a folder and still run."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "environ").read_bytes()
        except OSError:
            continue
        if f"PWD={folder}\0".encode() in words:
            yield int(place.name)


def class_of_two(folder: Path) -> None:
    students.handed_in(folder / "class", "ada")
    students.wrong(folder / "class", "bob")


@pytest.mark.proof
@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.proof)]
)
def test_a_run_that_is_ended_has_left_its_marks_and_goes_on(
    end: signal.Signals, tmp_path: Path
) -> None:
    class_of_two(tmp_path)
    process = start(tmp_path)
    some_marks(tmp_path, process)
    process.send_signal(end)
    said = process.communicate(timeout=LIMIT_SECONDS)[0].decode()
    assert "Traceback" not in said
    if end is signal.SIGINT:
        assert process.returncode == 130
        assert "interrupted" in said
    for path in tmp_path.glob(f"reports/*/{students.LAB.id}.json"):
        plain = read_signed(path, read_secret(tmp_path / "course.key"))
        assert lab_report(plain, path).points == students.POSSIBLE
    told = graded(tmp_path)
    assert not told["unfinished"]
    assert points(told) == {"ada": students.POSSIBLE, "bob": points(told)["bob"]}


def test_a_full_disk_is_one_sentence_and_what_was_there_stays_whole(tmp_path: Path) -> None:
    class_of_two(tmp_path)
    (tmp_path / "course.key").write_text("a secret of sixteen bytes or more", encoding="utf-8")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
    script = f"{limit}from common.course.command import main\nmain()\n"
    command = [sys.executable, "-c", script, "grade", "class", "--out", "reports", *QUICK]
    here = {"PYTHONPATH": str(ROOT), "COLUMNS": "500", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **here},
        capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS,
    )  # fmt: skip
    assert ran.returncode == 3, ran.stderr
    assert "cannot be written: File too large" in ran.stderr
    for path in tmp_path.glob(f"reports/*/{students.LAB.id}.json"):
        read_signed(path, read_secret(tmp_path / "course.key"))


def test_without_dask_it_is_one_sentence(tmp_path: Path) -> None:
    class_of_two(tmp_path)
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['distributed'] = None\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "common.course.command", "grade", "class", "--out", "reports"]
    ran = subprocess.run(
        [*command, *QUICK], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "COLUMNS": "500"},
    )  # fmt: skip
    assert ran.returncode == 4
    assert "this needs Dask, which is not installed" in ran.stderr


@pytest.mark.proof
def test_a_scheduler_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    class_of_two(tmp_path)
    ran = lab(tmp_path, "grade", "class", "--out", "reports", *QUICK,
              "--scheduler", "tcp://127.0.0.1:9")  # fmt: skip
    assert ran.returncode == 3
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in ran.stderr


def test_a_folder_without_submissions_is_one_sentence(tmp_path: Path) -> None:
    ran = lab(tmp_path, "grade", "nowhere", "--out", "reports")
    assert ran.returncode == 3
    assert "there is no folder nowhere" in ran.stderr
    (tmp_path / "class").mkdir()
    ran = lab(tmp_path, "grade", "class", "--out", "reports")
    assert "class has no submission" in ran.stderr
