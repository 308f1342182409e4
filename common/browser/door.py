"""The one way in: a page asks in JSON, and is answered in JSON.

A question has the lab, the learner's files, and one of five things to do::

    {"lab": "raft", "files": {"stage4_consensus/raft/election.py": "..."}, "run": {"seed": 7}}
    {"lab": "raft", "files": {}, "draw": {"seed": 7}}
    {"lab": "echo", "files": {...}, "test": ["tests/stage1_foundations/echo/test_echo_frames.py"]}
    {"lab": "cap", "files": {...}, "why": "tests/stage1_foundations/cap/test_cap_available.py::..."}
    {"lab": "crdt", "files": {}, "tab": {"name": "page-7f3a", "now": 1200, ...}}

The first line of the answer is an object; to ``run`` and ``why`` the lines of a trace follow.
A ``tab`` is a member of the lab that lives in this page, among those in other pages: what happens
to it is said turn by turn (``LAB/front/tab.py``).
"""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.browser.course import PortableCourse, PortableLab
from common.browser.mistakes import Mistake, mistake
from common.browser.overlay import LearnersFiles
from common.browser.running import Settings, declared, drawn, run, with_trace


def _nobody(_: str) -> None:
    """Hears of nothing."""


class Door:
    """Answers questions about the course in a folder.

    Args:
        root: where the bundle was unpacked.
        folder: where the learner's files are put.
    """

    def __init__(self, root: str, folder: str) -> None:
        self.course = PortableCourse(Path(root))
        self.files = LearnersFiles(Path(folder), self.course)
        self.tab: Any = None

    def answer(self, text: str, told: Callable[[str], object] = _nobody) -> str:
        """Answer one question.

        Args:
            text: the question.
            told: hears of each test when it ends, as JSON.
        """
        asked: dict[str, Any] = json.loads(text)
        lab = None
        try:
            lab = self.course.lab(asked["lab"])
            return self._do(lab, asked, told)
        except Exception as error:  # whatever a learner's code may raise
            return _refused(mistake(error, self.course, lab))

    def _do(self, lab: PortableLab, asked: dict[str, Any], told: Callable[[str], object]) -> str:
        self.files.lay(asked["files"])
        match asked:
            case {"run": settings}:
                return self._run(lab, Settings.from_plain(settings))
            case {"draw": settings}:
                faults = drawn(declared(lab, self.files), Settings.from_plain(settings))
                return json.dumps({"faults": faults})
            case {"test": tests}:
                return self._test(lab, tests, told)
            case {"why": test}:
                return self._test(lab, test, told)
            case {"tab": turn}:
                return self._turn(lab, turn)
        return _refused(Mistake("a question is one of run, draw, test, why and tab"))

    def _run(self, lab: PortableLab, settings: Settings) -> str:
        ran = run(self.course, lab, self.files, settings)
        return with_trace(ran.to_plain(), ran.trace)

    def _turn(self, lab: PortableLab, turn: dict[str, Any]) -> str:
        """Let the member of a lab that lives in this page take one turn; the first one makes it."""
        if self.tab is None:
            front = importlib.import_module(f"{lab.package}.front.tab")
            self.tab = front.Tab(turn["name"], turn["now"])
        return json.dumps(self.tab.turn(turn), ensure_ascii=False)

    def _test(self, lab: PortableLab, tests: list[str] | str, told: Callable[[str], object]) -> str:
        """Run files of tests, or find out why one test fails."""
        importlib.invalidate_caches()  # pytest may have been unpacked just now
        from common.browser.testing import explain, run_tests  # takes long, not every page needs it

        self.files.forget_modules()  # a suite imports the learner's files by itself
        self.files.take_off()
        try:
            if isinstance(tests, str):
                facts, trace = explain(self.course, lab, self.files.folder, tests)
                return with_trace(facts, trace)
            graded = run_tests(self.course, lab, self.files.folder, tests, told)
            return json.dumps(graded, ensure_ascii=False)
        finally:
            self.files.forget_modules()
            self.files.take_off()


def _refused(told: Mistake) -> str:
    return json.dumps({"mistake": told.to_plain()}, ensure_ascii=False)
