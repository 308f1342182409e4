"""``lab why`` and ``lab replay``: understand a failure, and run exactly that again."""

import json as jsonlib
import os
import shlex
import subprocess
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

import click
from click.exceptions import Exit
from rich.markup import escape
from rich.padding import Padding

from common.course.base import takes
from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.base.output import Output, folder, write
from common.course.base.symbols import is_handout
from common.course.student.finding import (
    code_to_test,
    lab_meant,
    open_workspace,
    test_named,
    tests_named,
)
from common.course.student.parts import NOT_WRITTEN, chosen_tests
from common.course.student.workspace import Workspace, blamed
from common.course.suites.suite import SuiteOptions, TestResult, run_suite, suite_command
from common.course.verbs.testing import remember
from common.course.why.saved import save_test
from common.trace.viewer.page import build_page
from common.values.errors import BadInput

EXPLORING_SECONDS = 3
"""So long the explorer may look for a shorter way."""

PYTHON_ONLY = "a run script answers for nodes only"
"""In the reason of a test that no node in another language can pass."""

PLUGIN = ("-p", "common.course.why.plugin")
_test = click.argument(
    "name", metavar="[TEST]", default="", shell_complete=takes.tests,
    help="A test's name, or a part of its name or title; the first that failed if not given.",
)  # fmt: skip


@takes.lab_or_none
@_test
@takes.dir
@takes.reference
@click.option("--open", "browse", is_flag=True, help="Open the picture in a browser.")
@click.option("--save-test", "save", is_flag=True, help="Write it as a test into the workspace.")
@takes.out
@takes.json
def why(
    lab: str,
    name: str,
    dir: Path | None,
    reference: bool,
    browse: bool,
    save: bool,
    out: Path,
    json: bool,
) -> None:
    """Why a test failed: in a sentence, as a story, and where it first went wrong."""
    course, output = Course(), Output(json)
    workspace = open_workspace(course, dir, output)
    found = lab_meant(workspace, lab)
    mine = code_to_test(workspace, found, named=dir is not None, reference=reference)
    test = _failed_test(found, mine or workspace, mine is not None, name, output)
    where = folder(out / "why" / found.id) / f"{test.name}.json"
    facts, ended = _find_out(course, found, test, mine, where, output)
    if ended.passed:
        output.say(f"[green]✓[/] {escape(ended.title)} passes now: lab test {found.id}")
        output.result(lab=found.id, test=test.name, passes=True)
        return
    page = _page(found, test, facts, where)
    _tell(found, ended, facts, page, output, bool(facts.get("fails")))
    shorter = _shorter_way(found, ended, mine, out, output)
    saved = ""
    if save and mine is not None:
        saved = str(save_test(mine, found, ended, seed_of(ended), facts))
        output.line(f"saved as a test: pytest {saved}")
    if browse and page:
        webbrowser.open(page)
    output.result(
        lab=found.id,
        test=test.name,
        page=page,
        saved=saved,
        shorter=shorter,
        **{**facts, "why": ended.why},
    )
    raise Exit(1)


def _failed_test(
    lab: Lab, workspace: Workspace, mine: bool, name: str, output: Output
) -> TestResult:
    """The named test, or the first that failed when the tests were run last."""
    known = workspace.state.read().lab(lab.id) if mine else None
    tests = list(known.tests.values()) if known else []
    wanted = {test.id for test in tests_named(lab, name)} if name else set()

    def chosen() -> list[TestResult]:
        failed = [t for t in tests if not t.passed and (t.test in wanted or not wanted)]
        return failed or [t for t in tests if t.test in wanted]

    if not chosen():
        output.say(f"[dim]running the tests of {lab.id} first[/]")
        part = lab.part(known.part) if known and known.part and not wanted else None
        options = SuiteOptions(
            impl=workspace.root if mine else None,
            tests=tuple(sorted(wanted)) or chosen_tests(lab, part),
        )
        result = run_suite(workspace.course, lab, options)
        if mine and (workspace.root / ".lab").is_dir():
            remember(workspace, lab, result)
        tests = list(result.tests)
    if name == "" and chosen() and all(PYTHON_ONLY in test.why for test in chosen()):
        raise BadInput(
            f"every test of lab {lab.id} that fails calls functions of the lab in Python, and a "
            "run script answers for nodes only: there is nothing to explain"
        )
    if not chosen():
        raise BadInput(f"no test of lab {lab.id} fails: there is nothing to explain")
    order = {part.id: number for number, part in enumerate(lab.parts)}

    def first(test: TestResult) -> tuple[bool, int]:
        part = lab.part_of(test.test)
        later = NOT_WRITTEN in test.why or PYTHON_ONLY in test.why
        return later, order[part.id] if part else len(order)

    return min(chosen(), key=first)


