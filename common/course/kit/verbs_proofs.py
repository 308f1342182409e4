"""``lab mutants``: the proof that the suites catch what they are there to catch."""

from collections.abc import Sequence
from pathlib import Path

import click
from click.exceptions import Exit
from rich.markup import escape
from rich.table import Table

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.output import Output
from common.course.kit.mutants import Caught, all_mutants, try_all
from common.course.kit.progress import processors, steps
from common.course.kit.slices import parse_slice, take
from common.course.suites.suite import SuiteOptions
from common.values.errors import BadInput

MARKS = {"caught": "[green]✓[/]", "survived": "[red]survived[/]", "broken": "[red]broken[/]"}

NUMBER = click.IntRange(min=0)


@click.argument("lab", default="", help="One lab; all if none.")
@click.option("--generated", is_flag=True, help="All small changes that a machine can make.")
@click.option("--slice", default="1/1", help="A part of them: 3/10, day/10 or commit/10.")
@click.option("--limit", metavar="N", type=NUMBER, default=0, help="At most so many; 0 for all.")
@click.option(
    "--only", metavar="TEXT", default="", help="Those with this in their name, with their diffs."
)
@click.option("--publish", is_flag=True, help="Write the labs' figures into the docs.")
@click.option("--judged", is_flag=True, help="In the judge's sandbox, as marks are made.")
@takes.workers
@takes.out
@takes.json
def show_mutants(
    lab: str,
    generated: bool,
    slice: str,
    limit: int,
    only: str,
    publish: bool,
    judged: bool,
    processes: int | None,
    out: Path,
    json: bool,
) -> None:
    """Run the tests on wrong variants of the labs: each has to be caught.

    Named mutants are realistic bugs, each with the test that must catch it. Exits with 1 if one is
    not caught.

    With --generated: every exercise with each small change that a machine can make. Exits with 1
    if fewer than 95 % are caught by a graded test or explained in tests/mutants/LAB.yaml, or if an
    explanation is stale. What was tried before with the same code is not tried again; --limit,
    --only and --publish are for these.
    """
    course, output = Course(), Output(json)
    labs = [course.lab(lab)] if lab else course.labs
    part, count = parse_slice(slice, course.root), processes or processors()
    if generated:
        from common.course.kit.generated.proving import Choice  # libcst takes its time
        from common.course.kit.generated.verb import prove

        if judged:
            raise BadInput("generated mutants are tried without the judge: leave --judged out")
        if publish and only:
            raise BadInput("figures are those of all, or of some by chance: leave --only out")
        choice = Choice(part, limit, only)
        good = prove(course, labs, choice, count, out / "mutants", output, publish)
    elif limit or only or publish:
        raise BadInput("--limit, --only and --publish are for generated mutants: add --generated")
    else:
        good = show_named(course, labs, part, count, judged, output)
    if not good:
        raise Exit(1)


def show_named(
    course: Course,
    labs: Sequence[Lab],
    part: tuple[int, int],
    processes: int,
    judged: bool,
    output: Output,
) -> bool:
    """Run every named mutant's test on it; returns whether all are caught."""
    chosen = take(all_mutants(course, labs), part, lambda each: f"{each[0].id}:{each[1].name}")
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
    return not missed


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
