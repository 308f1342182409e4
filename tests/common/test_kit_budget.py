"""What a submission may use: counted while it runs, ended when it is used up, and told in words."""

import csv
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.contract import Start
from common.course.base import limits
from common.course.base.course import ROOT, Course
from common.course.judge import apart, channel, confined, spending
from common.course.judge.nodes import NodeFailure
from common.course.judge.sandbox import PYTHON, Limits, start
from common.course.kit import watch
from common.course.kit.course_file import LabInCourse, default_course_file
from common.course.kit.exports import gradescope_results, scores_csv
from common.course.kit.marking import Job, mark, suites_digest
from common.course.kit.page import StudentPage
from common.course.kit.reports import LabReport, Mark
from common.course.kit.scoring import score
from tests.support import class_of_students as students
from tests.support.judging import judged, needs_a_sandbox, script

MOST_SECONDS = 600.0
"""One hostile submission in one lab takes less, with default settings."""

BURNS = """

from common.contract.events import Invoke


def step(self, event, before=OrderedChat.step):
    for _ in range(30_000_000 if isinstance(event, Invoke) else 0):
        pass
    return before(self, event)


OrderedChat.step = step
"""
"""Right answers, after seconds of the processor in each life."""


def job(folder: Path, student: str, budget: float) -> Job:
    room = folder / student / students.LAB.folder
    files = {students.LAB.path(path.name): path.read_bytes() for path in room.iterdir()}
    return Job(
        student=student, lab=students.LAB.id, files=files, digest="", seeds=1, diagrams=2,
        suites=suites_digest(Course()), budget=budget,
    )  # fmt: skip


def test_the_processor_time_of_a_sandbox_is_counted_while_it_lives_and_when_it_was_killed() -> None:
    needs_a_sandbox()
    before = spending.spent()
    code = "import os\nfor _ in range(2): os.fork()\nprint(flush=True)\nwhile True: pass"
    with start([PYTHON, "-I", "-c", code], files={}, limits=Limits()) as running:
        running.stdout.readline()
        until = time.monotonic() + 60
        while spending.spent() - before < 1 and time.monotonic() < until:
            time.sleep(0.05)
    assert spending.spent() - before >= 1


@pytest.mark.proof
def test_a_submission_that_burns_the_processor_is_ended_soon_after_its_budget(
    tmp_path: Path,
) -> None:
    needs_a_sandbox()
    room = students.handed_in(tmp_path, "bo")
    with (room / students.FILE).open("a", encoding="utf-8") as file:
        file.write(BURNS)
    wanted = job(tmp_path, "bo", budget=8)
    mark(job(tmp_path, "bo", budget=0.001), lambda _: None)  # the judge itself was tried by then
    began = time.monotonic()
    report = mark(wanted, lambda _: None).report
    to_start = 30  # a process, on a busy machine
    assert time.monotonic() - began < 8 * limits.WALL_FACTOR + watch.GRACE_SECONDS + to_start
    assert len(report.tests) == len(students.LAB.tests)
    unknown = [each for each in report.tests if each.verdict == "unknown"]
    assert unknown, "eight seconds are too few for it"
    assert all(each.why.startswith("unknown: out of budget: ") for each in unknown)
    assert {each.verdict for each in report.tests} <= {"pass", "unknown"}
    assert report.problem == ""


def test_what_does_not_answer_has_hung_and_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "ANSWER_SECONDS", 1)
    with judged("echo", script(tmp_path / "w", "sleep 60")) as lab:
        node = lab.Echo("n1", ("c1",))
        with pytest.raises(NodeFailure, match="it did not answer within 1 s") as silent:
            node.step(Start(0, {}))
    assert silent.value.verdict == "hung"
    with judged("echo", script(tmp_path / "x", "exit 1")) as lab:
        node = lab.Echo("n1", ("c1",))
        with pytest.raises(NodeFailure, match="it ended before it answered") as ended:
            node.step(Start(0, {}))
    assert ended.value.verdict == "fail"


HANGS = """
import time

from common.course.suites.grading import graded

LAB = "clocks"


@graded(points=1, title="t", requirement="r")
def test_one():
    pass


@graded(points=1, title="t", requirement="r")
def test_two():
    {waits}


@graded(points=1, title="t", requirement="r")
def test_three():
    pass
"""
STUCK = "import re; re.match('(a*)*b', 'a' * 60)"
"""No signal gets a word in."""


