"""``lab test`` and ``lab replay``: run a graded suite, and run one failure exactly again."""

import json as jsonlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from common.course.demonstrating import OUT, Out
from common.course.implementation import check_workspace
from common.course.listing import Json, LabId
from common.course.manifest import ROOT, Course, Lab
from common.course.output import Output, folder, write
from common.trace.viewer.page import build_page
from common.values.errors import BadInput

CONFIG = "pyproject.toml"
Impl = Annotated[Path | None, typer.Option(metavar="DIR", help="A student's workspace.")]
Seeds = Annotated[int | None, typer.Option(min=1, help="How many seeds each sweep tries.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this file to the command."""
    app.command("test", epilog="Example: lab test link --seeds 200")(run_suite)
    app.command("replay", epilog="Example: lab replay cap a_read_sees_the_last_write --seed 17")(
        replay
    )


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
    options = _workspace(course, found, impl)
    options += [f"--seeds={seeds}"] if seeds else []
    options += ["-k", only] if only else []
    grades = _run(found, options, output)
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
    options += _workspace(course, found, impl)
    options += [f"--seed={seed}"] if seed is not None else []
    grades = _run(found, options, output)
    pages = []
    for recorded in sorted(trace.parent.glob(f"{name}*.jsonl")):
        lines = recorded.read_text(encoding="utf-8").splitlines()
        page = build_page(lines, f"{found.id}: {name}")
        pages.append(str(write(recorded.with_suffix(".html"), page)))
    output.say(*(f"picture: {page}" for page in pages))
    output.result(lab=found.id, pages=pages, **grades)
    if grades["earned"] != grades["possible"]:
        raise typer.Exit(1)


def _workspace(course: Course, lab: Lab, impl: Path | None) -> list[str]:
    if impl is None:
        return []
    check_workspace(impl, course, lab)
    return [f"--impl={impl}"]


def _run(lab: Lab, options: list[str], output: Output) -> dict[str, Any]:
    """Run the suite in a process of its own, and tell each test's end; returns the grades.

    Raises:
        BadInput: no test was run.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "grades.json"
        suite = [str(ROOT / lab.tests), f"--rootdir={ROOT}", f"--config-file={ROOT / CONFIG}"]
        command = [sys.executable, "-m", "pytest", "-v", *suite, f"--grades={path}", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                said = _follow(process, path, output)
            finally:
                process.kill()  # an interruption must not wait for code that never ends
        grades = _read(path)
    if not grades or not grades["tests"]:
        problems: list[str] = grades.get("problems", [])
        nothing = f"no test has that name: lab test {lab.id} runs all of them"
        why = problems[0] if problems else nothing if grades else said
        raise BadInput(f"no test of lab {lab.id} was run: {why}")
    output.say(f"[bold]{grades['earned']} of {grades['possible']} points[/]")
    return grades


def _follow(process: subprocess.Popen[bytes], path: Path, output: Output) -> str:
    """Tell what ends until the process does; returns the last line that it said."""
    said = b""
    told = 0
    unable: set[str] = set()
    assert process.stdout is not None, "its output is a pipe"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    quiet = output.json or not output.console.is_terminal
    with Progress(
        *columns, TimeElapsedColumn(), console=output.console, transient=True, disable=quiet
    ) as progress:
        task = progress.add_task("testing", total=None)
        for line in process.stdout:  # pytest says something after each test
            said = line.strip() or said
            grades = _read(path)
            tests = grades.get("tests", [])
            for tested in tests[told:]:
                _tell(tested, unable, output)
            told = len(tests)
            progress.update(task, total=grades.get("collected") or None, completed=told)
    return said.decode(errors="replace")


def _read(path: Path) -> dict[str, Any]:
    try:
        read: dict[str, Any] = jsonlib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return read


def _tell(tested: dict[str, Any], unable: set[str], output: Output) -> None:
    """Show how one test ended; what keeps tests from beginning is told once."""
    passed, why = tested["verdict"] == "pass", tested["why"]
    sentence = tested["test"].rpartition("::")[2].removeprefix("test_").replace("_", " ")
    line = Table.grid(padding=(0, 1))
    line.add_column(width=1)
    line.add_column(width=3, justify="right")
    line.add_column(width=7, justify="right", style="dim")
    line.add_column()
    title = f"[bold]{escape(tested['title'])}[/]: {escape(sentence)}"
    mark = "[green]✓[/]" if passed else "[red]✗[/]"
    line.add_row(mark, str(tested["points"]), f"{tested['seconds']:.2f} s", title)
    if not passed and why not in unable:
        line.add_row("", "", "", f"[red]{escape(why)}[/]")
    if tested["replay"]:
        line.add_row("", "", "", f"[dim]it checks:[/] {escape(tested['requirement'])}")
    elif not passed:
        unable.add(why)
    output.say(line)
    if tested["replay"]:
        output.command("again", tested["replay"])
