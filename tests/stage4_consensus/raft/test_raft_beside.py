"""What stands beside the lab ``raft``: the story of Figure 8, the demo, the explorer's instance."""

from dataclasses import replace
from typing import Any

import pytest

from common.check.explorer import Answer, explore_instance
from common.course.grading import graded
from common.values.report import Judged
from stage4_consensus.raft_broken import CommitsOldTerms
from stage4_consensus.raft_demo import demo
from stage4_consensus.raft_explore import instance
from stage4_consensus.raft_figure8 import tell

LAB = "raft"


@graded(
    points=3,
    title="Figure 8, played",
    requirement="section 5.4.2: from (c) on it may go as in (d) or as in (e), and never both",
)
def test_the_safety_properties_hold_through_figure_8(lab: Any, sweep: Any) -> None:
    for seed in sweep(3):
        for ending in "de":
            story = tell(lab.RaftRegisters, seed, ending)
            assert story.verdict is not None
            assert story.verdict.answer is Answer.YES, story.verdict.sentence
            assert story.logs["c"]["n4"] == "1 1", "entry 2 of term 1 is on four servers"
            assert story.logs[ending]["n4"] == {"d": "1 2 4", "e": "1 1 3"}[ending]


@pytest.mark.parametrize("seed", range(1, 6))
def test_counting_replicas_of_old_terms_loses_a_committed_entry(seed: int) -> None:
    story = tell(CommitsOldTerms, seed, "d")
    assert story.verdict is not None
    assert story.verdict.answer is Answer.NO
    assert story.verdict.anomaly == "leader completeness"


@pytest.mark.parametrize("seed", [1, 7])
def test_the_demo_tells_what_the_page_says(seed: int) -> None:
    judged = [part.result for part in demo(seed).parts if isinstance(part, Judged)]
    assert judged == ["yes", "no", "yes", "yes"]


@pytest.mark.slow
def test_no_reachable_state_of_the_small_instance_breaks_a_safety_property() -> None:
    result = explore_instance(instance())
    assert result.answer is Answer.YES, result.summary()
    assert result.states > 100_000, "the instance has become so small that it shows nothing"


def test_the_first_states_of_the_small_instance_are_safe() -> None:
    small = instance()
    small = replace(small, bounds=replace(small.bounds, depth=8), sometimes=())
    result = explore_instance(small)
    assert result.counter_example is None, result.summary()
