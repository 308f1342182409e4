"""Graded suite of the lab ``raft``: the story of Figure 8, played."""

from common.check.explorer import Answer
from common.course.suites.grading import Sweep, graded
from stage4_consensus.raft.checks_outside import Outside
from stage4_consensus.raft.demo_figure8 import tell
from tests.stage4_consensus.raft.lab import RaftLab

LAB = "raft"


@graded(
    points=3,
    title="Figure 8, played",
    requirement="section 5.4.2: from (c) on it may go as in (d) or as in (e), and never both",
)
def test_the_safety_properties_hold_through_figure_8(lab: RaftLab, sweep: Sweep) -> None:
    for seed in sweep(3):
        for ending in "de":
            story = tell(lab.RaftRegisters, seed, ending, Outside())
            assert story.verdict is not None
            assert story.verdict.answer is Answer.YES, story.verdict.sentence
            assert story.logs["c"]["n4"] == "1 1", "entry 2 of term 1 is on four servers"
            assert story.logs[ending]["n4"] == {"d": "1 2 4", "e": "1 1 3"}[ending]
