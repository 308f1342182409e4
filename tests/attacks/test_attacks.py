"""Every hostile submission scores nothing that it did not solve, and harms nobody.

Run one by its name: ``pytest tests/attacks -k exits_with_success_at_import``. What each tries is in
``tests/attacks/corpus``, what stops it in ``docs/reference/judge.md``.
"""

import time
from functools import cache
from pathlib import Path

import msgspec
import pytest

from common.course.base.lab import Lab
from common.course.base.scratch import without_scratch
from common.course.judge import sandbox
from common.values.brief import legible
from tests.attacks.attacking import Attack, Classroom, Judged, attacks
from tests.attacks.elsewhere import elsewhere

MOST_SECONDS = 120
MOST_REPORT_BYTES = 64 << 10
MOST_MEMORY_BYTES = 1536 << 20
"""Of the largest process, be it the judge's or the submission's."""

MOST_JUDGE_BYTES = 256 << 20
MOST_JUDGE_SECONDS = 5 * 2
"""What a submission may cost the judge's own process: memory in a test, processor time for a seed
of it. On a busy machine the same work takes up to twice as long."""


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """One copy of the course for all."""
    if not any(sandbox.available(kind) for kind in sandbox.KINDS):
        pytest.skip("there is no sandbox here")
    return Classroom(tmp_path_factory.mktemp("classroom"))


def judge(classroom: Classroom, attack: Attack) -> Judged:
    """Take in what an attacker hands in, and judge it."""
    lab = classroom.course.lab(attack.lab)
    workspace = classroom.workspace(classroom.submission(attack), lab)
    return classroom.judge(lab, attack.tests, workspace, *attack.options)


@cache
def carried_over() -> tuple[Attack, ...]:
    """The attacks against a second lab."""
    return tuple(other for attack in attacks() if (other := elsewhere(attack)) is not None)


def all_tests() -> dict[str, list[str]]:
    """By lab, every test that some attack wants the points of."""
    wanted: dict[str, dict[str, None]] = {}
    for attack in (*attacks(), *carried_over()):
        wanted.setdefault(attack.lab, {}).update(dict.fromkeys(attack.tests))
    return {lab: list(tests) for lab, tests in wanted.items()}


@pytest.mark.proof
@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.name)
def test_it_gains_nothing_and_harms_nobody(classroom: Classroom, attack: Attack) -> None:
    gains_nothing(classroom, attack)


@pytest.mark.proof
@pytest.mark.parametrize("attack", carried_over(), ids=lambda attack: attack.name)
def test_nor_does_it_in_another_lab(classroom: Classroom, attack: Attack) -> None:
    gains_nothing(classroom, attack)


def gains_nothing(classroom: Classroom, attack: Attack) -> None:
    """Have an attack judged, and look at everything."""
    judged = judge(classroom, attack)
    told = f"{attack.tries}\n{judged.said[-6000:]}"
    assert judged.earned == 0, told
    assert judged.verdicts.keys() == set(attack.tests), f"the report is torn: {told}"
    assert set(judged.verdicts.values()) <= {"fail", "hung"}, told
    assert judged.code == 1, f"the suite did not come to its own end: {told}"
    assert judged.report_bytes < MOST_REPORT_BYTES, f"a report of {judged.report_bytes:,} bytes"
    assert not judged.leaked, f"a secret of the judge's got out: {told}"
    assert judged.left == [], "it left something behind"
    assert judged.seconds < MOST_SECONDS, f"it took {judged.seconds:.0f} s"
    assert judged.memory_bytes < MOST_MEMORY_BYTES, f"it took {judged.memory_bytes >> 20} MiB"
    assert judged.judge_bytes < MOST_JUDGE_BYTES, f"the judge took {judged.judge_bytes >> 20} MiB"
    assert judged.judge_seconds < MOST_JUDGE_SECONDS, f"the judge took {judged.judge_seconds:.1f} s"
    assert classroom.digest() == classroom.fresh, "the course is not what it was"
    told_fairly(classroom, judged.whys)


def told_fairly(classroom: Classroom, whys: list[str]) -> None:
    """See that a report can be made of what a stranger had a say in, and that it is text."""
    began = time.process_time()
    for why in whys:
        assert why == legible(why), f"this acts on a terminal: {why!a}"
        without_scratch(why, classroom.folder / "work", classroom.course)
    assert time.process_time() - began < MOST_JUDGE_SECONDS, "it is slow to tell"


@pytest.mark.proof
@pytest.mark.parametrize(("lab", "tests"), all_tests().items(), ids=lambda value: str(value)[:20])
def test_the_untouched_handout_scores_zero_and_the_next_submission_all(
    classroom: Classroom, lab: str, tests: list[str]
) -> None:
    found: Lab = classroom.course.lab(lab)
    nothing = Attack(name="", tries="", wall="", lab=lab, tests=tests)
    workspace = classroom.workspace(classroom.submission(nothing), found)
    assert classroom.judge(found, tests, workspace).earned == 0
    reference = classroom.judge(found, tests, None)
    assert set(reference.verdicts.values()) == {"pass"}, reference.said[-3000:]


@pytest.mark.proof
def test_seeds_that_nobody_knows_are_what_stops_a_submission_that_fits_the_public_ones(
    classroom: Classroom,
) -> None:
    attack = next(each for each in attacks() if each.name == "fits_the_public_seeds")
    public = judge(classroom, msgspec.structs.replace(attack, options=[]))
    assert set(public.verdicts.values()) == {"pass"}, "with public seeds it gets the points"


def test_there_are_at_least_a_hundred_and_no_two_of_a_name() -> None:
    names = [attack.name for attack in attacks()]
    assert len(names) >= 100
    alone = [attack for attack in attacks() if attack.only_here]
    assert len(carried_over()) + len(alone) == len(names)
    assert len(alone) <= 8, "few of them are about one lab alone"
    assert len(names) == len(set(names))
    for attack in attacks():
        assert attack.tries.endswith("."), f"{attack.name} says in one sentence what it tries"
        assert attack.tests, f"{attack.name} names the tests that it wants the points of"


def test_the_page_of_the_judge_lists_every_attack(pytestconfig: pytest.Config) -> None:
    page = Path(pytestconfig.rootpath, "docs/reference/judge.md").read_text(encoding="utf-8")
    for attack in attacks():
        row = f"| `{attack.name}` | {attack.tries} | {attack.wall} |"
        assert row in page, f"this line belongs into docs/reference/judge.md:\n{row}"
        if attack.only_here:
            row = f"| `{attack.name}` | {attack.lab} | {attack.only_here} |"
            assert row in page, f"this line belongs into docs/reference/judge.md:\n{row}"
