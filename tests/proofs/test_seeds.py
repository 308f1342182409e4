"""A thousand seeds for each lab: of its graded suite, and of schedules at random for a cluster.

The schedules are of all kinds of trouble that a lab promises to bear.

A few at a time, so that each slice of the proofs has some of each lab.
"""

import pytest

from common.course.base.course import Course
from common.course.base.lab import Lab
from common.course.kit.batches import Batch, try_batch
from common.course.kit.marking import suites_digest
from common.course.suites.suite import SuiteOptions, run_suite

COURSE = Course()
SEEDS, PIECES = 1000, 40
EACH = SEEDS // PIECES
CLUSTERS = [lab for lab in COURSE.labs if lab.worlds]

pytestmark = [
    pytest.mark.proof,
    pytest.mark.parametrize("piece", range(1, PIECES + 1)),
]


@pytest.mark.parametrize("lab", COURSE.labs, ids=lambda lab: lab.id)
def test_the_reference_passes_its_suite_on_a_thousand_seeds(lab: Lab, piece: int) -> None:
    """Where the suite's sweeps try fewer seeds, these are others than students get."""
    options = SuiteOptions(seeds=EACH, seed_key=f"piece {piece}")
    run = run_suite(COURSE, lab, options)
    assert [f"{test.name}: {test.why} {test.replay}" for test in run.failed] == []
    assert not run.cut_short
    assert run.earned == lab.points


@pytest.mark.needs("bwrap")
@pytest.mark.parametrize("lab", CLUSTERS, ids=lambda lab: lab.id)
def test_the_reference_keeps_its_promises_under_a_thousand_schedules(lab: Lab, piece: int) -> None:
    batch = Batch(
        lab=lab.id, variant="", first=1 + (piece - 1) * EACH, count=EACH, kinds=(), files={},
        suites=suites_digest(COURSE),
    )  # fmt: skip
    tried = try_batch(batch)
    assert tried.failures == ()
    assert tried.ok > EACH, "operations are carried out under most schedules"
