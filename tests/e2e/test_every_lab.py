"""What each lab's one declaration is good for: searched, explored, hashed, run as processes.

The tests know no lab. A new one is in them as soon as it has a ``worlds.py``.
"""

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.check.explorer import Answer, Instance, explore_instance
from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.course.base.lab import Lab
from common.course.base.naming import find
from common.course.base.output import Output
from common.course.kit.search import UNTIL
from common.course.verbs.running import LiveOptions, run_live
from common.course.verbs.session import SessionOptions
from common.trace.reader import read
from common.values.history import Ok
from common.values.report import Report, Trace
from common.values.units import SECOND
from common.worlds import Variant, Worlds
from common.worlds.portable import digests
from tests.support.portable import AT_HAND, said_by, said_in_pyodide
from tests.support.trace_hash import digest

SEEDS = 10
TAKES_LONGER = {"swim-completeness"}
"""By lab and name, promises of which some seconds show nothing: who dies is found in ten."""

FIRST_STATES = 3_000
"""So many states of an instance are looked at on its day; all of them in a heavy proof."""

DECLARED = [worlds_of(lab) for lab in Course().labs if lab.worlds]
PACKAGES = [worlds.package for worlds in DECLARED]
THIRDS = [PACKAGES[third::3] for third in range(3)]
"""Of which the traces are compared at a time."""

OVERLAID = """
import sys
from pathlib import Path
from common.course.base.course import Course
from common.course.base.declared import worlds_of
from common.course.base.implementation import install_overlay

course = Course()
install_overlay(Path(sys.argv[1]), course)
for lab in course.labs:
    if lab.worlds:
        variant = worlds_of(lab).variant()
        for kind in filter(None, (variant.node, variant.client)):
            print(sys.modules[kind.__module__].__file__)
"""
"""Lays a workspace over the course, and tells from which files the labs' classes come."""

VARIANTS = [
    pytest.param(worlds, variant, id=f"{worlds.lab}-{name}")
    for worlds in DECLARED
    for name, variant in worlds.variants.items()
]
SMALL = [
    pytest.param(instance, id=f"{worlds.lab}-{name}")
    for worlds in DECLARED
    for name, instance in worlds.small.items()
]
BROKEN = [
    pytest.param(instance, id=f"{worlds.lab}-{name}")
    for worlds in DECLARED
    for name, instance in worlds.broken.items()
]


@pytest.mark.rotates
@pytest.mark.parametrize(("worlds", "variant"), VARIANTS)
def test_what_a_variant_promises_holds_under_chaos_and_what_it_breaks_breaks(
    worlds: Worlds, variant: Variant
) -> None:
    """A promise about long times is not judged in runs of these few seconds: that is unknown."""
    broken: set[str] = set()
    kept: set[str] = set()
    ok = 0
    for seed in range(SEEDS):
        scene = worlds.rehearsal(variant, seed=seed, recorded=False, check_handlers=23)
        scene.run(UNTIL)
        ok += sum(isinstance(operation.outcome, Ok) for operation in scene.history)
        for name, verdict in scene.verdicts().items():
            assert name in variant.breaks or verdict.answer is not Answer.NO, (
                f"seed {seed}: not {name}: {verdict.sentence}"
            )
            broken |= {name} if verdict.answer is Answer.NO else set()
            kept |= {name} if verdict.answer is Answer.YES else set()
    assert ok >= 10 * SEEDS, "hardly anything was done, so nothing is shown"
    assert broken == set(variant.breaks), f"in {SEEDS} runs"
    asked = {name for name in variant.checks if f"{worlds.lab}-{name}" not in TAKES_LONGER}
    assert asked <= kept | broken, f"{asked - kept - broken} was not judged in {SEEDS} runs"


@pytest.mark.rotates
@pytest.mark.parametrize("instance", SMALL)
def test_the_first_states_of_a_small_instance_break_nothing(instance: Instance) -> None:
    some = replace(instance, bounds=replace(instance.bounds, states=FIRST_STATES))
    found = explore_instance(some)
    assert found.counter_example is None, found.summary()


