"""``lab test`` and ``lab replay``: run a graded suite, and run one failure exactly again."""

import json as jsonlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from common.course.demonstrating import OUT, Out
from common.course.listing import Json, LabId
from common.course.manifest import ROOT, Course, Lab
from common.course.output import Output, folder, write
from common.trace.viewer.page import build_page
from common.values.errors import BadInput

CONFIG = "pyproject.toml"
Impl = Annotated[Path | None, typer.Option(metavar="DIR", help="A student's workspace.")]
Seeds = Annotated[int | None, typer.Option(help="How many seeds each sweep tries.")]


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
    """Run the suite in a process of its own, with a progress bar; returns the grades.

    Raises:
        BadInput: no test was run.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "grades.json"
        suite = [str(ROOT / lab.tests), f"--rootdir={ROOT}", f"--config-file={ROOT / CONFIG}"]
        command = [sys.executable, "-m", "pytest", "-v", *suite, f"--grades={path}", *options]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
            Progress(
                *columns, TimeElapsedColumn(), console=output.console, transient=True,
                disable=output.json,
            ) as progress,
        ):  # fmt: skip
            task = progress.add_task("testing", total=None)
            said = _follow(process, path, progress, task)
        grades = _read(path)
    if not grades or not grades["tests"]:
        problems: list[str] = grades.get("problems", [])
        nothing = f"no test has that name: lab test {lab.id} runs all of them"
        why = problems[0] if problems else nothing if grades else said
        raise BadInput(f"no test of lab {lab.id} was run: {why}")
    return grades


def _follow(process: subprocess.Popen[bytes], path: Path, progress: Progress, task: TaskID) -> str:
    """Draw progress until the process ends; returns the last line that it said."""
    said = b""
    assert process.stdout is not None, "its output is a pipe"
    for line in process.stdout:  # pytest says something after each test
        said = line.strip() or said
        grades = _read(path)
        if grades:
            done = len(grades["tests"])
            progress.update(task, total=grades["collected"] or None, completed=done)
    return said.decode(errors="replace")


def _read(path: Path) -> dict[str, Any]:
    try:
        read: dict[str, Any] = jsonlib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return read


def _show(grades: dict[str, Any], output: Output) -> None:
    for tested in grades["tests"]:
        passed = tested["verdict"] == "pass"
        mark = "[green]✓[/]" if passed else "[red]✗[/]"
        seconds = f"[dim]{tested['seconds']:.2f} s[/]"
        sentence = tested["test"].rpartition("::")[2].removeprefix("test_").replace("_", " ")
        about = f"[bold]{escape(tested['title'])}[/] [dim]{escape(sentence)}[/]"
        output.say(f"{mark} {tested['points']:>3}  {about}  {seconds}")
        if not passed:
            output.say(f"       {escape(tested['why'])}")
            output.say(f"       [dim]it checks:[/] {escape(tested['requirement'])}")
            output.say(f"       [dim]again:[/] [bold]{escape(tested['replay'])}[/]")
    output.say(f"[bold]{grades['earned']} of {grades['possible']} points[/]")
