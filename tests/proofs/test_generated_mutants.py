"""Each small change of each exercise is caught or explained, or published as one that is not.

What the docs publish of a lab (``docs/results/mutants.json``, written by ``lab mutants --generated
LAB --publish``) is held against the suites: no other mutant survives. There are thousands of them,
so a slice of the proofs tries an eighth of those of its exercises, and twenty days later the next
eighth: all in 160 days. ``SLICE=all`` tries all.
"""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.kit.generated.making import Generated
from common.course.kit.generated.proving import Choice, Proof
from common.course.kit.generated.reckoning import enough
from common.course.kit.generated.recording import FILE, read
from common.course.kit.generated.trying import Processes

COURSE = Course()
PUBLISHED = read(COURSE.root / FILE)

EXERCISES = [(COURSE.lab(id), hole.name) for id in PUBLISHED for hole in COURSE.lab(id).holes]

SLICES, TURNS = 20, 8
"""CI comes to the same slice again after so many days, and then does the next of so many turns."""

SUITE_SECONDS = 10
"""The longest that the suite of a reference may take."""


@pytest.mark.proof
@pytest.mark.parametrize(
    ("lab", "exercise"), EXERCISES, ids=[f"{lab.id}-{exercise}" for lab, exercise in EXERCISES]
)
def test_no_change_of_an_exercise_goes_unseen_but_those_that_are_published(
    lab: Lab, exercise: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    proof, figures = Proof(COURSE, lab, tmp_path), PUBLISHED[lab.id]
    proof.trust(SUITE_SECONDS)
    sample = 0 if figures.tried == figures.generated else figures.tried
    tried = Choice(limit=sample).of(proof.every)
    mine = [
        mutant
        for mutant in proof.every
        if mutant.exercise == exercise and (mutant.lab, mutant.id) in tried
    ]
    if getattr(pytestconfig.option, "proofs", "1/1") != "1/1":
        mine = [mutant for mutant in mine if has_its_turn(mutant)]
    with Processes(1) as processes:
        proof.run(mine, processes, lambda: None)
    reckoning = proof.reckon(mine)
    unseen = [each for each in reckoning.survivors if each.id not in figures.survivors]
    assert [f"{mutant.id}: {mutant.what}" for mutant in unseen] == []
    assert list(reckoning.stale) == []


def has_its_turn(mutant: Generated) -> bool:
    """Whether a mutant is tried today."""
    turn = datetime.now(UTC).toordinal() // SLICES % TURNS
    return sha256(mutant.id.encode()).digest()[0] % TURNS == turn


@pytest.mark.parametrize("id", PUBLISHED)
def test_of_each_lab_enough_mutants_are_caught_or_explained(id: str) -> None:
    figures = PUBLISHED[id]
    assert figures.tried >= min(60, figures.generated), "a few tell nothing"
    assert figures.tried == figures.caught + figures.explained + len(figures.survivors)
    assert enough(figures.caught + figures.explained, figures.tried), f"{id}: {figures}"
