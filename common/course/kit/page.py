"""One student's page: points, sentences and diagrams, in one file that works offline."""

from collections.abc import Callable
from html import escape
from importlib.resources import files
from string import Template

from common.course.kit.course_file import CourseFile
from common.course.kit.reports import VERDICTS, Mark
from common.course.kit.scoring import LabScore, Score
from common.trace.viewer.page import script, style

MAX_EVENTS = 4_000
"""Events of a diagram on this page; ``lab replay`` draws all of them."""

FindTrace = Callable[[str, str], str | None]
"""The recorded failure of a lab's test, if there is one."""


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
        self._traces: list[str] = []

    def build(self) -> str:
        """The HTML file."""
        labs = "\n".join(self._lab(lab) for lab in self._score.labs)
        body = f"{self._head()}\n{labs}\n{self._foot()}"
        return Template(_template("student.html")).substitute(
            title=escape(f"{self._score.student}: {self._course.title}"),
            style=_template("student.css"),
            viewer_style=style() if self._traces else "",
            viewer_script=script().replace("export { mountTrace };", "") if self._traces else "",
            body=body,
            traces="\n".join(self._traces),
        )

    def _head(self) -> str:
        score = self._score
        rows = "\n".join(
            f'<tr><td><a href="#{escape(lab.lab)}">{escape(self._about(lab.lab))}</a></td>'
            f"<td>{_bar(lab.total, lab.weight)}</td>"
            f'<td class="number">{lab.total:g} of {lab.weight:g}</td></tr>'
            for lab in score.labs
        )
        return (
            f'<p class="quiet">{escape(self._course.title)}</p>'
            f"<h1>{escape(score.student)}</h1>"
            f'<p><span class="total">{score.total:g}</span> of {score.points:g} points</p>'
            f"<table><tr><th>lab</th><th></th><th class='number'>points</th></tr>{rows}</table>"
        )

    def _lab(self, lab: LabScore) -> str:
        report = lab.report
        passed = [mark for mark in report.tests if mark.verdict == "pass"]
        others = [mark for mark in report.tests if mark.verdict != "pass"]
        parts = [f'<section id="{escape(lab.lab)}"><h2>{escape(self._about(lab.lab))}</h2>']
        parts.append(f"<p>{escape(_sum(lab))}</p>")
        if not report.judged:
            parts.append('<p class="fail">Not judged in a sandbox: these marks can be forged.</p>')
        if not report.done:
            parts.append('<p class="unknown-mark">Not finished: grade again to finish it.</p>')
        if report.problem:
            parts.append(f'<div class="box"><p>{escape(report.problem)}</p></div>')
        parts += [f'<p class="quiet">{escape(note)}</p>' for note in report.notes]
        if len(lab.rows) > 1:
            parts.append(_rubric(lab))
        parts += [self._failed(lab, mark) for mark in others]
        if passed:
            items = "".join(f"<li>{self._named(lab, mark)}</li>" for mark in passed)
            parts.append(
                f'<details><summary class="pass">{len(passed)} tests passed</summary>'
                f'<ul class="passed-tests">{items}</ul></details>'
            )
        return "\n".join([*parts, "</section>"])

    def _failed(self, lab: LabScore, mark: Mark) -> str:
        hidden = self._course.by_id[lab.lab].is_hidden(mark.name)
        kind = "unknown" if mark.undecided else "failed"
        css = "unknown-mark" if mark.undecided else "fail"
        worth = (
            f"{VERDICTS[mark.verdict]}, {mark.points} {'point' if mark.points == 1 else 'points'}"
        )
        parts = [
            f'<div class="box {kind}">',
            f'<h3>{self._named(lab, mark)} <span class="{css}">({worth})</span></h3>',
        ]
        if hidden:
            parts.append('<p class="quiet">This test is not handed out.</p>')
        else:
            parts.append(f"<p>{escape(mark.said)}</p>")
            if mark.requirement:
                parts.append(f'<p class="quiet">It checks: {escape(mark.requirement)}</p>')
            if mark.replay:
                parts.append(f"<p><code>{escape(mark.replay)}</code></p>")
            parts.append(self._diagram(lab, mark))
        return "\n".join([*parts, "</div>"])

    def _named(self, lab: LabScore, mark: Mark) -> str:
        if self._course.by_id[lab.lab].is_hidden(mark.name):
            return escape(mark.title)
        return f'{escape(mark.title)}: <span class="quiet">{escape(mark.sentence)}</span>'

    def _diagram(self, lab: LabScore, mark: Mark) -> str:
        lines = self._find(lab.lab, mark.test)
        if lines is None:
            return ""
        kept = "\n".join(lines.splitlines()[: MAX_EVENTS + 1]).replace("<", "\\u003c")
        name = f"trace-{len(self._traces)}"
        title = escape(f"{lab.lab}: {mark.sentence}")
        self._traces.append(
            f'<script type="application/jsonl" id="{name}" data-title="{title}">\n{kept}\n</script>'
        )
        return (
            f'<details data-trace="{name}"><summary>What happened, as a diagram</summary>'
            '<div class="diagram"></div></details>'
        )

    def _foot(self) -> str:
        digests = ", ".join(f"{lab.lab} {lab.report.submission[:12]}" for lab in self._score.labs)
        return f'<p class="quiet">Graded files (SHA-256): {escape(digests)}.</p>'


def _sum(lab: LabScore) -> str:
    told = f"{lab.total:g} of {lab.weight:g} points; tests: {lab.report.earned} of "
    told += f"{lab.report.points} test points."
    told += f" Tests: {lab.report.undecided}." if lab.report.undecided else ""
    if lab.days_late:
        free = f", {lab.free_days} of them free" if lab.free_days else ""
        told += f" {lab.lateness}{free}: minus {lab.lost_late:.2f}."
    if lab.lost_hints:
        told += f" Hints: minus {lab.lost_hints:.2f}."
    return told


def _rubric(lab: LabScore) -> str:
    rows = "".join(
        f"<tr><td>{escape(row.title)}</td><td>{_bar(row.earned, row.weight)}</td>"
        f'<td class="number">{row.earned:.4g} of {row.weight:g}</td></tr>'
        for row in lab.rows
    )
    return f"<table>{rows}</table>"


def _bar(earned: float, weight: float) -> str:
    share = min(100.0, 100 * earned / weight) if weight else 0.0
    return f'<span class="bar"><span style="width:{share:.1f}%"></span></span>'


def _template(name: str) -> str:
    return files("common.course.kit").joinpath("templates", name).read_text("utf-8")
