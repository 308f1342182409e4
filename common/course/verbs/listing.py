"""``lab list`` and ``lab show``: what there is to do."""

from typing import Literal

import click
from rich.markup import escape
from rich.table import Table

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab, Part
from common.course.base.output import Output


@takes.json
def list_labs(json: bool) -> None:
    """The course: its stages and their labs."""
    course, output = Course(), Output(json)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for header in ("", "lab", "what it is", "kind"):
        table.add_column(header)
    table.add_column("points", justify="right")
    table.add_column("hours", justify="right")
    for stage in course.stages:
        name = escape(stage.title)
        if not stage.labs:
            table.add_row(f"[dim]{stage.sign}", "", f"[dim]{name} (not built yet)")
            continue
        table.add_row(f"[bold]{stage.sign}", "", f"[bold]{name}")
        for lab in map(course.lab, stage.labs):
            points, hours = str(lab.points), f"{lab.hours:g}"
            table.add_row("", f"[cyan]{lab.id}", escape(lab.title), lab.kind, points, hours)
    output.say(table, "next: [bold]lab demo echo[/], [bold]lab show LAB[/]")
    output.result(labs=[_summary(course, lab) for lab in course.labs])


@takes.lab
@click.option("--all", "whole", is_flag=True, help="Papers, files and every exercise too.")
@takes.json
def show_lab(lab: str, whole: bool, json: bool) -> None:
    """One lab: the idea, its parts with their exercises, and how to run it."""
    course, output = Course(), Output(json)
    found = course.lab(lab)
    output.say(f"[bold]{escape(found.title)}[/]\n", escape(found.concept), "", sep="\n")
    output.say(_parts(found, output.console.width))
    output.say(_uses(found))
    if whole:
        output.say(_whole(found))
    output.result(**_summary(course, found), parts=[_part(part) for part in found.parts])


def _parts(lab: Lab, width: int) -> Table:
    """One line for each part; what does not fit into ``width`` columns is cut off at its end."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    after = ["after", *(", ".join(part.needs) for part in lab.parts)]
    columns = [["part", *(part.id for part in lab.parts)], ["hours"], ["points"]]
    columns += [after] if any(after[1:]) else []
    for number, words in enumerate(columns):
        longest = max(map(len, words))
        width -= longest + 2
        justify: Literal["right", "left"] = "right" if number in (1, 2) else "left"
        table.add_column(words[0], width=longest, justify=justify, no_wrap=True)
    table.add_column("what to do", width=width - 2, no_wrap=True, overflow="ellipsis")
    for part in lab.parts:
        needs = [", ".join(part.needs)] if any(after[1:]) else []
        what = f"{escape(part.title)} [dim]({len(part.holes)}: {escape(', '.join(part.names))})[/]"
        table.add_row(f"[cyan]{part.id}", f"{part.hours:g}", str(part.points), *needs, what)
    if len(lab.parts) > 1:
        table.add_row("", f"[bold]{lab.hours:g}", f"[bold]{lab.points}")
    return table


def _uses(lab: Lab) -> Table:
    """What to type, and what to read."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    if lab.needs:
        table.add_row("stands on", ", ".join(lab.needs))
    seen = [
        "demo",
        *(["run"] if lab.worlds or lab.real else []),
        *(["explore"] if lab.has_small else []),
    ]
    table.add_row("see it", ", ".join(f"lab {verb} {lab.id}" for verb in seen))
    table.add_row("do it", f"lab start {lab.id}, lab test {lab.id}, lab hint")
    table.add_row("read", f"{lab.page}; the rest: lab show {lab.id} --all")
    if lab.clients:
        table.add_row("speaks with", escape(", ".join(lab.clients)))
    return table


def _whole(lab: Lab) -> Table:
    """What does not fit on a screen."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for paper in lab.papers:
        about = ", ".join(part for part in (paper.author, str(paper.year or "")) if part)
        where = f"; {paper.sections}" if paper.sections else ""
        table.add_row("paper", escape(f"{paper.title} ({about}){where}" if about else paper.title))
    for file in lab.files:
        table.add_row("file", f"{lab.path(file.path)} [dim]{file.kind}[/]")
    for part in lab.parts:
        for hole in part.holes:
            table.add_row(part.id, f"{escape(hole.name)} [dim]{hole.file}[/]")
    return table


def _part(part: Part) -> dict[str, object]:
    return {
        "id": part.id,
        "title": part.title,
        "hours": part.hours,
        "points": part.points,
        "needs": part.needs,
        "exercises": part.names,
    }


def _summary(course: Course, lab: Lab) -> dict[str, object]:
    stage = course.stage_of(lab)
    return {
        "id": lab.id,
        "stage": stage.number,
        "title": lab.title,
        "kind": lab.kind,
        "points": lab.points,
        "hours": lab.hours,
        "needs": lab.needs,
        "files": lab.paths,
        "live": bool(lab.worlds),
        "explore": lab.has_small,
    }