@pytest.mark.parametrize(
    ("waits", "verdicts"),
    [
        ("time.sleep(60)", ["pass", "unknown", "unknown"]),
        (STUCK, ["pass"]),
    ],
)
def test_a_test_that_runs_past_the_end_is_ended(
    waits: str, verdicts: list[str], tmp_path: Path
) -> None:
    (tmp_path / "test_x.py").write_text(HANGS.format(waits=waits), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    quick = f"import {watch.__name__} as watch\nwatch.GRACE_SECONDS = 5.0\n"
    (tmp_path / "quick.py").write_text(quick, encoding="utf-8")
    grades = tmp_path / "grades.json"
    command = [sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload", "-p",
               "common.course.suites.grading", "-p", "quick", "-p", watch.__name__, "--wall=2",
               f"--grades={grades}", str(tmp_path)]  # fmt: skip
    path = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    ran = subprocess.run(command, env=path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    from common.course.suites.suite import read_grades

    tests = read_grades(students.LAB, grades, "").tests
    assert [each.verdict for each in tests] == verdicts
    for each in tests[1:]:
        assert each.why.startswith("unknown: out of budget: this submission has used up the 2 sec")


def test_no_file_that_a_suite_writes_gets_longer_than_it_may(tmp_path: Path) -> None:
    """The trace of a run in which megabytes are sent to thousands would fill the disk."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    text = "def test_it(tmp_path):\n    (tmp_path / 'big').open('wb').truncate({most} + 1)\n"
    text = text.format(most=watch.MOST_FILE_BYTES)
    (tmp_path / "test_x.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload", "-p",
               watch.__name__, str(tmp_path)]  # fmt: skip
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, env=path, capture_output=True, text=True, check=False)
    assert "File too large" in ran.stdout, ran.stdout + ran.stderr


def test_the_worst_submission_takes_less_than_ten_minutes_with_default_settings() -> None:
    assert limits.WALL_FACTOR <= 3
    assert LabInCourse(id="cap", weight=1.0).budget == limits.BUDGET_SECONDS
    to_take_in = apart.LIMITS.wall_seconds
    suite_and_diagrams = limits.BUDGET_SECONDS * limits.WALL_FACTOR
    to_end = watch.GRACE_SECONDS + confined.KILL_SECONDS
    assert to_take_in + suite_and_diagrams + to_end <= MOST_SECONDS
    assert watch.ANSWER_SECONDS < watch.WAIT_SECONDS < suite_and_diagrams


@pytest.mark.needs("dask")  # with it comes the engine of the page's template
def test_what_hung_and_what_is_not_known_is_never_called_a_failure() -> None:
    course = Course()
    rules = default_course_file([students.LAB])
    verdicts = {"pass": "", "fail": "found 1, expected 2", "hung": "it did not answer within 60 s",
                "unknown": "unknown: out of budget: nothing was left"}  # fmt: skip
    marks = tuple(
        Mark(test=f"f.py::test_{way}", title=way, requirement="r", points=1, verdict=way, why=why)
        for way, why in verdicts.items()
    )
    report = LabReport(student="ada", lab="clocks", submission="1", suites="2", judged=True,
                       points=4, done=True, tests=marks)  # fmt: skip
    made = score("ada", rules, {"clocks": report}, {}, {})
    (row,) = csv.DictReader(io.StringIO(scores_csv([made], rules)))
    assert row["undecided"] == "clocks: 1 hung, 1 not decided"
    labs = made.to_plain()["labs"]
    assert isinstance(labs, dict)
    assert labs["clocks"]["verdicts"] == {"pass": 1, "fail": 1, "hung": 1, "unknown": 1}
    results = gradescope_results(made.labs[0], rules)["tests"]
    assert isinstance(results, list)
    assert [each["name"].rpartition(": ")[2] for each in results] == [
        "pass", "fail", "hung (hung)", "unknown (not decided)",
    ]  # fmt: skip
    assert results[2]["output"].startswith("hung: it did not answer within 60 s")
    assert results[3]["output"].startswith("unknown: out of budget: nothing was left")
    page = StudentPage(made, rules, lambda lab, test: None, lambda id: course.lab(id).title).build()
    for words in ("(failed, 1 point)", "(hung, 1 point)", "(not decided, 1 point)"):
        assert page.count(words) == 1
    assert "1 hung, 1 not decided" in page
