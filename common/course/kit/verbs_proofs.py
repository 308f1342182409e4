"""``lab mutants``: the proof that the suites catch what they are there to catch."""

import click
from click.exceptions import Exit
from rich.markup import escape
from rich.table import Table

from common.course.base import takes
from common.course.base.manifest import Course
from common.course.base.output import Output
from common.course.kit.mutants import Caught, all_mutants, try_all
from common.course.kit.progress import steps
from common.course.kit.slices import parse_slice, take
from common.course.suites.suite import SuiteOptions

PROCESSES = 2
"""Suites that run at once unless the command line says otherwise."""

MARKS = {"caught": "[green]✓[/]", "survived": "[red]survived[/]", "broken": "[red]broken[/]"}


@click.argument("lab", default="", help="One lab; all if none.")
@click.option("--slice", default="1/1", help="A part of them: 3/10, day/10 or commit/10.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=PROCESSES,
    show_default=True,
    help="How many suites run at once.",
)
@click.option("--judged", is_flag=True, help="In the judge's sandbox, as marks are made.")
@takes.json
def show_mutants(lab: str, slice: str, processes: int, judged: bool, json: bool) -> None:
    """Run every mutant's test on the mutant: each has to be caught. Exits with 1 if one is not."""
    course, output = Course(), Output(json)
    labs = [course.lab(lab)] if lab else course.labs
    chosen = take(all_mutants(course, labs), parse_slice(slice, course.root))
    with steps(output, "mutants", len(chosen)) as bar:
        ended = try_all(
            course, chosen, processes, lambda _: bar.step(), SuiteOptions(judged=judged)
        )
    missed = [each for each in ended if each.fate != "caught"]
    output.say(_table(ended))
    for each in missed:
        output.say(f"[red]{each.lab}: {escape(each.mutant.name)}:[/] {escape(_told(each))}")
    output.say(f"[bold]{len(ended) - len(missed)} of {len(ended)} mutants are caught[/]")
    output.result(
        caught=len(ended) - len(missed),
        mutants=len(ended),
        table=[each.to_plain() for each in ended],
    )
    if missed:
        raise Exit(1)


def _told(each: Caught) -> str:
    if each.fate == "survived":
        return f"{each.mutant.caught_by} passes with this bug"
    return each.why


def _table(ended: list[Caught]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column("")
    for header in ("lab", "bug", "caught by"):
        table.add_column(header, overflow="fold")
    for header in ("seed", "seconds"):
        table.add_column(header, justify="right")
    for each in ended:
        sentence = each.mutant.caught_by.removeprefix("test_").replace("_", " ")
        seed = "" if each.seed is None else str(each.seed)
        words = (each.lab, escape(each.mutant.name), escape(sentence), seed)
        table.add_row(MARKS[each.fate], *words, f"{each.seconds:.2f}")
    return table
