"""One student's page: points, sentences and diagrams, in one file that works offline.

The template is Jinja2's, which escapes whatever is put into it: students choose their names and the
words of their errors. Only the viewer's own script and style, and traces, go in as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from common.course.kit.course_file import CourseFile
from common.course.kit.reports import VERDICTS, Mark
from common.course.kit.scoring import LabScore, Score
from common.course.student.parts import NOT_WRITTEN
from common.trace.viewer.page import in_page, script, style
from common.values.errors import MissingTool

MAX_EVENTS = 4_000
"""Events of a diagram on this page; ``lab replay`` draws all of them."""

FindTrace = Callable[[str, str], str | None]
"""The recorded failure of a lab's test, if there is one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A test on the page.

    Attributes:
        mark: how it ended.
        hidden: whether it is not handed out: then the page has its title alone.
        trace: the number of its diagram, or None.
    """

    mark: Mark
    hidden: bool
    trace: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A lab on the page: its score and its tests.

    Attributes:
        score: the lab's.
        title: the lab's.
        others: the tests that did not pass, but for those below.
        unwritten: those that fail because a hole of the handout is still open, if there are
            several: they share one line.
        passed: the tests that passed.
    """

    score: LabScore
    title: str
    others: list[Shown]
    unwritten: list[Shown]
    passed: list[Shown]


@dataclass(frozen=True, slots=True)
class Diagram:
    """A recorded failure: its title, and lines that no browser takes for tags."""

    title: str
    lines: str


class StudentPage:
    """Builds the page.

    Args:
        score: the student's marks.
        course: the rubric.
        find_trace: where the recorded failures are.
        about: a lab's title by its id.
    """

    def __init__(
        self, score: Score, course: CourseFile, find_trace: FindTrace, about: Callable[[str], str]
    ) -> None:
        self._score = score
        self._course = course
        self._find = find_trace
        self._about = about
        self._diagrams: list[Diagram] = []

    def build(self) -> str:
        """The HTML file. Raises: MissingTool, where the template engine is not installed."""
        labs = [self._section(lab) for lab in self._score.labs]
        page: str = _template().render(
            score=self._score,
            course=self._course.title,
            labs=labs,
            diagrams=self._diagrams,
            verdicts=VERDICTS,
            style=_part("student.css"),
            viewer_style=style() if self._diagrams else "",
            viewer_script=script(exported=False) if self._diagrams else "",
        )
        return page

    def _section(self, lab: LabScore) -> Section:
        tests = lab.report.tests
        passed = [mark for mark in tests if mark.verdict == "pass"]
        unwritten = [mark for mark in tests if mark.said.startswith(NOT_WRITTEN)]
        folded = unwritten if len(unwritten) > 1 else []
        others = [mark for mark in tests if mark.verdict != "pass" and mark not in folded]
        return Section(
            score=lab,
            title=self._about(lab.lab),
            others=[self._shown(lab, mark) for mark in others],
            unwritten=[self._shown(lab, mark, drawn=False) for mark in folded],
            passed=[self._shown(lab, mark, drawn=False) for mark in passed],
        )

    def _shown(self, lab: LabScore, mark: Mark, drawn: bool = True) -> Shown:
        hidden = self._course.by_id[lab.lab].is_hidden(mark.name)
        lines = self._find(lab.lab, mark.test) if drawn and not hidden else None
        if lines is None:
            return Shown(mark, hidden)
        kept = in_page(lines.split("\n"), MAX_EVENTS)
        self._diagrams.append(Diagram(f"{lab.lab}: {mark.sentence}", kept))
        return Shown(mark, hidden, len(self._diagrams) - 1)


def _template() -> Any:
    """The page's template, with everything escaped that is put into it."""
    try:
        import jinja2
    except ModuleNotFoundError:
        raise MissingTool(
            "this needs Jinja2, which is not installed: in the course's folder, run "
            "make .venv/.grade, or pip install -e '.[grade]'"
        ) from None
    engine = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    engine.filters["short"] = "{:g}".format
    return engine.from_string(_part("student.html"))


def _part(name: str) -> str:
    return files("common.course.kit").joinpath("templates", name).read_text("utf-8")
