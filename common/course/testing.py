"""``lab test`` and ``lab replay``: run a graded suite, and run one failure exactly again."""

import json as jsonlib
import tempfile
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from common.course.demonstrating import OUT, Out
from common.course.listing import Json, LabId
from common.course.manifest import ROOT, Course, Lab
from common.course.output import Output, folder, write
from common.trace.viewer.page import build_page
from common.values.errors import BadInput

Impl = Annotated[Path | None, typer.Option(metavar="DIR", help="A student's workspace.")]
Seeds = Annotated[int | None, typer.Option(help="How many seeds each sweep tries.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file to the command."""
    app.command("test", epilog="Example: lab test link --seeds 200")(run_suite)
    app.command("replay", epilog="Example: lab replay cap a_read_sees_the_last_write --seed 17")(
        replay
    )


class Watcher:
    """A pytest plugin that draws a progress bar in place of pytest's own words."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("collecting", total=None)
        self.problems: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests are known."""
        self._progress.update(self._task, total=len(session.items), description="testing")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file could not be collected."""
        if report.failed:
            self.problems.append(report.longreprtext.strip().splitlines()[-1])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test ended."""
        if report.when == "call" or report.failed:
            self._progress.advance(self._task)
        if report.failed and report.when != "call":
            self.problems.append(report.longreprtext.strip().splitlines()[-1])


def run_suite(
    lab: LabId,
    impl: Impl = None,
    seeds: Seeds = None,
    only: Annotated[str, typer.Option("-k", help="Only tests whose name has this.")] = "",
    json: Json = False,
) -> None:
    """Run a lab's graded suite on the reference, or on a workspace."""
    course, output = Course(), Output(json)
    found = course.lab(lab)
    options = [f"--impl={impl}"] if impl else []
    options += [f"--seeds={seeds}"] if seeds else []
    options += ["-k", only] if only else []
    grades = _run(found, options, output)
    _show(grades, output)
    output.result(lab=found.id, **grades)
    if grades["earned"] != grades["possible"]:
        raise typer.Exit(1)


def replay(
    lab: LabId,
    name: Annotated[str, typer.Argument(help="The test's name.")],
    seed: Annotated[int | None, typer.Option(help="The seed that failed.")] = None,
    impl: Impl = None,
    out: Out = OUT,
    json: Json = False,
) -> None:
    """Run one test exactly again, record it, and draw it."""
    course, output = Course(), Output(json)
    found = course.lab(lab)
    trace = folder(out / "replay" / found.id) / f"{name}.jsonl"
    options = [f"--record={trace}", "-k", name]
    options += [f"--impl={impl}"] if impl else []
    options += [f"--seed={seed}"] if seed is not None else []
    grades = _run(found, options, output)
    _show(grades, output)
    pages = []
    for recorded in sorted(trace.parent.glob(f"{name}*.jsonl")):
        lines = recorded.read_text(encoding="utf-8").splitlines()
        page = build_page(lines, f"{found.id}: {name}")
        pages.append(str(write(recorded.with_suffix(".html"), page)))
    output.say(*(f"picture: {page}" for page in pages))
    output.result(lab=found.id, pages=pages, **grades)
    if grades["earned"] != grades["possible"]:
        raise typer.Exit(1)


def _run(lab: Lab, options: list[str], output: Output) -> dict[str, Any]:
    """Run pytest in this process; returns the grades.

    Raises:
        BadInput: no test was run, or the code cannot be loaded.
    """
    with tempfile.TemporaryDirectory() as scratch:
        grades = Path(scratch) / "grades.json"
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(
            *columns, TimeElapsedColumn(), console=output.console, transient=True,
            disable=output.json,
        ) as progress:  # fmt: skip
            watcher = Watcher(progress)
            suite = [str(ROOT / lab.tests), f"--rootdir={ROOT}", "-p", "no:terminal"]
            pytest.main([*suite, f"--grades={grades}", *options], plugins=[watcher])
        if not grades.exists():
            why = watcher.problems[0] if watcher.problems else "no test has that name"
            raise BadInput(f"no test of lab {lab.id} was run: {why}")
        read: dict[str, Any] = jsonlib.loads(grades.read_text(encoding="utf-8"))
        return read


def _show(grades: dict[str, Any], output: Output) -> None:
    for tested in grades["tests"]:
        passed = tested["verdict"] == "pass"
        mark = "[green]✓[/]" if passed else "[red]✗[/]"
        seconds = f"[dim]{tested['seconds']:.2f} s[/]"
        output.say(f"{mark} {tested['points']:>3}  {escape(tested['title'])}  {seconds}")
        if not passed:
            output.say(f"       {escape(tested['why'])}")
            output.say(f"       [dim]it checks:[/] {escape(tested['requirement'])}")
            output.say(f"       [dim]again:[/] [bold]{escape(tested['replay'])}[/]")
    output.say(f"[bold]{grades['earned']} of {grades['possible']} points[/]")
