"""Counters that need no agreement: what was counted anywhere is never lost and never counted twice.

Shapiro, Preguiça, Baquero and Zawirski 2011, "Conflict-free replicated data types"; specifications
6 and 7 of their "A comprehensive study of convergent and commutative replicated data types".

Everybody may change their own copy at any time, and copies travel when they can: late, twice, in
any order. For all of them to end up the same, *merging* two states has to be

* commutative: ``a.merge(b) == b.merge(a)``, so the order of arrival does not matter;
* associative: ``a.merge(b).merge(c) == a.merge(b.merge(c))``, so the grouping of merges does not
  matter;
* idempotent: ``a.merge(a) == a``, so a state may arrive twice;

and a change has to make a state that merges into more than there was, never into less. Then the
states form a *join semilattice*, and merging is its least upper bound (2011, section 2.3).

In this lab a state is a value: it never changes, and merging makes a new one. A change does not
return the new state but a **delta**: a small state of the same class, to be merged into the old one
(Almeida, Shoker and Baquero 2018, "Delta state replicated data types", section 4)::

    counter = counter.merge(counter.increment("n1"))

The delta can travel in the place of the whole state; ``deltas.py`` does that.
"""

from collections.abc import Mapping
from typing import TypeAlias

from common.contract import NodeId, record

Counts: TypeAlias = tuple[tuple[NodeId, int], ...]
"""A number for each replica as a value that can travel: by name in order, and no zeros."""


def as_counts(numbers: Mapping[NodeId, int]) -> Counts:
    """The one :data:`Counts` of these numbers, in whatever order they are given."""
    return tuple((replica, numbers[replica]) for replica in sorted(numbers) if numbers[replica])


def must_be_alike(one: object, other: object) -> None:
    """Check that two states are of one kind, before they are merged.

    Raises:
        TypeError: they are not; states that come from elsewhere may be of any kind.
    """
    if type(one) is not type(other):
        mine, theirs = type(one).__name__, type(other).__name__
        raise TypeError(
            f"{mine} merges with {mine}, not with {theirs}: who sent this replicates another kind"
        )


@record
class GCounter:
    """A counter that only grows.

    Attributes:
        counts: how much each replica has counted. Only that replica adds to its number.
    """

    counts: Counts = ()

    def value(self) -> int:
        """How much all replicas together have counted."""
        return sum(count for _, count in self.counts)

    def increment(self, replica: NodeId, by: int = 1) -> "GCounter":
        """Count ``by`` more at ``replica``.

        Returns:
            The delta: a counter with the new number of this replica, and of no other one.

        Raises:
            ValueError: ``by`` is not a whole number greater than 0; a counter that only grows has
                no other increments.
        """
        if by < 1:
            raise ValueError(f"a GCounter only grows, and by={by} would not: count 1 or more")
        return GCounter(as_counts({replica: dict(self.counts).get(replica, 0) + by}))

    def merge(self, other: "GCounter") -> "GCounter":
        """The least counter that has counted all that either has: the greater number of each.

        A number of a replica is not added to another number of that replica: the greater one is
        the later one, and has the lesser one in it.

        Raises:
            TypeError: ``other`` is of another kind; see :func:`must_be_alike`.
        """
        must_be_alike(self, other)
        ours, theirs = dict(self.counts), dict(other.counts)
        return GCounter(
            as_counts({name: max(ours.get(name, 0), theirs.get(name, 0)) for name in ours | theirs})
        )


@record
class PNCounter:
    """A counter that also goes down: one that only grows for each direction.

    With one number for both a merge could not tell the later one: a lesser number may be a later
    one that went down, or an older one.

    Attributes:
        ups: what was counted up.
        downs: what was counted down.
    """

    ups: GCounter = GCounter()
    downs: GCounter = GCounter()

    def value(self) -> int:
        """What is left of all that went up once all that went down is taken off."""
        return self.ups.value() - self.downs.value()

    def increment(self, replica: NodeId, by: int = 1) -> "PNCounter":
        """The delta of counting ``by`` up at ``replica``. Raises ValueError for less than 1."""
        return PNCounter(ups=self.ups.increment(replica, by))

    def decrement(self, replica: NodeId, by: int = 1) -> "PNCounter":
        """The delta of counting ``by`` down at ``replica``. Raises ValueError for less than 1."""
        return PNCounter(downs=self.downs.increment(replica, by))

    def merge(self, other: "PNCounter") -> "PNCounter":
        """Direction by direction, what either has counted; TypeError as for GCounter."""
        must_be_alike(self, other)
        return PNCounter(self.ups.merge(other.ups), self.downs.merge(other.downs))
