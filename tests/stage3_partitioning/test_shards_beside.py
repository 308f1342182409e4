"""What stands beside the lab ``shards``: the demo."""

import pytest

from common.values.report import Judged
from stage3_partitioning.shards.demo import demo


@pytest.mark.parametrize("seed", [1, 7])
def test_the_demo_shows_that_nothing_is_lost(seed: int) -> None:
    judged = [part for part in demo(seed).parts if isinstance(part, Judged)]
    assert [part.result for part in judged] == ["yes", "yes"]
