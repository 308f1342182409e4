"""Of the labs that were gone through, each small change of each exercise is caught or explained."""

from pathlib import Path

import pytest

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.kit.generated.proving import Proof
from common.course.kit.generated.trying import Processes

COURSE = Course()

GONE_THROUGH = ("cap",)
"""A lab is added here when ``lab mutants --generated LAB`` finds no survivor any more."""

EXERCISES = [(COURSE.lab(id), hole.name) for id in GONE_THROUGH for hole in COURSE.lab(id).holes]

pytestmark = pytest.mark.proof


@pytest.mark.parametrize(
    ("lab", "exercise"), EXERCISES, ids=[f"{lab.id}-{exercise}" for lab, exercise in EXERCISES]
)
def test_no_change_of_an_exercise_goes_unseen(lab: Lab, exercise: str, tmp_path: Path) -> None:
    proof = Proof(COURSE, lab, tmp_path)
    mine = [mutant for mutant in proof.every if mutant.exercise == exercise]
    assert mine, "an exercise has something to change"
    with Processes(1) as processes:
        proof.run(mine, processes, lambda: None)
    reckoning = proof.reckon(mine)
    assert [f"{mutant.id}: {mutant.what}" for mutant in reckoning.survivors] == []
    assert list(reckoning.stale) == []