def _find_out(
    course: Course, lab: Lab, test: TestResult, mine: Workspace | None, where: Path, output: Output
) -> tuple[dict[str, Any], TestResult]:
    """Investigate; a smaller schedule is believed only if the reference passes with it."""
    seed = seed_of(test)
    ways = [("all",), ("all", "--uncut"), ("planned", "--uncut"), ("none", "--uncut")]
    if mine is None or is_handout(course.room_of(lab), lab):
        ways = ways[2:] if seed is not None else ways[3:]
    for way, *uncut in ways:
        with output.console.status("looking for the smallest run that fails"):
            options = SuiteOptions(
                impl=mine.root if mine else None, seed=seed, tests=(test.test,),
                more=(*PLUGIN, f"--why={where}", f"--shrink={way}", *uncut),
            )  # fmt: skip
            where.unlink(missing_ok=True)
            ended = run_suite(course, lab, options).tests[0]
            facts = jsonlib.loads(where.read_text("utf-8")) if where.exists() else {}
            smaller = facts.get("left_out") or facts.get("cut")
            if way == "none" or not smaller or mine is None:
                break
            check = SuiteOptions(seed=seed, tests=(test.test,), more=(*PLUGIN, f"--faults={where}"))
            if run_suite(course, lab, check).tests[0].passed:
                break
    return facts, ended


def _shorter_way(
    lab: Lab, test: TestResult, mine: Workspace | None, out: Path, output: Output
) -> str:
    """Say where the explorer breaks the same code in a few choices; returns its picture, or "".

    It knows of no time and no seed, so its shortest way is often far shorter than any test's.
    """
    if mine is None or not lab.has_small or NOT_WRITTEN in test.why or mine.unwritten(lab):
        return ""
    command = [sys.executable, "-m", "common.course.command", "explore", lab.id, "--json"]
    command += [f"--seconds={EXPLORING_SECONDS}", f"--out={out}", f"--dir={mine.root}"]
    with output.console.status("looking whether the explorer has a shorter way"):
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 1 or not ran.stdout.startswith("{"):
        return ""
    told = jsonlib.loads(ran.stdout.splitlines()[-1])
    ways = [each for each in told["findings"] if each["answer"] == "no" and each["path"]]
    if not ways:
        return ""
    shortest = min(ways, key=lambda each: len(each["path"]))
    count = len(shortest["path"])
    output.say(
        f"[bold]shorter[/]: of all orders of events, {count} choices are enough to break "
        f"{escape(shortest['title'])!r}: [bold]lab explore {lab.id}[/] lists them; their picture:"
    )
    output.line(f"  {told['page']}")
    return str(told["page"] or "")


def seed_of(test: TestResult) -> int | None:
    """The seed with which a test failed, if it tries several."""
    words = shlex.split(test.replay)
    return int(words[words.index("--seed") + 1]) if "--seed" in words else None


def _page(lab: Lab, test: TestResult, facts: dict[str, Any], where: Path) -> str:
    """Draw the trace; returns the page's address at the event, or "" if there is no trace."""
    if not facts.get("trace"):
        return ""
    lines = where.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    page = write(where.with_suffix(".html"), build_page(lines, f"{lab.id}: {test.title}"))
    return f"file://{page.resolve()}#event={facts['wrong']['number']}"


def _tell(
    lab: Lab, test: TestResult, facts: dict[str, Any], page: str, output: Output, fails: bool
) -> None:
    part = lab.part_of(test.test)
    seed = seed_of(test)
    about = [f"part {part.id}"] if part and len(lab.parts) > 1 else []
    about += [f"{test.points} points"] + ([f"seed {seed}"] if seed is not None else [])
    output.say(f"[red]✗[/] [bold]{escape(test.title)}[/] [dim]{', '.join(about)}[/]")
    output.say(Padding(f"[red]{escape(test.why)}[/]", (0, 0, 0, 2)))
    if NOT_WRITTEN in test.why:
        hole = blamed(lab, test.why)
        symbol = f" {hole.name}" if hole else ""
        output.say(f"\nnext: write it; [bold]lab hint{symbol}[/] helps")
        return
    if seed is None and not fails:
        output.say(f"next: mend that; [bold]lab test {lab.id}[/]")
        return
    if not fails:
        output.say("[dim]no single seed fails: it is about all seeds of the sweep together[/]")
    wrong = facts.get("wrong", {})
    if facts.get("story"):
        kept, all = len(facts["faults"]), facts["faults_at_first"]
        fewer = f", {kept} of its {all} faults are enough" if kept < all else ""
        output.say(f"\n[bold]what happened[/][dim]{fewer}[/]")
        for line in facts["story"]:
            style = "bold red" if "✗" in line else "none"
            output.say(f"[{style}]{escape(line)}[/]")
        for line in facts["liars"].splitlines():
            output.line(escape(line))
    if wrong.get("number"):
        exact = "the first event that cannot be right"
        last = "the last event before the test looked"
        output.say(f"\n[bold]{exact if wrong['exact'] else last}[/]: {escape(wrong['what'])}")
        if wrong["sentence"] and wrong["sentence"] not in test.why:
            output.say(Padding(escape(wrong["sentence"]), (0, 0, 0, 2)))
    output.say(f"[bold]it checks[/]: {escape(test.requirement)}")
    if page:
        path, _, event = page.removeprefix("file://").partition("#")
        number = event.removeprefix("event=")
        output.say(f"[bold]picture[/] [dim](event {number} of it; --open shows it)[/]:")
        output.line(f"  [link={page}]{os.path.relpath(path)}[/]")
    output.say("again: [bold]lab replay[/], in a debugger: [bold]lab replay --pdb[/]")


