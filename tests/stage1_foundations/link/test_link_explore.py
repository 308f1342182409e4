"""Every order of everything, in small: what the explorer says of the links."""

from collections.abc import Callable

import pytest

from common.check.explorer import Answer, Instance, explore_instance
from stage1_foundations.link import explore as link_explore


@pytest.mark.parametrize(
    "instance", [link_explore.instance, link_explore.sliding, link_explore.one_bit_on_a_wire]
)
def test_a_link_delivers_once_and_in_order_in_every_run_of_a_small_instance(
    instance: Callable[[], Instance],
) -> None:
    found = explore_instance(instance())
    for finding in found.findings:
        assert finding.answer is Answer.YES, f"{finding.title}: {finding.sentence}"
    assert found.states > 1_000, "losses, copies and time-outs make many runs"


def test_one_bit_is_not_enough_where_packets_overtake_each_other() -> None:
    found = explore_instance(link_explore.one_bit_on_a_network())
    broken = [finding for finding in found.findings if finding.answer is Answer.NO]
    assert [finding.sentence for finding in broken] == ["a was told Ok, and b has got 2 of 3 items"]
    assert broken[0].path is not None
    assert len(broken[0].path) == 7, "breadth first: there is no shorter way"
