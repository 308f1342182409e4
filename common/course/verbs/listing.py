"""``lab list`` and ``lab show``: what there is to do."""

from rich.markup import escape
from rich.table import Table

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab
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
@takes.json
def show_lab(lab: str, json: bool) -> None:
    """One lab: the idea, the papers, the files, the exercises, how to run it."""
    course, output = Course(), Output(json)
    found = course.lab(lab)
    output.say(f"[bold]{escape(found.title)}[/]  [dim]lab {found.id}[/]\n", escape(found.concept))
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for paper in found.papers:
        about = ", ".join(part for part in (paper.author, str(paper.year or "")) if part)
        where = f"; {paper.sections}" if paper.sections else ""
        table.add_row("read", escape(f"{paper.title} ({about}){where}" if about else paper.title))
    for file in found.files:
        table.add_row("file", f"{found.path(file.path)} [dim]{file.kind}[/]")
    for part in found.parts:
        points = f"[dim]{part.points} points, {len(part.holes)} holes[/]"
        table.add_row("part", f"[cyan]{part.id}[/] {escape(part.title)} {points}")
    for hole in found.holes:
        table.add_row("exercise", escape(hole.name))
    table.add_row("page", found.page)
    verbs = [
        "demo",
        "start",
        "test",
        *(["run"] if found.live or found.real else []),
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
        "files": lab.paths,
        "live": bool(lab.live),
        "explore": bool(lab.explore),
    }
