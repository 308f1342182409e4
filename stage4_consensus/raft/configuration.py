"""Quorums of a configuration, simple or joint. Pure (section 6).

During a change each decision, an election or a commitment, needs separate majorities of the old
and of the new voters: at no time can two disjoint majorities decide differently.
"""

from collections.abc import Collection, Mapping

from common.contract import NodeId
from common.values.quorum import is_majority, majority
from stage4_consensus.raft.messages import Configuration


def is_joint(configuration: Configuration) -> bool:
    """Whether this is the joint configuration of a change."""
    return bool(configuration.old_voters)


def voters_of(configuration: Configuration) -> tuple[NodeId, ...]:
    """Everybody who has a vote, each once, in order."""
    return tuple(dict.fromkeys((*configuration.voters, *configuration.old_voters)))


def is_quorum(configuration: Configuration, agreeing: Collection[NodeId]) -> bool:
    """Whether these servers can decide: a majority of the voters, and of the old ones if joint."""
    return all(is_majority(agreeing, group) for group in _groups(configuration))


def agreed(configuration: Configuration, reached: Mapping[NodeId, int]) -> int:
    """The greatest number that a quorum has reached, such as a log index; 0 for who is missing.

    >>> agreed(Configuration(("a", "b", "c")), {"a": 5, "b": 3})
    3
    >>> agreed(Configuration(("a", "b", "c"), ("a", "d")), {"a": 5, "b": 3, "d": 1})
    1
    """
    return min([_agreed(group, reached) for group in _groups(configuration)])


def _agreed(group: tuple[NodeId, ...], reached: Mapping[NodeId, int]) -> int:
    numbers = sorted([reached.get(voter, 0) for voter in group], reverse=True)
    return numbers[majority(len(numbers)) - 1]


def _groups(configuration: Configuration) -> list[tuple[NodeId, ...]]:
    return [group for group in (configuration.voters, configuration.old_voters) if group]
