"""``lab explore``: every interleaving of a small instance."""

import time
from dataclasses import replace
from pathlib import Path

import click
from click.exceptions import Exit
from rich.markup import escape

from common.check.explorer import Choice, Exploration, Instance, Progress, explore_instance
from common.check.explorer.choices import to_plain
from common.check.stories import Stories
from common.course.base import takes
from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.course.base.implementation import install_overlay, load
from common.course.base.lab import Lab
from common.course.base.output import MARKS, Output, folder, write_trace
from common.course.student.finding import code_to_test, open_workspace
from common.trace.reader import parse
from common.worlds.examples import trace_of


@takes.lab
@click.option("--instance", metavar="NAME", default="", help="Which instance; the first if none.")
@click.option(
    "--states", metavar="N", type=click.IntRange(min=1), help="Stop after so many states."
)
@click.option("--seconds", metavar="N", type=click.FloatRange(min=0), help="Stop after so long.")
@takes.dir
@takes.reference
@takes.out
@takes.json
def explore_lab(
    lab: str,
    instance: str,
    states: int | None,
    seconds: float | None,
    dir: Path | None,
    reference: bool,
    out: Path,
    json: bool,
) -> None:
    """Check every run of a small instance of the lab: exit 0 yes, 1 no, 2 unknown."""
    course, output = Course(), Output(json)
    found = course.lab(lab)
    workspace = open_workspace(course, dir, output)
    if code_to_test(workspace, found, named=dir is not None, reference=reference) is not None:
        install_overlay(workspace.root, course, {name for name, _ in found.modules})
        load(found)
        output.say(f"exploring your code in [cyan]{workspace.root}[/]")
    chosen = worlds_of(found).instance(instance)
    bounds = chosen.bounds
    bounds = replace(bounds, states=states or bounds.states, seconds=seconds or bounds.seconds)
    chosen = replace(chosen, bounds=bounds)
    with output.console.status("exploring") as status:

        def tell(progress: Progress) -> None:
            speed = progress.states / progress.seconds if progress.seconds else 0
            status.update(
                f"{progress.states:,} states, depth {progress.depth}, {progress.waiting:,} to "
                f"expand, {speed:,.0f} states/s"
            )

        result = explore_instance(chosen, clock=time.perf_counter, progress=None if json else tell)
    first, *rest = result.summary().splitlines()
    output.say(f"{MARKS[result.answer.value]} {escape(first.partition(':')[2])}")
    output.say(*(escape(line) for line in rest), sep="\n")
    page = _draw(found, chosen, result, out, output)
    if page is not None:
        output.say(f"picture of the counter-example: {page}")
    output.result(lab=lab, page=page and str(page), **result.to_plain(to_plain))
    raise Exit({"yes": 0, "no": 1, "unknown": 2}[result.answer.value])


def _draw(
    lab: Lab, instance: Instance, result: Exploration[Choice], out: Path, output: Output
) -> Path | None:
    """Replay the counter-example, say who lied, and draw it; None where there is none."""
    if result.counter_example is None:
        return None
    _, lines = trace_of(lab.id, instance, result.counter_example, result.broken)
    for line in str(Stories.heard_in(parse(lines).events, instance.lying)).splitlines():
        output.line(escape(line))
    title = f"{lab.id}: the shortest counter-example"
    _, page = write_trace(folder(out / "explore"), lab.id, title, lines)
    return page
