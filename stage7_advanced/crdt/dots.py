"""How something is removed for good without a gravestone: dots, and what was seen of them.

Every addition gets a **dot**, (replica, number): this replica's first, second, third ... A state
holds its entries, each with its dot, and beside them a **context**: all dots that it has ever seen,
whether their entries are still here or not. So a state tells two things apart that look the same:

* an entry is not here, and its dot was not seen: it has not come yet;
* an entry is not here, and its dot was seen: it came, and was removed.

That is the whole trick, and :meth:`Dotted.merge` the whole protocol. Almeida, Shoker and Baquero
2018, "Delta state replicated data types", section 7 (causal CRDTs); Bieniusa et al. 2012, "An
optimized conflict-free replicated set". Dots come from Riak's dotted version vectors.

As all dots of a replica up to some number are seen sooner or later, a context shrinks to a vector
(``stage2_communication/clocks/vector.py``): one number for each replica, whatever was removed.
"""

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

from common.contract import NodeId, record
from stage7_advanced.crdt.counters import Counts, as_counts, must_be_alike

Dot: TypeAlias = tuple[NodeId, int]
"""(replica, number): the name of one addition."""

Entries: TypeAlias = tuple[tuple[Dot, object], ...]
"""What is there: (dot, payload), in the order of dots. A payload is a text, or (key, payload)."""

Kind = TypeVar("Kind", bound="Dotted")


@record
class Context:
    """A set of dots, written short.

    Attributes:
        counts: of each replica, up to which number all dots are in the set.
        cloud: the dots beyond that, in order: some before each of them has not been seen.
    """

    counts: Counts = ()
    cloud: tuple[Dot, ...] = ()

    def has(self, dot: Dot) -> bool:
        """Whether ``dot`` was seen."""
        replica, number = dot
        return number <= dict(self.counts).get(replica, 0) or dot in self.cloud

    def next(self, replica: NodeId) -> Dot:
        """A new dot of ``replica``: the one after the greatest that was seen of it."""
        numbers = [number for name, number in (*self.counts, *self.cloud) if name == replica]
        return (replica, max(numbers, default=0) + 1)

    def with_dots(self, *dots: Dot) -> "Context":
        """This context, and these dots."""
        return self.merge(Context(cloud=tuple(dots)))

    def merge(self, other: "Context") -> "Context":
        """What either has seen: the greater count of each replica, and the dots of both clouds.

        Then the result is written as short as can be: a dot of the cloud that comes right after
        its replica's count moves into the count, and one that is in the count already goes.
        """
        counts = dict(self.counts)
        for replica, count in other.counts:
            counts[replica] = max(counts.get(replica, 0), count)
        cloud: list[Dot] = []
        for replica, number in sorted({*self.cloud, *other.cloud}):
            if number == counts.get(replica, 0) + 1:
                counts[replica] = number
            elif number > counts.get(replica, 0):
                cloud.append((replica, number))
        return Context(as_counts(counts), tuple(cloud))


@record
class Dotted:
    """Entries, and the context in which they are missing or not; what there is to all its kinds.

    Attributes:
        entries: what is there, each with its dot.
        seen: the dots of all entries that ever were here, and are or are not any more.
    """

    entries: Entries = ()
    seen: Context = Context()

    def merge(self: Kind, other: Kind) -> Kind:
        """What both have; and what one has and the other has never seen (2018, section 7).

        An entry that only one of the two has, and whose dot the other has seen, was removed there:
        it stays out. The contexts are merged.

        Raises:
            TypeError: ``other`` is of another kind; see :func:`must_be_alike`.
        """
        must_be_alike(self, other)
        kept = dict(self.entries) | dict(other.entries)
        ours, theirs = dict(self.entries), dict(other.entries)
        return type(self)(
            tuple(
                (dot, kept[dot])
                for dot in sorted(kept)
                if (dot in ours or not self.seen.has(dot))
                and (dot in theirs or not other.seen.has(dot))
            ),
            self.seen.merge(other.seen),
        )

    def without(self: Kind, entries: Entries) -> Kind:
        """The delta of removing ``entries``: it holds nothing, and has seen their dots."""
        return type(self)((), self.seen_of(entries))

    def seen_of(self, entries: Iterable[tuple[Dot, object]]) -> Context:
        """The context that has seen just these entries."""
        return Context().with_dots(*(dot for dot, _ in entries))
