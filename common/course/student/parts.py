"""A suite part by part: which tests to run, in which order, and how to tell how they ended."""

from dataclasses import dataclass, field

from rich.console import RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress_bar import ProgressBar
from rich.table import Table

from common.course.base.lab import Lab, Part
from common.course.base.limits import NotTried
from common.course.base.output import Output
from common.course.student.passing import is_supplied
from common.course.student.state import LabState
from common.course.suites.suite import SuiteResult, TestResult

BAR_WIDTH = 16
NOT_WRITTEN = "this is not written yet"


def chosen_tests(lab: Lab, part: Part | None) -> tuple[str, ...]:
    """The files of tests to hand to pytest, in the order of the parts.

    Args:
        lab: which lab.
        part: only this one; None for all.
    """
    if part is not None:
        return part.files
    return (*(file for each in lab.parts for file in each.files), lab.suite)


@dataclass(slots=True)
class Teller:
    """Shows test after test, under the headings of the parts, with a bar of what is done.

    Attributes:
        lab: whose suite it is.
        output: where to.
        brief: whether a test that passes gets no line.
    """

    lab: Lab
    output: Output
    brief: bool = False
    bar: Progress = field(init=False)
    _part: str = ""
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        console = self.output.console
        quiet = self.output.json or not console.is_terminal
        elapsed = TimeElapsedColumn()
        self.bar = Progress(*columns, elapsed, console=console, transient=True, disable=quiet)
        self.bar.add_task("testing", total=None)

    def __call__(self, test: TestResult, so_far: SuiteResult) -> None:
        """A test has ended."""
        part = self.lab.part_of(test.test)
        if part is not None and part.id != self._part and len(self.lab.parts) > 1:
            self._part = part.id
            self.output.say(f"[bold]{part.id}[/] [dim]{escape(part.title)}[/]")
        if test.why.startswith(NotTried.begins):
            self._tell_not_tried(test)
        elif not (self.brief and test.passed):
            self._tell(test)
        total = so_far.collected or None
        self.bar.update(self.bar.task_ids[0], total=total, completed=len(so_far.tests))

    def _tell_not_tried(self, test: TestResult) -> None:
        """Once for all of them."""
        if not any(why.startswith(NotTried.begins) for why in self._told):
            self.output.say(f"[red]✗ the other tests were {escape(test.why)}[/]")
        self._told.add(test.why)

    def _tell(self, test: TestResult) -> None:
        """How one test ended; what keeps many tests from passing is told once."""
        line = Table.grid(padding=(0, 1))
        line.add_column(width=1)
        line.add_column(width=3, justify="right")
        line.add_column(width=7, justify="right", style="dim")
        line.add_column()
        sentence = escape(test.name.replace("_", " "))
        title = f"[bold]{escape(test.title)}[/]: {sentence}"
        mark = "[green]✓[/]" if test.passed else "[red]✗[/]"
        line.add_row(mark, str(test.points), f"{test.seconds:.2f} s", title)
        again = test.why in self._told
        if not test.passed and not again:
            line.add_row("", "", "", f"[red]{escape(test.why)}[/]")
        if test.replay and not again:
            line.add_row("", "", "", f"[dim]it checks:[/] {escape(test.requirement)}")
        self.output.say(line)
        if test.replay and not again:
            self.output.command("again", test.replay)
        if not test.replay or NOT_WRITTEN in test.why:
            self._told.add(test.why)


def points_table(lab: Lab, known: LabState) -> RenderableType:
    """The parts of a lab with the points that were reached, and bars."""
    table = Table.grid(padding=(0, 2))
    for part in lab.parts:
        tests = {name for name, t in known.tests.items() if lab.part_of(t.test) == part}
        earned = known.earned(tests)
        if is_supplied(part, known):
            table.add_row("", part.id, "[dim]supplied[/]", "", f"[dim]{escape(part.title)}[/]")
            continue
        mark = "[green]✓[/]" if earned == part.points else "[yellow]◐[/]" if earned else "○"
        bar = ProgressBar(total=part.points, completed=earned, width=BAR_WIDTH)
        table.add_row(mark, part.id, bar, f"{earned} of {part.points}", escape(part.title))
    return table
