"""What strangers wrote goes into reports and onto terminals: as text, and at a bounded cost."""

import csv
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from common.course.base.course import Course
from common.course.base.reasons import reason
from common.course.base.scratch import without_scratch
from common.course.judge.apart import take_in_apart
from common.course.judge.errors import raised, registered
from common.course.judge.intake import room_of
from common.course.judge.worker.lines import Problem
from common.course.judge.worker.modules import Source
from common.course.kit.course_file import default_course_file
from common.course.kit.exports import scores_csv
from common.course.kit.progress import Steps
from common.course.kit.scoring import score
from common.values.brief import LONGEST, legible
from common.values.errors import RemoteProtocolError

COURSE = Course()
CODES = "\x1b[2J\x1b]0;title\x07\u202egnorw\u2028\x85"


def test_signs_that_act_on_a_terminal_are_not_told() -> None:
    assert legible("plain, ä and 漢, a tab\tand a line end\n") == (
        "plain, ä and 漢, a tab\tand a line end\n"
    )
    assert legible(CODES).isprintable()
    for error in (AssertionError(CODES), ValueError(CODES), RemoteProtocolError(CODES)):
        assert "gnorw" in reason(error, COURSE)
        assert reason(error, COURSE).replace("\n", "").isprintable()


def test_a_thousand_steps_up_are_read_in_one_way() -> None:
    work = Path("/scratch/lab-mark-1/work")
    for hostile in ("../" * 40_000, "../" * 9_000 + "a/" * 9_000, "../a " * 20_000):
        assert without_scratch(hostile, work, COURSE) == hostile  # or it takes hours
    for place in ("../../scratch/lab-x/.y/work", "work", "/scratch/lab-mark-1/work"):
        told = f"is wrong ({place}/stage1_foundations/link/frames.py:3)"
        plain = "is wrong (stage1_foundations/link/frames.py:3)"
        assert without_scratch(told, work, COURSE) == plain


@pytest.mark.parametrize(
    ("kinds", "made", "text"),
    [
        (["ExceptionGroup", "Exception"], "StudentError", "ExceptionGroup: why"),
        (["UnicodeDecodeError", "UnicodeError"], "UnicodeError", "UnicodeDecodeError: why"),
        (["Own", "KeyError"], "KeyError", "'Own: why'"),
    ],
)
def test_an_error_of_any_class_says_its_text(kinds: list[str], made: str, text: str) -> None:
    error = raised(Problem(kinds, "why"), registered([]))
    assert type(error).__name__ == made
    assert str(error) == text


def test_every_error_that_may_come_back_can_be_made() -> None:
    known = registered([])
    assert len(known) > 40
    for name in known:
        assert "why" in str(raised(Problem([name], "why"), known))


def test_names_in_a_submission_are_told_as_text_and_cut(tmp_path: Path) -> None:
    lab = COURSE.lab("link")
    room = room_of(COURSE, lab)
    for number in range(3):
        odd = tmp_path / "in" / ("d" * 200) / ("e" * 200 + str(number)) / f"x{CODES}"
        odd.mkdir(parents=True)
        (odd / "a.pyc").write_text("")
    told = take_in_apart(tmp_path / "in", {"link": room})["link"].intake.refused
    assert told
    for sentence in told:
        assert sentence.isprintable()
        assert len(sentence) <= LONGEST + len(" ... ")


def test_a_name_with_brackets_changes_no_bar() -> None:
    out = StringIO()
    with Progress(TextColumn("{task.description}"), console=Console(file=out, width=80)) as bar:
        Steps(bar, bar.add_task("x")).say("x[/red]/link done")
    assert "x[/red]/link done" in out.getvalue()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("ada", '"ada"'),
        ("=1+1", '"\'=1+1"'),
        (" =1+1", '"\' =1+1"'),
        ("+1", '"\'+1"'),
        ("-1", '"\'-1"'),
        ("@sum", '"\'@sum"'),
        ("\uff1d1+1", '"\'\uff1d1+1"'),
        ("x;=1+1", '"x;=1+1"'),
        ("x|=1+1", '"x|=1+1"'),
        ('"quoted", x', '"""quoted"", x"'),
        ("two\nlines", '"two\nlines"'),
    ],
)
def test_no_cell_is_a_formula_or_two_cells_in_any_country(cell: str, written: str) -> None:
    student = score(cell, default_course_file([COURSE.lab("link")]), {}, {}, {})
    table = scores_csv([student], default_course_file([COURSE.lab("link")]))
    _, _, row = table.partition("\n")
    assert row.startswith(f"{written},")
    (_, read) = csv.reader(StringIO(table))
    assert read[0].removeprefix("'") == cell


def test_a_file_that_cannot_be_compiled_is_named() -> None:
    for text in ("x = " + "-" * 200_000 + "1", "x = '\0'"):
        error = Source("lab/file.py", text, package=False).error
        assert str(error).startswith("lab/file.py cannot be compiled: ")
