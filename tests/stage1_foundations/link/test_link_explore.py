"""Every order of everything, in small: what the explorer says of the links."""

from common.check.explorer import Answer, explore_instance
from stage1_foundations.link.small import ONE_BIT_ON_A_NETWORK


def test_one_bit_is_not_enough_where_packets_overtake_each_other() -> None:
    found = explore_instance(ONE_BIT_ON_A_NETWORK)
    broken = [finding for finding in found.findings if finding.answer is Answer.NO]
    assert [finding.sentence for finding in broken] == ["a was told Ok, and b has got 2 of 3 items"]
    assert broken[0].path is not None
    assert len(broken[0].path) == 7, "breadth first: there is no shorter way"
