"""What stands beside the lab ``raft``: the story of Figure 8, the demo, the explorer."""

from typing import Any

import pytest

from common.check.explorer import Answer, explore_instance
from common.course.suites.kit import ask_ok, restart_all
from common.values.report import Judged
from common.values.units import MS
from stage4_consensus.raft.broken import CommitsOldTerms
from stage4_consensus.raft.checks_outside import Server, elect
from stage4_consensus.raft.demo import demo
from stage4_consensus.raft.demo_figure8 import tell
from stage4_consensus.raft.small import TwoTerms, with_a_crash
from tests.stage4_consensus.raft.cluster import cluster
from tests.stage4_consensus.raft.lab import RaftLab

LAB = "raft"


class ForgetsItsVote(TwoTerms):
    """A server that votes without saving it."""

    def vote_for(self, candidate: str) -> None:
        self.voted_for = candidate


@pytest.mark.parametrize("seed", range(1, 6))
def test_counting_replicas_of_old_terms_loses_a_committed_entry(seed: int) -> None:
    story = tell(CommitsOldTerms, seed, "d")
    assert story.verdict is not None
    assert story.verdict.answer is Answer.NO
    assert story.verdict.anomaly == "leader completeness"


def test_in_a_world_where_answers_do_not_wait_for_the_disk_they_are_lost(lab: RaftLab) -> None:
    lost = 0
    for seed in range(1, 6):
        world: dict[str, Any] = {
            "sends_wait_for_disk": False,
            "disk_latency": 30 * MS,
            "safe": False,
        }
        simulation = cluster(lab, seed, **world)
        elect(simulation)
        simulation.run(simulation.now + 100 * MS)
        ask_ok(simulation, "c1", lab.Put("x", "kept"))
        restart_all(simulation)
        lost += ask_ok(simulation, "c1", lab.Get("x")) != "kept"
    assert lost, "the rule that sends wait for the disk seems to be good for nothing"


@pytest.mark.parametrize("seed", [1, 7])
def test_the_demo_tells_what_the_page_says(seed: int) -> None:
    judged = [part.result for part in demo(seed).parts if isinstance(part, Judged)]
    assert judged == ["yes", "no", "yes", "yes", "no", "yes"]


def test_the_explorer_finds_two_leaders_where_a_vote_is_not_saved() -> None:
    result = explore_instance(with_a_crash(ForgetsItsVote))
    assert result.answer is Answer.NO, result.summary()
    assert "both lead term 1" in result.summary()


def test_a_leader_whose_whole_term_is_in_its_snapshot_is_seen_to_have_committed_its_first() -> None:
    leader = Server("n1", leads=3, commit_index=60, snapshot_index=60, snapshot_term=3)
    assert leader.first_index_of_term <= leader.commit_index
    newly_elected = Server("n1", leads=4, commit_index=60, snapshot_index=60, snapshot_term=3)
    assert newly_elected.first_index_of_term > newly_elected.commit_index
