"""``lab test``: run a graded suite on your code, or on the reference."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from click.exceptions import Exit
from rich.markup import escape

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab, Part
from common.course.base.output import Output
from common.course.student.finding import code_to_test, lab_meant, open_workspace, tests_named
from common.course.student.parts import Teller, chosen_tests, points_table
from common.course.student.passing import ALL, how_to_go_on, is_supplied, of_supplied_code
from common.course.student.state import LabState
from common.course.student.workspace import Workspace
from common.course.suites.suite import SuiteOptions, SuiteResult, TestResult, run_suite
from common.values.errors import BadInput


@takes.lab_or_none
@takes.part
@click.option(ALL, "whole", is_flag=True, help="All parts, supplied ones too.")
@takes.dir
@takes.reference
@takes.seeds
@click.option(
    "-k", "only", metavar="WORDS", default="", shell_complete=takes.tests,
    help="Only tests whose name or title has this; also: WORD or WORD, WORD and not WORD.",
)  # fmt: skip
@click.option("--judged", is_flag=True, help="Just as marks are made: your code in a sandbox.")
@takes.unsafe
@takes.json
def run_tests(
    lab: str,
    part: str,
    whole: bool,
    dir: Path | None,
    reference: bool,
    seeds: int | None,
    only: str,
    judged: bool,
    unsafe: bool,
    json: bool,
) -> None:
    """Run a lab's graded suite on your workspace, or on the reference where there is none."""
    if reference and dir is not None:
        raise BadInput("--reference tests the course's own code, --impl yours: give one of them")
    course, output = Course(), Output(json)
    workspace = open_workspace(course, dir, output)
    found = lab_meant(workspace, lab)
    mine = code_to_test(workspace, found, named=dir is not None, reference=reference) is not None
    known = workspace.state.read().lab(found.id) if mine else LabState()
    chosen = found.part(part or known.part) if part or (known.part and not whole) else None
    output.say(_heading(found, chosen, workspace if mine else None))
    if chosen and is_supplied(chosen, known):
        opens = f"lab start {found.id} --part {chosen.id}"
        output.say(f"[yellow]this part is supplied[/]: [bold]{opens}[/] opens it")
    elif chosen and not part:
        output.say(f"[dim]the part that you opened; all of them: lab test {found.id} {ALL}[/]")
    named = _named(found, chosen, only)
    options = SuiteOptions(
        impl=workspace.root if mine else None, judged=judged, unsafe=unsafe, seeds=seeds,
        only="" if named else only, tests=named or chosen_tests(found, chosen),
    )  # fmt: skip
    teller = Teller(found, output)
    with teller.bar:
        result = run_suite(course, found, options, teller)
    if mine and (workspace.root / ".lab").is_dir():
        known = remember(workspace, found, result)
    supplied = of_supplied_code(found, result.tests, known)
    counted = _without(result, supplied)
    _summarize(found, counted, known, output, mine=mine, whole=not (only or part))
    if supplied:
        output.say(f"[dim]{len(supplied)} tests ran on supplied code, which earns nothing[/]")
    plain = result.to_plain() | {"earned": counted.earned, "possible": counted.possible}
    plain["supplied"] = [test.name for test in supplied]
    output.result(lab=found.id, workspace=str(workspace.root) if mine else None, **plain)
    if result.earned != result.possible or result.cut_short:
        raise Exit(1)


def _named(lab: Lab, part: Part | None, words: str) -> tuple[str, ...]:
    """The tests that have these words; none where pytest has to tell, or where no words are given.

    Raises:
        BadInput: there are none.
    """
    if not words or not {"and", "or", "not"}.isdisjoint(words.split()) or "(" in words:
        return ()
    found = tests_named(lab, words)
    return tuple(t.id for t in found if part is None or t.file in part.files)


def _without(result: SuiteResult, left_out: Sequence[TestResult]) -> SuiteResult:
    """The result of the other tests."""
    collected = (result.collected or 0) - len(left_out)
    kept = tuple(test for test in result.tests if test not in left_out)
    return replace(result, tests=kept, collected=collected)


def remember(workspace: Workspace, lab: Lab, result: SuiteResult) -> LabState:
    """Note how the tests ended, but for those of supplied code; returns what is known now."""
    with workspace.state.changing() as state:
        known = state.lab(lab.id)
        supplied = of_supplied_code(lab, result.tests, known)
        known.tests |= {test.name: test for test in result.tests if test not in supplied}
        state.current = lab.id
    return known


def _heading(lab: Lab, part: Part | None, workspace: Workspace | None) -> str:
    what = f"{lab.id}, part {part.id}" if part else lab.id
    whose = f"your code in [cyan]{workspace.root}[/]" if workspace else "the reference"
    return f"testing [bold]{what}[/]: {whose}"


def _summarize(
    lab: Lab, result: SuiteResult, known: LabState, output: Output, *, mine: bool, whole: bool
) -> None:
    """The points, and what to type next."""
    shown = known if mine and known.tests else LabState(tests={t.name: t for t in result.tests})
    if whole:
        output.say("", points_table(lab, shown), sep="\n")
    output.say(f"[bold]{result.earned} of {result.possible} points[/]")
    if result.cut_short:
        output.say(f"[red]{escape(result.cut_short)}[/]")
    if result.failed:
        where = "" if mine or not result.failed[0].replay else " --reference"
        output.say(f"next: [bold]lab why {lab.id}{where}[/], [bold]lab hint[/]")
    elif mine and whole and not result.cut_short:
        output.say(_after_passing(lab, known))


def _after_passing(lab: Lab, known: LabState) -> str:
    open_parts = [
        part.id
        for part in lab.parts
        if not is_supplied(part, known)
        and any(lab.part_of(t.test) == part and not t.passed for t in known.tests.values())
    ]
    if open_parts:
        return f"next: [bold]lab test {lab.id} --part {open_parts[0]}[/]"
    if on := how_to_go_on(lab, known):
        return f"next: [bold]{on}[/], or [bold]lab solution[/] to compare"
    live = f", [bold]lab run {lab.id}[/]" if lab.worlds else ""
    return f"next: [bold]lab solution {lab.id}[/] to compare{live}, [bold]lab[/]"