@takes.lab_or_none
@_test
@click.option("--seed", type=int, help="The seed that failed.")
@takes.dir
@takes.reference
@click.option(
    "--pdb", "debug", is_flag=True, help="Stop in the handler, at the event that went wrong."
)
@takes.out
@takes.json
def replay(
    lab: str,
    name: str,
    seed: int | None,
    dir: Path | None,
    reference: bool,
    debug: bool,
    out: Path,
    json: bool,
) -> None:
    """Run one test exactly again, record it, and draw it; what lab why explained last if unnamed.

    Faults that lab why found to be needless stay left out, unless a seed is given.
    """
    course, output = Course(), Output(json)
    workspace = open_workspace(course, dir, output)
    found = lab_meant(workspace, lab)
    mine = code_to_test(workspace, found, named=dir is not None, reference=reference) is not None
    named = test_named(found, name or _explained_last(found, out))
    name = named.name.removeprefix("test_")
    facts_file = out / "why" / found.id / f"{name}.json"
    known = workspace.state.read().lab(found.id).tests.get(name) if mine else None
    options = SuiteOptions(
        impl=workspace.root if mine else None,
        tests=(named.id,),
        seed=seed if seed is not None or known is None else seed_of(known),
    )
    more: tuple[str, ...] = ()
    if seed is None and facts_file.is_file():
        more = (*PLUGIN, f"--faults={facts_file}")
    if debug:
        raise Exit(_debug(course, found, options, facts_file))
    trace = folder(out / "replay" / found.id) / f"{name}.jsonl"
    for old in trace.parent.glob(f"{name}*"):
        old.unlink()
    recording = SuiteOptions(
        impl=options.impl, tests=options.tests, seed=options.seed, record=trace, more=more
    )
    result = run_suite(course, found, recording)
    for test in result.tests:
        mark = "[green]✓[/]" if test.passed else "[red]✗[/]"
        output.say(f"{mark} [bold]{escape(test.title)}[/]")
        if not test.passed:
            output.say(Padding(f"[red]{escape(test.why)}[/]", (0, 0, 0, 2)))
    pages = _pages(found, name, trace.parent)
    explained = facts_file.with_suffix(".html")
    if not pages and explained.is_file():  # no simulation: lab why has drawn the single node
        pages = [str(explained)]
    for page in pages:
        output.line(f"picture: {page}")
    output.result(lab=found.id, pages=pages, **result.to_plain())
    if result.earned != result.possible:
        raise Exit(1)


def _pages(lab: Lab, name: str, where: Path) -> list[str]:
    """Draw each simulation that a test has recorded; returns the pages."""
    pages = []
    for recorded in sorted(where.glob(f"{name}*.jsonl")):
        lines = recorded.read_text(encoding="utf-8").splitlines()
        page = build_page(lines, f"{lab.id}: {name}")
        pages.append(str(write(recorded.with_suffix(".html"), page)))
    return pages


def _explained_last(lab: Lab, out: Path) -> str:
    explained = sorted(
        (out / "why" / lab.id).glob("*.json"), key=lambda path: path.stat().st_mtime_ns
    )
    if not explained:
        raise BadInput(
            f"no failure of lab {lab.id} was explained in {out} yet: lab why {lab.id} does that, "
            f"or name a test: lab replay {lab.id} TEST"
        )
    return explained[-1].stem


def _debug(course: Course, lab: Lab, options: SuiteOptions, facts_file: Path) -> int:
    """Run the test with a debugger at the event; the terminal belongs to the debugger."""
    if not facts_file.is_file():
        raise BadInput(
            f"where to stop is not known yet: lab why {lab.id} {facts_file.stem} finds it out"
        )
    facts = jsonlib.loads(facts_file.read_text(encoding="utf-8"))
    step = facts.get("step", 0)
    where = f"--stop-at-step={step}" if step else "--pdb"  # no node took a step: at the failure
    more = (
        *PLUGIN, f"--faults={facts_file}", where, "--capture=no", "--quiet", "--quiet",
        "--no-header", "--no-summary", "--tb=no",
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="lab-") as scratch:
        with_debugger = SuiteOptions(
            impl=options.impl, tests=options.tests, seed=options.seed, more=more
        )
        command = suite_command(course, lab, with_debugger, Path(scratch) / "grades.json")
        return subprocess.run(command, check=False).returncode
