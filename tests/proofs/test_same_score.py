"""A score is a function of code and seed: again and again, and with the machine busy."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.kit.keys import Secret
from common.course.kit.marking import Job, Marked, mark, suites_digest
from common.course.kit.submissions import Submission, receive
from common.course.suites.suite import SuiteOptions, run_suite
from tests.support import class_of_students as students
from tests.support import half

pytestmark = [pytest.mark.proof, pytest.mark.needs("bwrap")]

TIMES = 200
SEEDS = 3
ONLY = "in_the_same_order or before_what_it_answers or lesser_name or by_everybody_in_the_end"
"""Some tests that fail and some that pass: 200 times all of them would take minutes."""
PLUGIN = "tests.support.again"
BURN = "while True: pass"
SECRET = Secret(b"a secret of sixteen bytes or more")


@contextmanager
def busy_machine(processes: int = 4) -> Iterator[None]:
    """Processes that want all the time there is: twice as many as this machine has cores."""
    with ExitStack() as stack:
        for _ in range(processes):
            burner = stack.enter_context(subprocess.Popen([sys.executable, "-c", BURN]))
            stack.callback(burner.kill)
        yield


def job(folder: Path, student: str, lab: str) -> Job:
    course = Course()
    of = course.lab(lab)
    accepted = receive(Submission(student, folder / student), course, [of]).accepted[lab]
    return Job(
        student=student, lab=lab, files=accepted.files, digest=accepted.digest,
        suites=suites_digest(course), seed_key=SECRET.seed_key(student, lab), seeds=2, diagrams=0,
    )  # fmt: skip


def told(marked: Marked) -> list[tuple[str, str, str, str]]:
    return [(each.test, each.verdict, each.why, each.replay) for each in marked.report.tests]


def test_a_judged_score_with_its_sentences_is_the_same_on_a_busy_machine(tmp_path: Path) -> None:
    students.wrong(tmp_path, "bob")
    wanted = job(tmp_path, "bob", students.LAB.id)
    calm = mark(wanted, lambda _: None)
    with busy_machine(), ThreadPoolExecutor(2) as pool:
        busy = list(pool.map(lambda _: mark(wanted, lambda _: None), range(2)))
    assert {each.verdict for each in calm.report.tests} == {"pass", "fail"}
    assert [told(each) for each in busy] == [told(calm), told(calm)]


def test_the_same_seed_gives_the_same_score_two_hundred_times_in_a_row(tmp_path: Path) -> None:
    """The graded tests of a wrong chat, each as often in one process: nothing may be left over
    from one run that changes the next."""
    students.wrong(tmp_path, "bob")
    course = Course()
    lab = students.LAB
    key = SECRET.seed_key("bob", lab.id)
    ends = tmp_path / "ends.json"
    more = ("-p", PLUGIN, f"--again={TIMES}", f"--ends={ends}")
    options = SuiteOptions(impl=tmp_path / "bob", seeds=1, seed_key=key, only=ONLY, more=more)
    run_suite(course, lab, options)
    told = json.loads(ends.read_text(encoding="utf-8"))
    assert {times for times, _ in told.values()} == {TIMES}
    assert [test for test, (_, ways) in told.items() if len(ways) != 1] == []
    assert {ways[0].partition(":")[0] for _, ways in told.values()} == {"passed", "failed"}


@pytest.mark.parametrize("lab", Course().labs, ids=lambda lab: lab.id)
def test_a_reference_has_the_same_verdicts_in_any_process_and_behind_the_judges_pipes(
    lab: Lab,
) -> None:
    """There it keeps to half of what a submission may write."""
    course = Course()
    options = SuiteOptions(seeds=SEEDS, seed_key=SECRET.seed_key("a reference", lab.id))
    behind_pipes = replace(options, judged=True, seeds=1, more=("-p", half.__name__))
    ways = (options, options, behind_pipes)
    runs = [run_suite(course, lab, way) for way in ways]
    for run in runs:
        assert [f"{test.name}: {test.why}" for test in run.failed] == []
        assert run.earned == run.possible == lab.points
