"""A student's counter-example: is it one? A claim is data; what it runs, it runs in the sandbox.

A wrong variant that passes the suite::

    lab: cap
    name: A replica that was down answers with what it had
    file: consistent.py
    find: the text of the reference
    replace: what stands there instead
    seed: 4711                    # with test: this test fails at this seed; with schedule:
    test: test_reads_are_recent   # the lab's checkers say no. With neither, schedules are
    schedule: [...]               # searched for one.

A schedule that breaks the reference: ``lab``, ``name``, ``seed`` and ``schedule`` alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.course.base.lab import Lab, Strict
from common.course.base.located import Located
from common.course.base.scratch import Scratch, without_scratch
from common.course.kit.batches import Batch, Failure, check_cluster, try_batch
from common.course.kit.marking import suites_digest
from common.course.kit.mutants import Mutant, apply, find_test
from common.course.suites.suite import SuiteOptions, run_suite
from common.values.errors import BadInput
from common.values.faults import Schedule

FIRST = ("--exitfirst",)
"""A variant is caught by one test: the others need not be run."""

SEARCHED = 500
"""Schedules that are tried on a variant that comes without one."""


class Claim(Strict, frozen=True):
    """What a student says.

    Attributes:
        lab: the lab's id.
        name: what is wrong, as a sentence.
        file: the file that is changed, relative to the lab's room; "" for the reference.
        find: the text of the reference that is replaced.
        replace: what stands there instead.
        test: a graded test that fails at ``seed``.
        seed: of the test, or of the schedule.
        schedule: that makes the lab's checkers say no.
        variant: which of the lab's ways to run it; "" for the first.
    """

    lab: str
    name: str
    file: str = ""
    find: str = ""
    replace: str = ""
    test: str = ""
    seed: int = 1
    schedule: list[dict[str, Any]] | None = None
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a claim.

    Attributes:
        holds: whether it is a counter-example.
        why: a sentence.
        entry: YAML to add to the course; "" if it does not hold.
    """

    holds: bool
    why: str
    entry: str = ""


def read_claim(path: Path, course: Course) -> Claim:
    """Read a claim.

    Raises:
        BadInput: it cannot be read, or says too little; the text names the line.
    """
    located = Located(path)
    claim = located.decode(Claim)
    try:
        lab = course.lab(claim.lab)
    except BadInput as error:
        raise located.error(str(error), "lab") from None
    if claim.schedule is not None:
        _check_schedule(located, claim, lab)
    if not claim.file:
        if claim.schedule is None:
            raise located.error("it has neither a file with a bug nor a schedule")
        return claim
    if claim.file not in {file.path for file in lab.files}:
        raise located.error(f"{claim.file} is no file of lab {lab.id}", "file")
    source = (course.room_of(lab) / claim.file).read_text(encoding="utf-8")
    if source.count(claim.find) != 1 or not claim.find:
        times = source.count(claim.find) if claim.find else 0
        raise located.error(f"the text to find is {times} times in {claim.file}, not once", "find")
    if claim.find == claim.replace:
        raise located.error("it changes nothing", "replace")
    if claim.test:
        try:
            find_test(lab, claim.test)
        except BadInput as error:
            raise located.error(str(error), "test") from None
    return claim


def _check_schedule(located: Located, claim: Claim, lab: Lab) -> None:
    """See that a schedule can be run at all: one that names a stranger breaks nothing."""
    check_cluster(lab)
    try:
        worlds = worlds_of(lab)
        known = worlds.everyone(worlds.variant(claim.variant))
        Schedule.from_plain(claim.schedule).check_nodes(known)
    except BadInput as error:
        raise located.error(str(error), "schedule") from None


def judge(claim: Claim, course: Course, unsafe: bool = False) -> Judgement:
    """Check a claim.

    Raises:
        MissingTool: there is no sandbox for the variant.
    """
    lab = course.lab(claim.lab)
    if not claim.file:
        return _schedule_against_reference(claim, course, lab)
    with Scratch("bounty") as scratch:
        workspace = scratch
        mutant = Mutant(
            name=claim.name, file=claim.file, find=claim.find, replace=claim.replace,
            caught_by=claim.test,
        )  # fmt: skip
        apply(course, lab, mutant, workspace)
        caught = run_suite(
            course, lab, SuiteOptions(impl=workspace, judged=True, unsafe=unsafe, more=FIRST)
        ).failed
        if caught:
            test = caught[0].test.rpartition("::")[2]
            return Judgement(False, f"no bounty: the suite catches it already, with {test}")
        if claim.test:
            return _by_test(claim, course, lab, workspace, unsafe)
    return _by_schedule(claim, course, lab, unsafe)


