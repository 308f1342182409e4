"""The small instances of the lab ``raft``, explored to their ends. About a minute."""

import pytest

from common.check.explorer import Answer, explore_instance
from stage4_consensus.raft.explore import instance, with_a_crash


@pytest.mark.slow
def test_no_reachable_state_of_the_small_instance_breaks_a_safety_property() -> None:
    result = explore_instance(instance())
    assert result.answer is Answer.YES, result.summary()
    assert result.states > 100_000, "the instance has become so small that it shows nothing"


@pytest.mark.slow
def test_no_reachable_state_after_a_crash_breaks_a_safety_property() -> None:
    result = explore_instance(with_a_crash())
    assert result.answer is Answer.YES, result.summary()
    assert result.states > 500_000
