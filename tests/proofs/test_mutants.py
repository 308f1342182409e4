"""Every named mutant is caught by the test that it names, on the seeds that students get."""

import pytest

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.kit.mutants import Mutant, all_mutants, try_mutant

COURSE = Course()
MUTANTS = all_mutants(COURSE, COURSE.labs)

pytestmark = pytest.mark.proof


@pytest.mark.parametrize(
    ("lab", "mutant"), MUTANTS, ids=[f"{lab.id}-{mutant.name}" for lab, mutant in MUTANTS]
)
def test_the_test_that_a_mutant_names_catches_it(lab: Lab, mutant: Mutant) -> None:
    ended = try_mutant(COURSE, lab, mutant)
    assert ended.fate == "caught", f"{ended.fate}: {ended.why}"