def _schedule_against_reference(claim: Claim, course: Course, lab: Lab) -> Judgement:
    failure = _run(claim, course, {}, 1)
    if failure is None:
        return Judgement(False, f"the reference of lab {lab.id} keeps its promises under it")
    entry = {"lab": lab.id, "name": claim.name, "seed": claim.seed, "schedule": failure.schedule}
    why = f"it breaks the reference of lab {lab.id}: {failure.sentence}"
    return Judgement(True, why, yaml.safe_dump([entry], sort_keys=False, width=100))


def _by_test(claim: Claim, course: Course, lab: Lab, workspace: Path, unsafe: bool) -> Judgement:
    """The suite passes; does this test fail for the variant at this seed, and only for it?"""
    test = find_test(lab, claim.test)
    one = SuiteOptions(tests=(test,), seed=claim.seed)
    if run_suite(course, lab, one).failed:
        why = f"the reference fails {claim.test} at seed {claim.seed} too: the test is wrong there"
        return Judgement(False, why)
    wrong = SuiteOptions(impl=workspace, judged=True, unsafe=unsafe, tests=(test,), seed=claim.seed)
    failed = run_suite(course, lab, wrong).failed
    if not failed:
        return Judgement(False, f"{claim.test} passes with it at seed {claim.seed} as well")
    said = without_scratch(failed[0].why.strip(), workspace, course)
    why = f"the suite passes, and at seed {claim.seed} {claim.test} fails: {said}"
    return Judgement(True, why, _entry(claim, claim.test, f"fails at seed {claim.seed}"))


def _by_schedule(claim: Claim, course: Course, lab: Lab, unsafe: bool) -> Judgement:
    check_cluster(lab)
    path = lab.path(claim.file)
    source = (course.root / path).read_text(encoding="utf-8")
    files = {path: source.replace(claim.find, claim.replace).encode()}
    failure = _run(claim, course, files, 1 if claim.schedule is not None else SEARCHED, unsafe)
    if failure is None and claim.schedule is None:
        return Judgement(
            False, f"not shown: the suite passes, and so do {SEARCHED} schedules; give a schedule"
        )
    if failure is None:
        return Judgement(False, "the lab's checkers find nothing wrong with it under the schedule")
    shown = Claim(lab=lab.id, name=claim.name, seed=failure.seed, schedule=failure.schedule,
                  variant=claim.variant)  # fmt: skip
    if (own := _run(shown, course, {}, 1)) is not None:
        return Judgement(False, f"the reference fails under this schedule too: {own.sentence}")
    words = "".join(letter if letter.isalnum() else " " for letter in claim.name.lower()).split()
    why = f"the suite passes, and at seed {failure.seed} it is wrong: {failure.sentence}"
    schedule = yaml.safe_dump(failure.schedule, default_flow_style=True, width=10_000).strip()
    told = f"to be written: seed {failure.seed}, schedule {schedule}"
    return Judgement(True, why, _entry(claim, f"test_{'_'.join(words)}", told))


def _run(
    claim: Claim, course: Course, files: dict[str, bytes], count: int, unsafe: bool = False
) -> Failure | None:
    batch = Batch(
        lab=claim.lab, variant=claim.variant, first=claim.seed, count=count, kinds=(),
        files=files, suites=suites_digest(course), unsafe=unsafe, schedule=claim.schedule,
    )  # fmt: skip
    tried = try_batch(batch)
    return tried.failures[0] if tried.failures else None


def _entry(claim: Claim, test: str, told: str) -> str:
    """The mutant as ``tests/mutants/LAB.yaml`` has them."""
    plain = {
        "name": claim.name, "file": claim.file, "find": claim.find, "replace": claim.replace,
        "caught_by": test,
    }  # fmt: skip
    return f"# {told}\n" + yaml.safe_dump([plain], sort_keys=False, allow_unicode=True, width=100)
