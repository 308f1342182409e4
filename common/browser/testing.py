"""The graded tests of one part of a lab, by the same pytest plugin as ``lab test``.

This file is imported when somebody tests: pytest takes a second to start in a browser.
"""

import io
import json
import os
from collections.abc import Callable, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

from common.browser.course import PortableCourse, PortableLab
from common.browser.mistakes import placed
from common.course.suites.grading import COURSE

CONFIG = "playground.ini"
"""A configuration without anything: the course's own asks for plugins that are not here."""

Told = Callable[[str], object]
"""What is called with each test that has ended, as JSON."""


def run_tests(
    course: PortableCourse, lab: PortableLab, workspace: Path, tests: Sequence[str], told: Told
) -> dict[str, Any]:
    """Run files of a lab's graded suite on a learner's files; no module of a lab is imported yet.

    Args:
        course: the course.
        lab: whose suite it is.
        workspace: the learner's folder.
        tests: the files, relative to the course.
        told: hears of each test when it ends.

    Returns:
        For JSON: the tests, each as ``lab test`` knows it, and what kept files from being read.
    """
    with TemporaryDirectory() as scratch:
        grades = Path(scratch) / "grades.json"
        brings = _Brings(course, lab, grades, told)
        said = _pytest(course, workspace, tests, brings, f"--grades={grades}")
        plain: dict[str, Any] = {"tests": [], "problems": [said]}
        if grades.is_file():
            plain = json.loads(grades.read_text(encoding="utf-8"))
    return {
        "tests": [_shown(test, lab) for test in plain["tests"]],
        "problems": [placed(each, lab).to_plain() for each in plain["problems"]],
    }


def explain(
    course: PortableCourse, lab: PortableLab, workspace: Path, test: str
) -> tuple[dict[str, Any], str]:
    """Find out why a test fails, as ``lab why`` does; arguments as above.

    Returns:
        For JSON: the sentence, the story, which event cannot be right (from 1; 0 for none), how
        many faults there were and how many it takes. And the trace, "" where nothing was simulated.
    """
    with TemporaryDirectory() as scratch:
        found = Path(scratch) / "why.json"
        _pytest(course, workspace, [test], _Brings(course, lab), f"--why={found}", *_WHY)
        if not found.is_file():
            return _no_story("the test did not begin: its own sentence says why"), ""
        facts: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
        if not facts["fails"]:
            return _no_story("it passes now"), ""
        trace = found.with_suffix(".jsonl").read_text(encoding="utf-8") if facts["trace"] else ""
    shown = {
        "why": placed(facts["why"], lab).to_plain(),
        "story": facts["story"],
        "event": facts["wrong"]["number"] if trace else 0,
        "faults": len(facts["faults"]),
        "faults_at_first": facts["faults_at_first"],
    }
    return shown, trace


def _no_story(sentence: str) -> dict[str, Any]:
    return {"why": placed(sentence, None).to_plain(), "story": [], "event": 0}


_WHY = ("-p", "common.course.why.plugin")


def _pytest(
    course: PortableCourse,
    workspace: Path,
    tests: Sequence[str],
    brings: "_Brings",
    *more: str,
) -> str:
    """Run tests on the learner's files; returns the last line that pytest said."""
    said = io.StringIO()
    with TemporaryDirectory() as scratch:
        config = Path(scratch) / CONFIG
        config.write_text("[pytest]\n", encoding="utf-8")
        options = [
            f"--rootdir={course.root}", f"--config-file={config}", "--import-mode=importlib",
            f"--impl={workspace}", "--disable-plugin-autoload", "--noconftest", "--capture=sys",
            "-p", "common.course.suites.grading", "-p", "no:cacheprovider",
            "-p", "no:faulthandler", "--tb=no", "-q",
        ]  # fmt: skip
        files = [os.fspath(course.root / test) for test in tests]
        with chdir(workspace), redirect_stdout(said), redirect_stderr(said):
            pytest.main([*options, *more, *files], plugins=[brings])
    return said.getvalue().strip().rpartition("\n")[2].removeprefix("ERROR: ")


class _Brings:
    """A plugin that gives the suite this course, and tells of each test."""

    def __init__(
        self,
        course: PortableCourse,
        lab: PortableLab,
        grades: Path | None = None,
        told: Told | None = None,
    ) -> None:
        self._course = course
        self._lab = lab
        self._grades = grades
        self._told = told

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Come before the suites' plugin, which would look for manifests."""
        config.stash[COURSE] = cast("Any", self._course)

    def pytest_runtest_logfinish(self) -> None:
        """A test has ended, and its grade is written."""
        if self._grades is None or self._told is None:
            return
        tests = json.loads(self._grades.read_text(encoding="utf-8"))["tests"]
        self._told(json.dumps(_shown(tests[-1], self._lab), ensure_ascii=False))


def _shown(test: dict[str, Any], lab: PortableLab) -> dict[str, Any]:
    """A grade with its sentence as a page shows it, and the learner's line that it names."""
    found = placed(test["why"], lab)
    replay = test["replay"].partition(" --impl ")[0]  # a folder that nobody has
    return test | {
        "why": found.sentence,
        "replay": replay,
        "file": found.file,
        "line": found.line,
    }
