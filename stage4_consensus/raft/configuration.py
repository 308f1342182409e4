"""Which configuration is in effect, and what its quorums are, simple or joint. Pure (section 6).

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


class Configurations:
    """The configurations of a server, with their indices: the one as of its snapshot, or of the
    very beginning, and all in its log after that. So there is always one.

    Args:
        index: what the snapshot replaces; 0 for the very beginning.
        configuration: the latest one as of there.
    """

    def __init__(self, index: int, configuration: Configuration) -> None:
        self._indexed = [(index, configuration)]

    @property
    def latest(self) -> Configuration:
        """The one in effect, committed or not (section 6)."""
        return self._indexed[-1][1]

    @property
    def latest_index(self) -> int:
        """The index of the entry that holds it."""
        return self._indexed[-1][0]

    def as_of(self, index: int) -> Configuration:
        """The one that was the latest at ``index``, which is in the log (section 7)."""
        return next(each for at, each in reversed(self._indexed) if at <= index)

    def servers(self) -> tuple[NodeId, ...]:
        """Everybody who has a vote in any of them, each once, in order."""
        return tuple(dict.fromkeys(id for _, each in self._indexed for id in voters_of(each)))

    def append(self, index: int, configuration: Configuration) -> None:
        """One more is in the log; it is in effect at once."""
        assert index > self.latest_index, "the log grows at its end"
        self._indexed.append((index, configuration))

    def truncate_from(self, index: int) -> None:
        """The log is deleted from ``index`` on: what was in effect before is in effect again."""
        while self._indexed[-1][0] >= index:
            self._indexed.pop()

    def compact_to(self, index: int, configuration: Configuration) -> None:
        """A snapshot replaces the log up to ``index``, as of where this was the latest one."""
        later = [each for each in self._indexed if each[0] > index]
        self._indexed = [(index, configuration), *later]

    def has_superseded(self) -> bool:
        """Whether others than the latest are known still."""
        return len(self._indexed) > 1

    def forget_superseded(self) -> None:
        """The latest one is committed, and all before it are of no interest any more."""
        del self._indexed[:-1]
