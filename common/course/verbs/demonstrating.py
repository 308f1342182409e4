"""``lab demo`` and ``lab tour``: see a lab at work before writing it."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from rich.rule import Rule

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.course.base.lab import Lab
from common.course.base.naming import find
from common.course.base.output import Output, show_report
from common.course.verbs.running import LiveOptions, run_live, run_real
from common.course.verbs.session import SessionOptions


@takes.lab
@takes.seed
@takes.out
@takes.json
def demo(lab: str, seed: int, out: Path, json: bool) -> None:
    """Run a lab's demonstration in the simulator: a story, verdicts, and a picture."""
    course, output = Course(), Output(json)
    found = course.lab(lab)
    shown = _demo(found, seed, out, output)
    if not json:
        output.say(f"\nnext: [bold]lab test {found.id}[/], and read [bold]{found.page}[/]")
    output.result(lab=found.id, seed=seed, **shown)


def _pages(result: object) -> Iterator[str]:
    """The pages and charts among the files that a result names, however deep."""
    if isinstance(result, str):
        if result.endswith((".html", ".svg")):
            yield result
    elif isinstance(result, Mapping | list | tuple):
        for part in result.values() if isinstance(result, Mapping) else result:
            yield from _pages(part)


def _demo(lab: Lab, seed: int, out: Path, output: Output) -> dict[str, object]:
    make_report = find(lab.demo, f"lab {lab.id}: demo")
    return show_report(make_report(seed), output, out / "demo" / lab.id)


@click.argument("lab", default="", help="Only this lab.")
@takes.seed
@takes.out
@takes.json
def tour(lab: str, seed: int, out: Path, json: bool) -> None:
    """Each lab once, on real input: its demo, and its cluster as real processes under a fault."""
    course, output = Course(), Output(json)
    labs = [course.lab(lab)] if lab else course.labs
    began = time.monotonic()
    results: list[dict[str, object]] = []
    for number, each in enumerate(labs, 1):
        output.say(Rule(f"{number} of {len(labs)}: {each.title}"))
        shown = _demo(each, seed, out, output)
        if each.worlds:
            options = LiveOptions("3s", "", out / "run" / each.id, SessionOptions(seed=seed))
            shown["live"] = run_live(worlds_of(each), options, output)
        elif each.real:
            shown["real"] = run_real(each, seed, out / "run" / each.id, output)
        results.append({"lab": each.id, **shown})
    output.say(Rule(f"done in {time.monotonic() - began:.0f} s"))
    pages = [page for result in results for page in _pages(result)]
    output.say("Pictures of these runs (open them in a browser):", *(f"\n  {p}" for p in pages))
    output.say("next: [bold]lab list[/], then [bold]lab show echo[/] and [bold]lab test echo[/]")
    output.result(labs=results, pages=pages)
