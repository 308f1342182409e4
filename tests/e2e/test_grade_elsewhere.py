"""Marks outside of our own machine: Gradescope's container layout, and a page in a browser."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.course.base.course import ROOT, Course
from common.course.kit.course_file import default_course_file
from common.course.kit.page import StudentPage
from common.course.kit.reports import LabReport, Mark
from common.course.kit.scoring import score
from common.trace.viewer.page import MAX_EVENTS
from tests.e2e.test_grade import GRADESCOPE, GRADESCOPE_TEST
from tests.support import class_of_students as students
from tests.support.lab_command import lab
from tests.support.viewer_traces import election

LIMIT_SECONDS = 900.0
RULES = f"""\
title: t
points: 10
labs:
  - {{id: {students.LAB.id}, weight: 10, hidden: ["test_all_show_the_same_posts*"]}}
"""


def autograder(folder: Path) -> Path:
    """What Gradescope makes of our zip: its folders, filled as its documentation says."""
    (folder / "course.yaml").write_text(RULES, encoding="utf-8")
    options = ("--course", "course.yaml", "--seeds", "1")
    made = lab(folder, "gradescope", students.LAB.id, "lab.zip", *options)
    assert made.returncode == 0, made.stderr
    base = folder / "autograder"
    for name in ("source", "submission", "results"):
        (base / name).mkdir(parents=True)
    with zipfile.ZipFile(folder / "lab.zip") as archive:
        archive.extractall(base / "source")
    shutil.move(base / "source/run_autograder", base / "run_autograder")
    (base / "run_autograder").chmod(0o755)
    (base / "venv").symlink_to(sys.prefix, target_is_directory=True)
    metadata = {"users": [{"email": "bob@example.org", "name": "Bob"}]}
    (base / "submission_metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    return base


def run(base: Path) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(base / "run_autograder")],
        cwd="/", env=environment, capture_output=True, text=True, check=False,
        timeout=LIMIT_SECONDS,
    )  # fmt: skip


@pytest.mark.needs("bwrap")
def test_gradescope_gets_results_of_its_schema_and_hidden_tests_stay_hidden(tmp_path: Path) -> None:
    base = autograder(tmp_path)
    room = students.wrong(tmp_path, "bob")
    shutil.copytree(room, base / "submission" / students.LAB.folder)
    ran = run(base)
    assert ran.returncode == 0, ran.stderr
    results: dict[str, Any] = json.loads((base / "results/results.json").read_text("utf-8"))
    assert set(results) <= GRADESCOPE
    assert all(set(test) <= GRADESCOPE_TEST for test in results["tests"])
    assert 0 < results["score"] < 10
    hidden = [test for test in results["tests"] if test["visibility"] == "after_published"]
    assert hidden
    assert all(not test["output"] for test in hidden)
    assert not any("same posts" in test["name"] for test in hidden)
    assert sum(test["score"] for test in results["tests"]) == pytest.approx(
        results["score"], abs=0.05
    )


def test_gradescope_gets_a_sentence_for_a_submission_with_nothing_in_it(tmp_path: Path) -> None:
    base = autograder(tmp_path)
    ran = run(base)
    assert ran.returncode == 0, ran.stderr
    results = json.loads((base / "results/results.json").read_text("utf-8"))
    assert results["score"] == 0
    assert "the submission cannot be tested" in results["output"]


def test_the_zip_is_the_same_for_the_same_course_and_has_no_course_secret(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        assert lab(tmp_path, "gradescope", students.LAB.id, name).returncode == 0
    one, two = ((tmp_path / name).read_bytes() for name in ("one.zip", "two.zip"))
    assert one == two
    secret = (tmp_path / "course.key").read_bytes().strip()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        names = archive.namelist()
        assert {"setup.sh", "run_autograder", "settings.json"} <= set(names)
        assert not any("tests/mutants" in name or "tests/attacks" in name for name in names)
        assert not any(secret in archive.read(name) for name in names)


def test_the_scripts_and_the_workflow_are_well_formed() -> None:
    templates = ROOT / "common/course/kit/templates"
    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", str(templates / name)], check=True)
    workflow = yaml.safe_load((ROOT / ".github/workflows/classroom.yml").read_text("utf-8"))
    called = workflow[True]["workflow_call"]  # YAML 1.1 reads the key "on" as true
    assert {"labs", "course", "ref"} == set(called["inputs"])
    assert "lab grade submissions" in str(workflow["jobs"]["grade"]["steps"])


def page(folder: Path) -> Path:
    marks = (
        Mark(test="f.py::test_a_leader_is_elected", title="A leader", requirement="5.2", points=3,
             verdict="fail", why="found <none>, expected n1", replay="lab replay raft x"),
        Mark(test="f.py::test_b", title="B", requirement="r", points=2, verdict="pass"),
        Mark(test="f.py::test_c", title="C", requirement="r", points=2, verdict="unknown", why="u"),
    )  # fmt: skip
    report = LabReport(student="<script>alert(1)</script>", lab="raft", submission="1", suites="2",
                       judged=True, points=7, done=True, tests=marks)  # fmt: skip
    course = Course()
    rules = default_course_file([course.lab("raft")])
    made = score(report.student, rules, {"raft": report}, {}, {})
    lines = "\n".join(election())
    text = StudentPage(made, rules, lambda lab, test: lines if "leader" in test else None,
                       lambda lab: course.lab(lab).title).build()  # fmt: skip
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.needs("browser")
def test_the_page_shows_points_sentences_and_a_diagram_and_asks_for_nothing(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    path = page(tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        shown = browser.new_page(viewport={"width": 390, "height": 800})
        complaints: list[str] = []
        requests: list[str] = []
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.on("dialog", lambda dialog: complaints.append(dialog.message))
        shown.on("request", lambda request: requests.append(request.url))
        shown.goto(path.as_uri())
        words = shown.inner_text("main")
        assert "found <none>, expected n1" in words
        assert "<script>alert(1)</script>" in words
        assert "not decided, 2 points" in words
        assert not shown.query_selector(".diagram svg.stv-svg")
        shown.click("details[data-trace] summary")
        shown.wait_for_selector(".diagram svg.stv-svg")
        wide = shown.evaluate("document.documentElement.scrollWidth - innerWidth")
        browser.close()
    assert wide <= 0, "it fits a telephone"
    assert complaints == []
    assert requests == [path.as_uri()]
    assert MAX_EVENTS > 4_000, "a diagram of a page is shorter than one by itself"
