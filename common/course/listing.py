"""``lab list`` and ``lab show``: what there is to do."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from common.course.manifest import Course, Lab
from common.course.output import Output

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
LabId = Annotated[str, typer.Argument(metavar="LAB", help="A lab's id, as `lab list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file to the command."""
    app.command("list", epilog="Example: lab list")(list_labs)
    app.command("show", epilog="Example: lab show link")(show_lab)


def list_labs(json: Json = False) -> None:
    """The course: its stages and their labs."""
    course, output = Course(), Output(json)
    table = Table(title="The labs", title_justify="left")
    for header in ("stage", "lab", "what it is", "points", "hours", "kind"):
        table.add_column(header, justify="right" if header in ("points", "hours") else "left")
    for stage in course.stages:
        for number, lab in enumerate(stage.labs):
            first = f"{stage.number} {stage.title}" if number == 0 else ""
            cells = (first, f"[bold]{lab.id}[/]", escape(lab.title))
            table.add_row(*cells, str(lab.points), f"{lab.hours:g}", lab.kind)
        if not stage.labs:
            table.add_row(f"[dim]{stage.number} {escape(stage.title)}", "", "[dim]not built yet[/]")
        table.add_section()
    output.say(table, "next: [bold]lab demo echo[/], [bold]lab show LAB[/]")
    output.result(labs=[_summary(course, lab) for lab in course.labs])


def show_lab(lab: LabId, json: Json = False) -> None:
    """One lab: the idea, the papers, the files, the exercises, how to run it."""
    course, output = Course(), Output(json)
    found = course.lab(lab)
    output.say(f"[bold]{escape(found.title)}[/]  [dim]lab {found.id}[/]\n", escape(found.concept))
    folder = course.folder_of(found).name
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for paper in found.papers:
        about = ", ".join(part for part in (paper.author, str(paper.year or "")) if part)
        where = f"; {paper.sections}" if paper.sections else ""
        table.add_row("read", escape(f"{paper.title} ({about}){where}" if about else paper.title))
    for file in found.files:
        table.add_row("file", f"{folder}/{file.path} [dim]{file.kind}[/]")
    for hole in found.holes:
        table.add_row("exercise", escape(hole.symbol))
    table.add_row("page", f"docs/{found.page}")
    verbs = [
        "demo",
        "test",
        *(["run"] if found.live else []),
        *(["explore"] if found.explore else []),
    ]
    table.add_row("try", ", ".join(f"lab {verb} {found.id}" for verb in verbs))
    for client in found.clients:
        table.add_row("client", escape(client))
    output.say(table)
    output.result(**_summary(course, found))


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
        "files": [f"{course.folder_of(lab).name}/{file.path}" for file in lab.files],
        "live": bool(lab.live),
        "explore": bool(lab.explore),
    }
