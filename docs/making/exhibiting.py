"""Has each exhibit of the museum fail its test, as ``lab why`` would, and writes down how.

    python -m docs.making.exhibiting [LAB | KEY ...]

writes ``docs/results/museum.json``, and ``docs/results/museum/KEY.jsonl``, a run that shows the
bug. That is a run of the test that has to catch it. Where that test calls a function and runs no
node, it is a scene that was made for the exhibit (``shown``), or a run of another test that fails,
or one of the lab's own cluster, in which what the clients saw breaks a property.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from common.course.base.course import Course
from common.course.base.scratch import Scratch, without_scratch
from common.course.kit.mutants import apply, find_test
from common.course.suites.suite import SuiteOptions, TestResult, run_suite
from common.course.why.verbs import PLUGIN, seed_of
from docs.making.measuring import when, write
from docs.making.museum import TRACES, Exhibit, exhibits
from docs.making.shown import SHOWN

MOST_BYTES = 400_000
"""A longer trace is not kept."""

ALL_IS_WELL = 2
"""What ``breaking`` and ``showing`` exit with where nothing is broken; 1 is a crash of theirs."""

VAGUE = ": this cannot be right"
"""How ``lab why`` ends the verdict of a test whose failure names no event."""

MOST_OTHERS = 8
"""So many other tests are looked at for one that runs nodes."""


def main(arguments: list[str]) -> int:
    """Do it for some labs or exhibits, or for all; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.making.exhibiting",
        description="Record what the tests say of the museum's bugs, with their traces.",
        epilog="example: python -m docs.making.exhibiting raft",
    )
    about = "a lab, or the key of an exhibit in docs/museum.yaml; all if none"
    parser.add_argument("names", nargs="*", metavar="LAB|KEY", help=about)
    wanted = set(parser.parse_args(arguments).names)
    course = Course()
    shown = list(exhibits(course))
    if unknown := wanted.difference(*({each.lab.id, each.key} for each in shown)):
        print(f"error: the museum has nothing of {', '.join(sorted(unknown))}", file=sys.stderr)
        return 3
    TRACES.mkdir(parents=True, exist_ok=True)
    for exhibit in shown:
        if not wanted or {exhibit.lab.id, exhibit.key} & wanted:
            facts = found(course, exhibit)
            write("museum", {exhibit.key: {**when(), **facts}})
            print(f"{exhibit.key}: {facts['shown'] or 'no run'}", flush=True)
    return 0


def found(course: Course, exhibit: Exhibit) -> dict[str, Any]:
    """What the exhibit's test says, and what shows it; its trace is written beside the data."""
    _, _, lab, mutant = exhibit
    kept = TRACES / f"{exhibit.key}.jsonl"
    kept.unlink(missing_ok=True)
    with Scratch("exhibit") as scratch:
        apply(course, lab, mutant, scratch)
        options = SuiteOptions(impl=scratch, tests=(find_test(lab, mutant.caught_by),))
        ended = run_suite(course, lab, options).tests[0]
        assert not ended.passed, f"{exhibit.key} is not caught"
        why, shown = _explained(course, exhibit, ended, scratch), {"shown": "its test"}
        if exhibit.key in SHOWN:
            shown = _shown_in_a_scene(exhibit, scratch)
        elif not kept.is_file():
            others = run_suite(course, lab, SuiteOptions(impl=scratch)).tests
            shown = {"shown": _shown_elsewhere(course, exhibit, ended, others, scratch)}
    return {"requirement": ended.requirement, "title": ended.title, "why": why, **shown}


def _explained(course: Course, exhibit: Exhibit, ended: TestResult, scratch: Path) -> str:
    """Why a test fails, in its smallest run; the trace is kept if there is one."""
    where = scratch / "why.json"
    where.unlink(missing_ok=True)
    more = (*PLUGIN, f"--why={where}", "--shrink=all")
    options = SuiteOptions(impl=scratch, seed=seed_of(ended), tests=(ended.test,), more=more)
    run_suite(course, exhibit.lab, options)
    facts = json.loads(where.read_text("utf-8")) if where.exists() else {}
    why = without_scratch(str(facts.get("why") or ended.why), scratch, course).strip()
    if facts.get("trace"):
        trace = where.with_suffix(".jsonl")
        trace.write_text(with_reason(trace.read_text("utf-8"), why), encoding="utf-8")
        _keep(exhibit, trace)
    return why


def with_reason(lines: str, why: str) -> str:
    """A trace whose verdict says what the test says, where it says only which event is wrong."""
    return lines.replace(f'{VAGUE}"', f'. The test says: {json.dumps(why)[1:-1]}"')


def _shown_in_a_scene(exhibit: Exhibit, scratch: Path) -> dict[str, str]:
    """What the scene made for it shows with the bug, and ``right``, what it shows without."""
    with Scratch("right") as reference:
        right, _ = _played("showing", exhibit.key, reference)
    wrong, trace = _played("showing", exhibit.key, scratch)
    assert trace is not None, f"the scene of {exhibit.key} does not show it: {wrong}"
    assert _keep(exhibit, trace), f"the trace of {exhibit.key} is too long: make its scene shorter"
    return {"shown": wrong, "right": right}


def _shown_elsewhere(
    course: Course,
    exhibit: Exhibit,
    ended: TestResult,
    others: tuple[TestResult, ...],
    scratch: Path,
) -> str:
    """A run that shows the bug: of another test, or of the lab's cluster; "" if there is none."""
    failed = [each for each in others if not each.passed and each.test != ended.test]
    for each in failed[:MOST_OTHERS]:
        why = _explained(course, exhibit, each, scratch)
        if (TRACES / f"{exhibit.key}.jsonl").is_file():
            return f"{each.title} ({each.requirement}): {why}"
    if not exhibit.lab.worlds:
        return ""
    told, broken = _played("breaking", exhibit.lab.id, scratch)
    return told if broken is not None and _keep(exhibit, broken) else ""


def _played(module: str, name: str, workspace: Path) -> tuple[str, Path | None]:
    """Run a module with the files of a workspace: what it says, and its trace if all is not well.

    Raises:
        subprocess.CalledProcessError: it has crashed.
    """
    trace = workspace / "scene.jsonl"
    command = [sys.executable, "-m", f"docs.making.{module}", name, str(workspace), str(trace)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, ALL_IS_WELL):
        ran.check_returncode()
    return ran.stdout.strip(), None if ran.returncode else trace


def _keep(exhibit: Exhibit, trace: Path) -> bool:
    """Keep a trace, if it is not too long."""
    if trace.stat().st_size > MOST_BYTES:
        return False
    (TRACES / f"{exhibit.key}.jsonl").write_bytes(trace.read_bytes())
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
