"""``lab watch``: on every save the part that was touched is tested, first what failed last."""

import ast
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from rich.markup import escape
from rich.rule import Rule
from watchfiles import PythonFilter, watch

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab, Part
from common.course.base.output import Output
from common.course.base.symbols import functions
from common.course.student.finding import lab_meant, open_workspace
from common.course.student.parts import Teller, chosen_tests
from common.course.student.passing import how_to_go_on
from common.course.student.workspace import Workspace, read
from common.course.suites.suite import SuiteOptions, run_suite
from common.course.verbs.testing import remember
from common.values.errors import BadInput

Bodies = dict[Path, dict[str, str]]
"""By file and function, the code, such that layout and comments do not count."""


@takes.lab_or_none
@takes.part
@takes.dir
def watch_lab(lab: str, part: str, dir: Path | None) -> None:
    """Test the part you touch whenever you save, first the tests that failed last."""
    course, output = Course(), Output()
    workspace = open_workspace(course, dir, output)
    found = lab_meant(workspace, lab)
    if not any(map(Path.is_file, workspace.files(found))):
        workspace.must_have(found)
    part = part or workspace.state.read().lab(found.id).part
    chosen = [found.part(part)] if part else []
    before = bodies(workspace, found)
    _test(workspace, found, chosen, output)
    folders = {path.parent for path in workspace.files(found)}
    for changes in watch(*folders, watch_filter=PythonFilter(), recursive=False):
        ours = {path.resolve(): path for path in workspace.files(found)}
        changed = [ours[p] for _, name in changes if (p := Path(name).resolve()) in ours]
        if not changed:
            continue
        after = bodies(workspace, found)
        touched = chosen or touched_parts(found, changed, before, after)
        before = after
        _test(workspace, found, touched, output)


def bodies(workspace: Workspace, lab: Lab) -> Bodies:
    """The code of the lab's files, function by function; of a file that is not Python, none."""
    found: Bodies = {}
    for path in workspace.files(lab):
        try:
            found_here = functions(read(path)) if path.is_file() else {}
        except BadInput:
            found_here = {}
        found[path] = {
            symbol: "".join(map(ast.dump, statements)) for symbol, statements in found_here.items()
        }
    return found


def touched_parts(lab: Lab, changed: Iterable[Path], before: Bodies, after: Bodies) -> list[Part]:
    """The parts whose holes were changed; all parts of the file if something else was.

    Args:
        lab: which lab.
        changed: the files that were saved.
        before: their code as it was.
        after: their code as it is.
    """
    touched: list[Part] = []
    for path in changed:
        old, new = before.get(path, {}), after.get(path, {})
        edited = {
            symbol for symbol in old.keys() | new.keys() if old.get(symbol) != new.get(symbol)
        }
        inside = [hole for hole in lab.holes if path.as_posix().endswith(lab.path(hole.file))]
        wanted = [hole for hole in inside if hole.symbol in edited] or inside
        touched += [p for p in lab.parts if set(wanted) & set(p.holes) and p not in touched]
    return touched


def _test(workspace: Workspace, lab: Lab, parts: list[Part], output: Output) -> None:
    """Test these parts, or all, first what failed last; what is wrong with a file is told."""
    known = workspace.state.read().lab(lab.id)
    wanted = [chosen_tests(lab, part) for part in parts] or [chosen_tests(lab, None)]
    failed = [
        test.test
        for test in known.tests.values()
        if not test.passed and (not parts or lab.part_of(test.test) in parts)
    ]
    named = " and ".join(part.id for part in parts) or "all parts"
    if output.console.is_terminal:
        output.console.clear()
    output.say(Rule(f"{datetime.now():%H:%M:%S}  {lab.id}: {escape(named)}", align="left"))
    teller = Teller(lab, output, brief=True)
    options = SuiteOptions(
        impl=workspace.root,
        tests=(*failed, *(test for tests in wanted for test in tests)),
    )
    try:
        workspace.must_be_whole(lab)
        with teller.bar:
            result = run_suite(workspace.course, lab, options, teller)
    except BadInput as error:
        output.say(f"[red]{escape(str(error))}[/]")
    else:
        known = remember(workspace, lab, result)
        told = "[green]all pass[/]" if not result.failed else f"{len(result.failed)} fail"
        told = f"[red]{escape(result.cut_short)}[/]" if result.cut_short else told
        output.say(f"[bold]{result.earned} of {result.possible} points[/], {told}")
        if not result.failed and (on := how_to_go_on(lab, known)):
            output.say(f"next: [bold]{on}[/]")
    output.say("[dim]watching; save a file to test it again, Ctrl-C ends[/]")
