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
    said = io.StringIO()
    with TemporaryDirectory() as scratch:
        grades, config = Path(scratch) / "grades.json", Path(scratch) / CONFIG
        config.write_text("[pytest]\n", encoding="utf-8")
        options = [
            f"--rootdir={course.root}", f"--config-file={config}", "--import-mode=importlib",
            f"--grades={grades}", f"--impl={workspace}", "--disable-plugin-autoload",
            "-p", "common.course.suites.grading", "-p", "no:cacheprovider",
            "-p", "no:faulthandler", "--noconftest", "--capture=sys", "--tb=no", "-q",
        ]  # fmt: skip
        files = [os.fspath(course.root / test) for test in tests]
        with chdir(workspace), redirect_stdout(said), redirect_stderr(said):
            pytest.main([*options, *files], plugins=[_Brings(course, lab, grades, told)])
        last = said.getvalue().strip().rpartition("\n")[2].removeprefix("ERROR: ")
        plain: dict[str, Any] = {"tests": [], "problems": [last]}
        if grades.is_file():
            plain = json.loads(grades.read_text(encoding="utf-8"))
    return {
        "tests": [_shown(test, lab) for test in plain["tests"]],
        "problems": [placed(each, lab).to_plain() for each in plain["problems"]],
    }


class _Brings:
    """A plugin that gives the suite this course, and tells of each test."""

    def __init__(self, course: PortableCourse, lab: PortableLab, grades: Path, told: Told) -> None:
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