@pytest.mark.proof
@pytest.mark.parametrize("instance", SMALL)
def test_every_state_of_a_small_instance_keeps_what_the_lab_promises(instance: Instance) -> None:
    found = explore_instance(instance)
    print(found.summary())
    assert found.answer is Answer.YES, found.summary()
    assert found.states > 1_000, "the instance has become too small to say anything"


@pytest.mark.parametrize("instance", BROKEN)
def test_the_explorer_finds_what_is_wrong_with_a_broken_instance(instance: Instance) -> None:
    found = explore_instance(instance)
    assert found.answer is Answer.NO, found.summary()
    assert found.counter_example is not None


@functools.cache
def here(third: int) -> dict[str, str]:
    """The hash of each of these labs' traces on this Python."""
    return digests(THIRDS[third])


@pytest.mark.rotates
@pytest.mark.parametrize("python", AT_HAND)
@pytest.mark.parametrize("third", range(3))
def test_the_labs_leave_the_same_traces_on_every_python_at_hand(python: str, third: int) -> None:
    said = said_by(python, "-m", "common.worlds.portable", *THIRDS[third], hash_seed="12345")
    assert {line.split()[1]: line.split()[0] for line in said.splitlines()} == here(third)


@pytest.mark.slow
@pytest.mark.rotates
@pytest.mark.needs("node", "npm")
@pytest.mark.parametrize("third", range(3))
def test_the_labs_and_the_canonical_run_leave_the_same_traces_in_pyodide(
    third: int, tmp_path: Path
) -> None:
    code = (
        "import json\nfrom common.worlds.portable import digests\n"
        "from tests.support.trace_hash import digest\n"
        f"print(json.dumps([digests({THIRDS[third]!r}), digest()]))\n"
    )
    assert json.loads(said_in_pyodide(code, tmp_path).splitlines()[-1]) == [here(third), digest()]


@pytest.mark.proof
@pytest.mark.parametrize("lab", Course().labs, ids=lambda lab: lab.id)
def test_every_picture_of_a_demonstration_says_what_there_is_to_see(lab: Lab) -> None:
    report: Report = find(lab.demo, lab.id)(7)
    for trace in (part for part in report.parts if isinstance(part, Trace)):
        kinds = {json.loads(line)["kind"] for line in trace.lines.splitlines()}
        assert "verdict" in kinds, f"{trace.name} has no verdict"


@pytest.mark.rotates
@pytest.mark.parametrize("worlds", DECLARED, ids=lambda worlds: worlds.lab)
def test_processes_that_are_killed_in_turn_keep_what_the_lab_promises(
    worlds: Worlds, tmp_path: Path
) -> None:
    """A lab in which nobody may crash has a process that stands still instead.

    On a busy machine hardly anything may be done in three seconds: then there is more time."""
    killed = "crash" in worlds.bears
    trouble = "kill_in_turn" if killed else "stand_still"
    for seconds in (3, 12):
        options = LiveOptions(seconds * SECOND, trouble, tmp_path / f"{seconds}", SessionOptions())
        told: dict[str, Any] = run_live(worlds, options, Output(json=True))
        if told["outcomes"]["ok"] < 20:
            continue
        for name, verdict in told["verdicts"].items():
            broken = name in worlds.variant().breaks
            longer = f"{worlds.lab}-{name}" in TAKES_LONGER and verdict["answer"] == "unknown"
            said = f"not {name}: {verdict['sentence']}"
            assert broken or longer or verdict["answer"] == "yes", said
        break
    else:
        pytest.fail(f"hardly anything was done: {told['outcomes']}")
    kinds = {event["kind"] for event in read(Path(told["files"]["trace"])).events}
    assert {"invoke", "return", "send", "recv"} <= kinds
    assert {"crash", "restart"} <= kinds if killed else {"pause", "resume"} <= kinds
