"""``lab hint`` and ``lab solution``: help that says a little more each time, and all of it."""

from pathlib import Path

import click
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax

from common.course.base import symbols, takes
from common.course.base.course import Course
from common.course.base.lab import Hole, Lab
from common.course.base.output import Output
from common.course.kit.course_file import NAME as COURSE_FILE
from common.course.kit.course_file import read_course_file
from common.course.student.finding import lab_with_hole, open_workspace
from common.course.student.passing import has_passed
from common.course.student.state import LabState
from common.course.student.workspace import Workspace, blamed, hole_named, read
from common.values.errors import BadInput

_symbol = click.argument(
    "words", metavar="[LAB] [SYMBOL]", nargs=-1, shell_complete=takes.labs_and_symbols,
    help="A hole, such as Election.campaign; a lab; or the lab and the hole. Else the next one.",
)  # fmt: skip
_lab = click.option(
    "--lab", metavar="LAB", default="", shell_complete=takes.labs, help="Of another lab."
)


@_symbol
@_lab
@click.option("--again", is_flag=True, help="Those shown already, no more.")
@takes.dir
@takes.json
def hint(words: tuple[str, ...], lab: str, again: bool, dir: Path | None, json: bool) -> None:
    """Say a little about a hole; three steps, each time one more."""
    course, output = Course(), Output(json)
    workspace = open_workspace(course, dir, output)
    symbol, lab = _lab_and_symbol(course, words, lab)
    found, hole = _meant(workspace, symbol, lab)
    costs = _costs(course)
    with workspace.state.changing() as state:
        known = state.lab(found.id)
        shown = known.hints.get(hole.name, 0)
        step = shown if again and shown else min(shown + 1, len(hole.hints))
        known.hints[hole.name] = max(step, shown)
    output.say(f"[bold]{hole.name}[/] [dim]{hole.file}, hint {step} of {len(hole.hints)}[/]")
    for number, told in enumerate(hole.hints[:step], 1):
        style = "dim" if number < step else "none"
        output.say(Padding(f"[{style}]{number}. {escape(told)}[/]", (0, 0, 0, 2)))
    if step > shown and costs[step - 1]:
        output.say(f"[yellow]this hint costs {costs[step - 1]:g} % of the lab's marks[/]")
    if step < len(hole.hints):
        cost = f", which costs {costs[step]:g} %" if costs[step] else ""
        output.say(f"[dim]lab hint {hole.name} says more{cost}[/]")
    else:
        output.say(f"[dim]that is all; lab solution {hole.name} --give-up shows the code[/]")
    output.result(lab=found.id, symbol=hole.name, step=step, hints=list(hole.hints[:step]))


@_symbol
@_lab
@click.option("--give-up", is_flag=True, help="Show it although it does not pass yet.")
@takes.dir
@takes.json
def solution(words: tuple[str, ...], lab: str, give_up: bool, dir: Path | None, json: bool) -> None:
    """Show the course's own code of a hole, or of all; it opens when your code has passed."""
    course, output = Course(), Output(json)
    workspace = open_workspace(course, dir, output)
    symbol, lab = _lab_and_symbol(course, words, lab)
    found = lab_with_hole(workspace, symbol, lab)
    with workspace.state.changing() as state:
        known = state.lab(found.id)
        every = [hole for hole in found.holes if hole.name not in known.supplied]
        wanted = every if not symbol else [hole_named(found, symbol)]
        closed = [hole.name for hole in wanted if not _passed(found, hole, known)]
        if give_up:
            known.given_up = sorted({*known.given_up, *closed})
    if not give_up:
        opened = [hole for hole in wanted if hole.name not in closed]
        if not opened:
            raise BadInput(_why_closed(found, wanted, closed))
        wanted = opened
    shown = {hole.name: _reference(course, found, hole) for hole in wanted}
    for hole in wanted:
        output.say(f"\n[bold]{hole.name}[/] [dim]{found.path(hole.file)}[/]")
        code = shown[hole.name]
        output.say(Syntax(code, "python", word_wrap=True, background_color="default"))
    if closed and not give_up:
        output.say(f"[dim]{len(closed)} more open when their tests pass: lab test {found.id}[/]")
    output.result(lab=found.id, solutions=shown)


def _passed(lab: Lab, hole: Hole, known: LabState) -> bool:
    """Whether all tests of the part that a hole belongs to have passed."""
    part = next(part for part in lab.parts if hole in part.holes)
    return has_passed(lab, part, known) or hole.name in known.supplied


def _why_closed(lab: Lab, wanted: list[Hole], closed: list[str]) -> str:
    if len(wanted) == 1:
        part = next(part.id for part in lab.parts if closed[0] in part.names)
        suite = f"lab test {lab.id} --part {part}" if len(lab.parts) > 1 else f"lab test {lab.id}"
        one = f"the solution of {closed[0]} opens when {suite} passes: "
        return f"{one}lab hint {closed[0]} helps, and --give-up opens it now"
    return (
        f"the solutions of lab {lab.id} open when its tests pass: lab hint helps, and --give-up "
        "opens all of them now; lab solution SYMBOL --give-up opens one"
    )


def _reference(course: Course, lab: Lab, hole: Hole) -> str:
    """The course's code of a hole.

    Raises:
        BadInput: this copy of the course is a handout, without solutions.
    """
    source = read(course.room_of(lab) / hole.file)
    if symbols.unwritten(source, [hole.symbol]):
        raise BadInput(
            f"this copy of the course has no solution of {hole.symbol}: it was handed out without"
        )
    return symbols.definition(source, hole.symbol)


def _lab_and_symbol(course: Course, words: tuple[str, ...], lab: str) -> tuple[str, str]:
    """The hole and the lab that the words name, "" where they name none.

    Raises:
        BadInput: there are too many words.
    """
    if words and words[0] in course.ids:
        lab, words = words[0], words[1:]
    if len(words) > 1:
        raise BadInput(f"{' '.join(words)!r} is more than one hole: name a lab, a hole, or both")
    return words[0] if words else "", lab


def _meant(workspace: Workspace, symbol: str, lab: str) -> tuple[Lab, Hole]:
    """The hole that is meant: the named one, or the first that is not written yet."""
    found = lab_with_hole(workspace, symbol, lab)
    if symbol:
        return found, hole_named(found, symbol)
    workspace.must_have(found)
    unwritten = workspace.unwritten(found)
    if unwritten:
        return found, hole_named(found, unwritten[0])
    known = workspace.state.read().lab(found.id)
    for test in known.tests.values():
        if not test.passed and (hole := blamed(found, test.why)):
            return found, hole
    raise BadInput(
        f"every hole of lab {found.id} is written: name the one you want a hint for, such as "
        f"lab hint {found.holes[0].name}, or ask lab why"
    )


def _costs(course: Course) -> tuple[float, float, float]:
    """What each step of a hint costs, in per cent of the lab's marks; the instructor decides."""
    for folder in (Path.cwd(), course.root):
        if (folder / COURSE_FILE).is_file():
            return read_course_file(folder / COURSE_FILE, course).hints
    return (0.0, 0.0, 0.0)
