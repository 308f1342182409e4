"""The course's secret: seeds that nobody can fit, signatures that nobody can forge."""

import json
from pathlib import Path

import msgspec
import pytest

from common.course.base.course import ROOT, Course
from common.course.command import run
from common.course.kit.gradebook import Gradebook
from common.course.kit.keys import Secret, read_or_make_secret, read_secret
from common.course.kit.marking import Job
from common.course.kit.reports import Forged, LabReport, Mark, read_signed, write_signed
from common.course.suites.suite import SuiteOptions, run_suite
from common.values.errors import BadInput

SECRET = Secret(b"a secret of sixteen bytes or more")
EMPTY = LabReport(student="ada", lab="cap", submission="s", suites="c", judged=True, points=77)
MARK = Mark(test="t.py::test_a", title="A", requirement="r", points=3, verdict="pass")


def test_each_student_and_each_lab_has_seeds_of_its_own_and_always_the_same() -> None:
    keys = {SECRET.seed_key(student, lab) for student in ("ada", "bob") for lab in ("cap", "link")}
    assert len(keys) == 4
    assert SECRET.seed_key("ada", "cap") == SECRET.seed_key("ada", "cap")
    assert SECRET.seed_key("a", "dacap") != SECRET.seed_key("adac", "ap")
    assert Secret(b"another secret of many bytes").seed_key("ada", "cap") not in keys


def test_a_suite_that_fits_the_public_seeds_fails_on_the_derived_ones(tmp_path: Path) -> None:
    """A netem lab that knows what the public seed 18 needs is wrong at almost every other."""
    course = Course()
    lab = course.lab("netem")
    source = (ROOT / "stage1_foundations/netem/roundtrips.py").read_text(encoding="utf-8")
    workspace = tmp_path / "stage1_foundations/netem"
    workspace.mkdir(parents=True)
    cheat = source.replace("def judge_times(", "def _honest_judge_times(", 1) + CHEAT
    (workspace / "roundtrips.py").write_text(cheat, encoding="utf-8")
    test = f"{lab.suite}/test_netem_times.py::{FITTED}"
    fitted = SuiteOptions(impl=tmp_path, seeds=5, tests=(test,))
    assert not run_suite(course, lab, fitted).failed
    key = SECRET.seed_key("mallory", "netem")
    secret = SuiteOptions(impl=tmp_path, seeds=5, tests=(test,), seed_key=key)
    assert run_suite(course, lab, secret).failed


FITTED = "test_round_trips_that_are_as_configured_are_recognised"
CHEAT = """

import sys


def judge_times(*arguments, **options):
    frame = sys._getframe(1)
    while frame is not None and "seed" not in frame.f_locals:
        frame = frame.f_back
    known = frame is not None and frame.f_locals["seed"] <= 1000
    verdict = _honest_judge_times(*arguments, **options)
    return verdict if known else None
"""


def test_reports_are_signed_and_a_change_shows(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_signed(path, {"points": 3}, SECRET)
    assert read_signed(path, SECRET) == {"points": 3}
    path.write_text(path.read_text(encoding="utf-8").replace("3", "4"), encoding="utf-8")
    with pytest.raises(Forged, match="was not signed with this course's secret, or was changed"):
        read_signed(path, SECRET)
    with pytest.raises(BadInput, match="no report of lab grade"):
        read_signed(ROOT / "README.md", SECRET)


def test_a_report_with_a_key_that_is_there_twice_is_none(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_signed(path, {"points": 3}, SECRET)
    text = path.read_text(encoding="utf-8")
    for old, new in (('"points"', '"points": 4, "points"'), ('"report"', '"report": 1, "report"')):
        path.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(BadInput, match="no report of lab grade"):
            read_signed(path, SECRET)


def test_verify_says_yes_no_or_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    secret, made = read_or_make_secret(None)
    assert made is not None
    assert made.stat().st_mode & 0o077 == 0
    book = Gradebook(tmp_path / "reports", secret)
    book.write(EMPTY)
    path = book.path("ada", "cap")
    assert run(["verify", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["student"], told["lab"], told["genuine"]) == ("ada", "cap", True)
    assert run(["verify", str(path), "--key", str(tmp_path / "nowhere")]) == 3
    (tmp_path / "other.key").write_text("another secret of many bytes", encoding="utf-8")
    assert run(["verify", str(path), "--key", str(tmp_path / "other.key")]) == 1


def test_the_secret_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_COURSE_KEY", "a secret of sixteen bytes or more")
    assert read_secret(None).seed_key("ada", "cap") == SECRET.seed_key("ada", "cap")
    monkeypatch.setenv("LAB_COURSE_KEY", "short")
    with pytest.raises(BadInput, match="at least 16 bytes"):
        read_secret(None)


def test_a_report_grows_test_by_test_so_that_a_run_that_dies_has_left_what_it_knew(
    tmp_path: Path,
) -> None:
    book = Gradebook(tmp_path, SECRET)
    book.begin(EMPTY)
    book.add(EMPTY, MARK)
    half = Gradebook(tmp_path, SECRET).read("ada", "cap")
    assert half is not None
    assert (half.tests, half.done, half.earned) == ((MARK,), False, 3)
    job = Job(student="ada", lab="cap", files={}, digest="s", suites="c")
    assert not book.has(job), "it is not finished, so it is graded again"
    book.write(msgspec.structs.replace(EMPTY, done=True, tests=(MARK,)))
    assert book.has(job)
    assert not book.has(Job(student="ada", lab="cap", files={}, digest="new", suites="c"))
    assert book.is_old(Job(student="ada", lab="cap", files={}, digest="s", suites="newer"))
