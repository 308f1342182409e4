"""``lab`` alone and ``lab progress``: where you are, what is unlocked, and what is next."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.output import Output
from common.course.student.finding import open_workspace
from common.course.student.parts import BAR_WIDTH, points_table
from common.course.student.passing import how_to_go_on
from common.course.student.state import LabState, State
from common.course.student.workspace import Workspace

MARK_WIDTH, POINTS_WIDTH = 3, 7


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a student is with a lab.

    Attributes:
        lab: which lab.
        earned: points of the tests that passed when they were run last.
        started: whether it is in the workspace.
        missing: labs that it builds on and that have not been passed; they are supplied.
    """

    lab: Lab
    earned: int
    started: bool
    missing: tuple[str, ...]

    @property
    def done(self) -> bool:
        """Whether all points are reached."""
        return self.earned >= self.lab.points


def show_roadmap(dir: Path | None = None) -> None:
    """The course with your progress, and what is next."""
    course, output = Course(), Output()
    workspace = open_workspace(course, dir, output)
    state = workspace.state.read()
    standings = _standings(course, workspace, state)
    name_width = max(len(lab.id) for lab in course.labs)
    others = MARK_WIDTH + name_width + BAR_WIDTH + POINTS_WIDTH + 4 * 2
    title_width = max(10, output.console.width - others)
    for stage in course.stages:
        title = escape(stage.title)
        built = f"[bold]{title}[/]" if stage.labs else f"[dim]{title}: not built yet[/]"
        output.say(f"[bold]{stage.sign}[/] {built}")
        labs = Table.grid(padding=(0, 2))
        labs.add_column(width=MARK_WIDTH, justify="right")
        labs.add_column(width=name_width)
        labs.add_column(width=BAR_WIDTH, no_wrap=True, overflow="ellipsis")
        labs.add_column(width=POINTS_WIDTH, justify="right")
        labs.add_column(width=title_width, no_wrap=True, overflow="ellipsis")
        for lab in stage.labs:
            labs.add_row(*_row(standings[lab]))
        if stage.labs:
            output.say(labs)
    output.say(*_next(state, standings), sep="\n")


@takes.lab_or_none
@takes.dir
@takes.json
def progress(lab: str, dir: Path | None, json: bool) -> None:
    """Your points, part by part, with the hints you took; of one lab, or of all you started."""
    course, output = Course(), Output(json)
    workspace = open_workspace(course, dir, output)
    state = workspace.state.read()
    labs = [course.lab(lab)] if lab else [each for each in course.labs if each.id in state.labs]
    if not labs:
        output.say("no lab was started yet: [bold]lab start echo[/] is the first")
    for each in labs:
        known = state.labs.get(each.id, LabState())
        output.say(f"[bold]{each.id}[/] {escape(each.title)}", points_table(each, known), sep="\n")
        failed = [test for test in known.tests.values() if not test.passed]
        facts = [f"{known.earned()} of {each.points} points", f"{len(failed)} tests fail"]
        facts += [f"{sum(known.hints.values())} hints taken"] if known.hints else []
        facts += [f"{len(known.given_up)} solutions shown early"] if known.given_up else []
        output.say(f"[dim]{', '.join(facts) if known.tests else 'not tested yet'}[/]\n")
    standings = _standings(course, workspace, state)
    earned = sum(each.earned for each in standings.values())
    possible = sum(each.points for each in course.labs)
    output.say(f"[bold]{earned} of {possible} points[/] in {len(course.labs)} labs")
    output.result(
        earned=earned,
        possible=possible,
        labs={
            id: {
                "earned": each.earned, "possible": each.lab.points, "started": each.started,
                "hints": state.lab(id).hints, "given_up": state.lab(id).given_up,
            }
            for id, each in standings.items()
        },
    )  # fmt: skip


def _standings(course: Course, workspace: Workspace, state: State) -> dict[str, Standing]:
    standings: dict[str, Standing] = {}
    for lab in course.labs:
        known = state.labs.get(lab.id, LabState())
        missing = tuple(id for id in lab.needs if id not in standings or not standings[id].done)
        standings[lab.id] = Standing(lab, known.earned(), workspace.has(lab), missing)
    return standings


def _row(standing: Standing) -> tuple[RenderableType, ...]:
    """One lab's line: a mark, its name, a bar, and what it is."""
    lab = standing.lab
    mark = "[green]✓[/]" if standing.done else "[yellow]◐[/]" if standing.started else "○"
    bar: RenderableType = ProgressBar(total=lab.points, completed=standing.earned, width=BAR_WIDTH)
    if not standing.started:
        bar = f"[dim]after {', '.join(standing.missing)}[/]" if standing.missing else "unlocked"
    points = f"{standing.earned}/{lab.points}"
    return mark, f"[cyan]{lab.id}[/]", bar, points, escape(lab.title)


def _next(state: State, standings: dict[str, Standing]) -> list[str]:
    """What to type now."""
    under_way = [each for each in standings.values() if each.started and not each.done]
    current = standings.get(state.current)
    if current in under_way:
        under_way = [current]
    if under_way:
        lab = under_way[0].lab
        known = state.lab(lab.id)
        if on := how_to_go_on(lab, known):
            return [f"next: [bold]{on}[/], or [bold]lab solution {lab.id}[/] to compare"]
        failed = any(not test.passed for test in known.tests.values())
        asked = f", [bold]lab why {lab.id}[/]" if failed else ""
        return [f"next: [bold]lab watch {lab.id}[/]{asked}, [bold]lab hint[/]"]
    fresh = [each for each in standings.values() if not each.started and not each.done]
    unlocked = [each for each in fresh if not each.missing] or fresh
    if not unlocked:
        return ["all of it is done; [bold]lab run raft[/] shows what you have built"]
    id = unlocked[0].lab.id
    return [
        f"next: [bold]lab start {id}[/] (first see it at work: [bold]lab demo {id}[/])",
        "[dim]any lab can be started first: what it stands on is supplied[/]",
    ]
