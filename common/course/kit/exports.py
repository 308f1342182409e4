"""Marks as other programs want them: CSV, JSON, Gradescope's results.json, Moodle's CSV."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path

from common.course.kit.course_file import CourseFile
from common.course.kit.gradebook import as_json
from common.course.kit.reports import VERDICTS, Mark
from common.course.kit.scoring import LabScore, Score
from common.course.kit.submissions import Submission
from common.values.errors import BadInput

MARKS = {"pass": "passed"}
"""Gradescope's word for each verdict: it knows two, and all but one of ours are "failed" there. So
the name of a test that did not fail, but hung or was not decided, says so."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet runs a cell that begins so, in some languages also with the wide forms of these
signs; students choose their own names."""


def scores_csv(scores: Iterable[Score], course: CourseFile) -> str:
    """One line per student: the labs' marks and the sum."""
    header = ["student", *(lab.id for lab in course.labs), "total", "of", "undecided", "incomplete"]
    rows = []
    for score in scores:
        by_lab = {each.lab: each for each in score.labs}
        marks = [f"{by_lab[lab.id].total:g}" if lab.id in by_lab else "" for lab in course.labs]
        missing = " ".join(each.lab for each in score.labs if not each.report.done)
        open_ = "; ".join(f"{e.lab}: {told}" for e in score.labs if (told := e.report.undecided))
        total, of = f"{score.total:g}", f"{score.points:g}"
        rows.append([score.student, *marks, total, of, open_, missing])
    return _csv([header, *rows])


def scores_json(scores: Iterable[Score], course: CourseFile) -> str:
    """Everything that the marks are made of, without the tests."""
    students = [score.to_plain() for score in scores]
    return as_json({"course": course.title, "points": course.points, "students": students})


def moodle_csv(scores: Iterable[Score], submissions: Mapping[str, Submission]) -> str:
    """A grading worksheet as Moodle's assignment takes it ("upload grading worksheet")."""
    header = ["Identifier", "Full name", "Grade", "Maximum Grade", "Feedback comments"]
    rows = []
    for score in scores:
        name, number = submissions[score.student].moodle
        identifier = f"Participant {number}" if number else name
        grade, most = f"{score.total:.2f}", f"{score.points:.2f}"
        rows.append([identifier, name, grade, most, feedback(score)])
    return _csv([header, *rows])


def filled_worksheet(
    path: Path, scores: Iterable[Score], submissions: Mapping[str, Submission]
) -> str:
    """A grading worksheet that was downloaded from Moodle, with grades and feedback filled in.

    Raises:
        BadInput: it cannot be read, or has no such columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"the worksheet {path} cannot be read: {error}") from None
    wanted = ("Identifier", "Full name", "Grade")
    if not rows or any(column not in rows[0] for column in wanted):
        raise BadInput(f"{path} is no grading worksheet: it has no columns {', '.join(wanted)}")
    header = rows[0] if "Feedback comments" in rows[0] else [*rows[0], "Feedback comments"]
    place = {name: number for number, name in enumerate(header)}
    found = {}
    for score in scores:
        name, number = submissions[score.student].moodle
        found[f"Participant {number}" if number else name] = score
    filled = [header]
    for row in rows[1:]:
        cells = [*row, *[""] * (len(header) - len(row))]
        by_name = found.get(cells[place["Full name"]])
        if score_of := found.get(cells[place["Identifier"]], by_name):
            cells[place["Grade"]] = f"{score_of.total:.2f}"
            cells[place["Feedback comments"]] = feedback(score_of)
        filled.append(cells)
    return _csv(filled)


def feedback(score: Score) -> str:
    """A student's marks in a few sentences."""
    told = []
    for each in score.labs:
        passed = sum(mark.verdict == "pass" for mark in each.report.tests)
        says = f"{each.lab}: {each.total:g} of {each.weight:g}"
        says += f", {passed} of {len(each.report.tests)} tests passed"
        says += f"; {each.report.undecided}" if each.report.undecided else ""
        says += f"; {each.lateness}" if each.days_late else ""
        says += f"; {each.report.problem}" if each.report.problem else ""
        told.append(says + ".")
    return " ".join(told)


def gradescope_results(score: LabScore, course: CourseFile) -> dict[str, object]:
    """One lab's marks as Gradescope's ``results.json`` (its documentation, "Output Format")."""
    rules = course.by_id[score.lab]
    report = score.report
    scale = score.weight / report.points if report.points and not rules.rubric else 1.0
    tests = []
    for number, mark in enumerate(report.tests, 1):
        hidden = rules.is_hidden(mark.name)
        name = mark.title if hidden else f"{mark.title}: {mark.sentence}"
        tests.append(
            {
                "name": f"{name} ({VERDICTS[mark.verdict]})" if mark.undecided else name,
                "number": str(number),
                "score": round(mark.points * scale if mark.verdict == "pass" else 0.0, 4),
                "max_score": round(mark.points * scale, 4),
                "status": MARKS.get(mark.verdict, "failed"),
                "output": "" if hidden else told(mark),
                "output_format": "text",
                "visibility": "after_published" if hidden else "visible",
            }
        )
    return {
        "score": score.total,
        "output": " ".join([report.problem, *report.notes]).strip() or feedback_of(score),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"submission": report.submission, "judged": report.judged},
    }


def feedback_of(score: LabScore) -> str:
    """One lab's marks in a sentence."""
    return feedback(Score("", score.weight, (score,)))


def told(mark: Mark) -> str:
    """Why a test ended as it did, and what runs it again."""
    if mark.verdict == "pass":
        return ""
    lines = [mark.said or "it failed"]
    lines += [f"it checks: {mark.requirement}"] if mark.requirement else []
    lines += [f"again: {mark.replay}"] if mark.replay else []
    return "\n".join(lines)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    """A table of texts, each in quotes: what separates cells depends on the reader's country."""
    written = StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows(map(_safe, row) for row in rows)
    return written.getvalue()


def _safe(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
