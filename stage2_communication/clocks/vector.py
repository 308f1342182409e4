"""Vector clocks: which of two events could have caused the other, or neither.

Mattern 1989, "Virtual time and global states of distributed systems", section 4, and Fidge 1988
found them at the same time. Instead of one number, a process keeps one for each process: how many
events of it are in the past of now. Then *a happened before b* (Lamport 1978) exactly when the
vector of a is less than or equal to that of b in every entry, and not the same. Lamport's clock
gives only one direction of this; a vector costs an entry for every process to have both.

The events that this lab counts are the posts of a chat. A :class:`VectorClock` says how many posts
of each member something has seen. What is not in it counts 0, so members may come later.
"""

from collections.abc import Iterable
from typing import TypeAlias

from common.contract import NodeId

Counts: TypeAlias = tuple[tuple[NodeId, int], ...]
"""A vector as a value that can travel: (process, count) by name in order, without zeros."""


class VectorClock:
    """How many events of each process are in the past.

    Args:
        counts: what to begin with, nothing unless given.
    """

    def __init__(self, counts: Iterable[tuple[NodeId, int]] = ()) -> None:
        self._counts: dict[NodeId, int] = dict(counts)

    def __getitem__(self, process: NodeId) -> int:
        """How many events of ``process`` are in the past; 0 for one never heard of."""
        return self._counts.get(process, 0)

    def counts(self) -> Counts:
        """The vector as a value: equal for equal vectors, whatever was learned first."""
        return tuple((name, self._counts[name]) for name in sorted(self._counts) if self[name])

    def tick(self, process: NodeId) -> int:
        """Count one more event of ``process``, and return its number: 1 for the first one."""
        self._counts[process] = self[process] + 1
        return self._counts[process]

    def merge(self, other: "VectorClock") -> None:
        """Take the past of ``other`` into this one: entry by entry the greater (Mattern, 4)."""
        for process, count in other.counts():
            self._counts[process] = max(self[process], count)

    def covers(self, other: "VectorClock") -> bool:
        """Whether all that ``other`` has in its past is in this past too: ``other <= self``."""
        return all(self[process] >= count for process, count in other.counts())

    def before(self, other: "VectorClock") -> bool:
        """Whether this happened before ``other``: less or equal in every entry, and different."""
        return other.covers(self) and self.counts() != other.counts()

    def concurrent(self, other: "VectorClock") -> bool:
        """Whether neither of two different events happened before the other."""
        return not self.covers(other) and not other.covers(self)

    def allows(self, stamp: "VectorClock", sender: NodeId) -> bool:
        """Whether a message may be delivered where this vector has been delivered so far.

        Birman, Schiper and Stephenson 1991, section 5.1. The message must be the next one of its
        ``sender``: exactly one more than was delivered of it. And all that its sender had delivered
        before it sent must have been delivered here: no other entry of ``stamp`` is greater than
        ours.
        """
        return stamp[sender] == self[sender] + 1 and all(
            count <= self[process] for process, count in stamp.counts() if process != sender
        )
