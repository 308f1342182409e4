"""``lab tour``, which ``make run`` runs: one story and where to go next; or one lab, or all."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import which

import click
from click.exceptions import Exit
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from common.check.verdict import EXIT_CODES, Answer, worst
from common.course.base import takes
from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.course.base.lab import Best, Lab
from common.course.base.naming import find
from common.course.base.output import MARKS, Output, folder, write_trace
from common.course.base.symbols import is_handout
from common.course.verbs.demonstrating import show_demo
from common.course.verbs.gallery import write_gallery
from common.course.verbs.running import LiveOptions, run_live, run_real
from common.course.verbs.session import SessionOptions
from common.runtime import loops
from common.values.errors import BadInput
from common.values.report import Judged, Report, Trace

NEXT = (
    ("lab", "the labs, your points, and what is next"),
    ("lab start echo", "the first lab; lab --help lists all that you can do"),
    ("lab tour cap", "one lab: its demo, and its processes under faults"),
)
"""What a person can do after the tour, and why."""


@click.argument("lab", default="", help="Only this lab.")
@click.option("--all", "whole", is_flag=True, help="Every lab, one after the other.")
@takes.seed
@takes.out
@takes.json
def tour(lab: str, whole: bool, seed: int, out: Path, json: bool) -> None:
    """See what the course is: a store whose servers are killed, and what shows most of each stage.

    With LAB or --all: labs one by one, each its demo and its processes under faults.
    """
    if lab and whole:
        raise BadInput("--all shows every lab, and LAB one of them: leave one of the two out")
    course, output = Course(), Output(json)
    if lab or whole:
        _labs([course.lab(lab)] if lab else course.labs, seed, out, output)
        return
    told = _story(course, seed, out / "tour", output)
    gallery = _gallery(out, output)
    stages = _stages(course, output)
    _next(output)
    output.result(story=told, stages=stages, gallery=gallery)
    if told is not None:
        raise Exit(EXIT_CODES[Answer(told["result"])])


def _story(course: Course, seed: int, out: Path, output: Output) -> dict[str, object] | None:
    """Tell the story of the lab that has one; returns its verdicts.

    None where no lab has a story, or where the lab's code is still to be written.
    """
    lab = next((lab for lab in course.labs if lab.story), None)
    if lab is None or is_handout(course.room_of(lab), lab):
        return None
    tell = find(lab.story, f"lab {lab.id}: story")
    output.say(Rule(f"lab {lab.id}: {escape(lab.title)}", align="left"))
    report: Report = loops.run(tell(lambda line: output.say(escape(line)), seed))
    answers: dict[str, str] = {}
    files: list[str] = []
    page = ""
    output.say("")
    for part in report.parts:
        match part:
            case Judged(about, result, sentence):
                answers[about] = result
                output.say(f"{MARKS[result]}  [bold]{escape(about)}[/]: {escape(sentence)}")
            case Trace(name, title, lines, event):
                paths = write_trace(folder(out), name, report.title, lines)
                files += [str(path) for path in paths]
                page = f"file://{paths[1].resolve()}#event={event}"
                output.line(f"\nopen  [link={page}]{escape(page)}[/]")
                output.say(escape(title))
    result = worst(map(Answer, answers.values())).value
    return {"lab": lab.id, "result": result, "verdicts": answers, "files": files, "page": page}


def _gallery(out: Path, output: Output) -> str:
    """Write the page that shows every run below ``out``, and say where it is."""
    page = write_gallery(folder(out))
    address = f"file://{page.resolve()}"
    output.line(f"all runs  [link={address}]{escape(str(page))}[/]")
    return str(page)


def _stages(course: Course, output: Output) -> list[dict[str, object]]:
    """One line for each stage: the command that shows most of it."""
    output.say("", Rule("one command for each stage", align="left"), sep="\n")
    if which("lab") is None:
        activate = os.path.relpath(Path(sys.prefix) / "bin/activate")
        output.say(f"first, once in each terminal: [bold]source {escape(activate)}[/]\n")
    table = Table.grid(padding=(0, 2, 0, 0))
    stages: list[dict[str, object]] = []
    for stage in course.stages:
        best = stage.best
        if best is None and stage.labs:  # a handout has some of the labs
            best = Best(command=f"lab show {stage.labs[0]}", shows=course.lab(stage.labs[0]).title)
        if best is None:
            table.add_row(stage.sign, "[dim]to come", f"[dim]{escape(stage.title)}")
        else:
            table.add_row(stage.sign, f"[bold]{escape(best.command)}", escape(best.shows))
        command = None if best is None else best.command
        stages.append({"number": stage.number, "title": stage.title, "command": command})
    output.say(table)
    return stages


def _next(output: Output) -> None:
    output.say("", Rule("what to do next", align="left"), sep="\n")
    table = Table.grid(padding=(0, 2, 0, 0))
    for command, why in NEXT:
        table.add_row(f"[bold]{command}", why)
    output.say(table)


def _labs(labs: list[Lab], seed: int, out: Path, output: Output) -> None:
    """Labs one by one."""
    began = time.monotonic()
    results: list[dict[str, object]] = []
    for number, each in enumerate(labs, 1):
        output.say(Rule(f"{number} of {len(labs)}: {each.title}"))
        shown = show_demo(each, seed, out, output)
        if each.worlds:
            worlds, to = worlds_of(each), out / "run" / each.id
            options = LiveOptions(worlds.lasts, "", to, SessionOptions(seed=seed))
            shown["live"] = run_live(worlds, options, output)
        elif each.real:
            shown["real"] = run_real(each, seed, out / "run" / each.id, output)
        results.append({"lab": each.id, **shown})
    output.say(Rule(f"done in {time.monotonic() - began:.0f} s"))
    pages = [page for result in results for page in _pages(result)]
    gallery = _gallery(out, output)
    output.say("Pictures of these runs (open them in a browser):", *(f"\n  {p}" for p in pages))
    first = labs[0].id
    output.say(f"next: [bold]lab show {first}[/], [bold]lab start {first}[/], [bold]lab list[/]")
    output.result(labs=results, pages=pages, gallery=gallery)


def _pages(result: object) -> Iterator[str]:
    """The pages and charts among the files that a result names, however deep."""
    if isinstance(result, str):
        if result.endswith((".html", ".svg")):
            yield result
    elif isinstance(result, Mapping | list | tuple):
        for part in result.values() if isinstance(result, Mapping) else result:
            yield from _pages(part)
