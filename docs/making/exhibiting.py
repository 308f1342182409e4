"""Has each exhibit of the museum fail its test, as ``lab why`` would, and writes down how.

    python -m docs.making.exhibiting [LAB ...]

writes ``docs/results/museum.json``, and ``docs/results/museum/KEY.jsonl`` if a run was recorded.
"""

import json
import sys
from typing import Any

from common.course.base.course import Course
from common.course.base.scratch import Scratch
from common.course.kit.mutants import apply, find_test
from common.course.suites.suite import SuiteOptions, run_suite
from common.course.why.verbs import PLUGIN, seed_of
from docs.making.measuring import when, write
from docs.making.museum import TRACES, Exhibit, exhibits

MOST_BYTES = 150_000
"""A longer trace is not kept: the sentence has to do."""


def main(arguments: list[str]) -> int:
    """Do it for some labs, or for all; returns the exit code."""
    course = Course()
    TRACES.mkdir(parents=True, exist_ok=True)
    for exhibit in exhibits(course):
        if not arguments or exhibit.lab.id in arguments:
            write("museum", {exhibit.key: {**when(), **found(course, exhibit)}})
            print(f"{exhibit.key}: {exhibit.mutant.name}")
    return 0


def found(course: Course, exhibit: Exhibit) -> dict[str, Any]:
    """What the exhibit's test says; its trace is written beside the data."""
    _, _, lab, mutant = exhibit
    test = find_test(lab, mutant.caught_by)
    with Scratch("exhibit") as scratch:
        apply(course, lab, mutant, scratch)
        ended = run_suite(course, lab, SuiteOptions(impl=scratch, tests=(test,))).tests[0]
        assert not ended.passed, f"{exhibit.key} is not caught"
        where = scratch / "why.json"
        more = (*PLUGIN, f"--why={where}", "--shrink=all")
        run_suite(
            course, lab, SuiteOptions(impl=scratch, seed=seed_of(ended), tests=(test,), more=more)
        )
        facts = json.loads(where.read_text("utf-8")) if where.exists() else {}
        trace = where.with_suffix(".jsonl")
        kept = TRACES / f"{exhibit.key}.jsonl"
        kept.unlink(missing_ok=True)
        if facts.get("trace") and trace.stat().st_size <= MOST_BYTES:
            kept.write_bytes(trace.read_bytes())
    why = (facts.get("why") or ended.why).replace(f"{scratch}/", "")  # a path as the course has it
    return {"requirement": ended.requirement, "title": ended.title, "why": why.strip()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
