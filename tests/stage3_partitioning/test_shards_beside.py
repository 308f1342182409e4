"""What stands beside the lab ``shards``: the demo, and what fits into a message."""

import pytest

from common.values.report import Judged
from stage3_partitioning.shards.demo import demo
from stage3_partitioning.shards.messages import Seen
from stage3_partitioning.shards.migration import Migrating
from stage3_partitioning.shards.shard import fitting


@pytest.mark.parametrize("seed", [1, 7])
def test_the_demo_shows_that_nothing_is_lost(seed: int) -> None:
    judged = [part for part in demo(seed).parts if isinstance(part, Judged)]
    assert [part.result for part in judged] == ["yes", "yes"]


def test_what_does_not_fit_one_message_is_left_to_the_next_piece() -> None:
    several = tuple((place, "ä" * 450_000) for place in "abcde")
    assert fitting(Seen(1, several, "z")) == Seen(1, several[:2], "c")
    assert fitting(Seen(1, several[:2], "z")) == Seen(1, several[:2], "z")
    large = (("a", "x" * 3_000_000), ("b", "x"))
    assert fitting(Seen(1, large, "z")) == Seen(1, large[:1], "b"), "one at the least"


def test_a_batch_of_a_migration_has_no_more_than_fits_one_message() -> None:
    donor = Migrating("n1", ("n2",), batch=3)
    donor.documents.update(dict.fromkeys("abcde", "ä" * 450000) | {"f": "x" * 3_000_000})
    assert donor.first_of(set("edcba")) == ["a", "b"], "1,800,000 bytes"
    assert donor.first_of({"f", "e"}) == ["e"]
    assert donor.first_of({"f", "g"}) == ["f"], "one at the least"
    assert donor.first_of(set("wxyz")) == ["w", "x", "y"], "what is deleted takes no room"
    assert donor.first_of(set()) == []
