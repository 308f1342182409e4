"""Sets to which people add and from which they remove, at the same time.

Shapiro et al. 2011, "A comprehensive study", specifications 11 (G-Set), 12 (2P-Set) and 15
(OR-Set). To add is easy: sets unite. To remove is not: if a set lacks an element, it may have lost
it or never have had it. The three differ in what they keep to know which.

=============  ================================  ==================================
set            keeps                             an element that was removed
=============  ================================  ==================================
GSet           its elements                      cannot be
TwoPhaseSet    also all that were removed        never comes back
ORSet          a dot for each addition           comes back when it is added again
=============  ================================  ==================================

If one person removes an element while another adds it, the OR-set keeps it: the removal takes away
the additions that it has *observed*, and no other (**add wins**). Amazon's cart of 2007, which
united its versions, brought back what had been removed.
"""

from common.contract import NodeId, record
from stage7_advanced.crdt.counters import must_be_alike
from stage7_advanced.crdt.dots import Dotted, Entries


@record
class GSet:
    """A set that only grows.

    Attributes:
        elements: in order of the alphabet, each once.
    """

    elements: tuple[str, ...] = ()

    def add(self, element: str) -> "GSet":
        """The delta of adding ``element``: a set of it alone."""
        return GSet((element,))

    def merge(self, other: "GSet") -> "GSet":
        """The union; TypeError where ``other`` is of another kind."""
        must_be_alike(self, other)
        return GSet(tuple(sorted({*self.elements, *other.elements})))


@record
class TwoPhaseSet:
    """A set whose elements can be removed, once and forever.

    Attributes:
        added: all that was ever added.
        removed: all that was ever removed: gravestones, which stay for good.
    """

    added: GSet = GSet()
    removed: GSet = GSet()

    def elements(self) -> tuple[str, ...]:
        """What was added and not removed, in order of the alphabet."""
        gone = set(self.removed.elements)
        return tuple(element for element in self.added.elements if element not in gone)

    def add(self, element: str) -> "TwoPhaseSet":
        """The delta of adding ``element``; it has no effect if it was ever removed."""
        return TwoPhaseSet(added=self.added.add(element))

    def remove(self, element: str) -> "TwoPhaseSet":
        """The delta of removing ``element``: nothing where it is not in the set.

        To remove what somebody else may be adding just now, unseen, would forbid it forever.
        """
        if element not in self.elements():
            return TwoPhaseSet()
        return TwoPhaseSet(removed=self.removed.add(element))

    def merge(self, other: "TwoPhaseSet") -> "TwoPhaseSet":
        """What either has added and removed; TypeError where ``other`` is of another kind."""
        must_be_alike(self, other)
        return TwoPhaseSet(self.added.merge(other.added), self.removed.merge(other.removed))


@record
class ORSet(Dotted):
    """A set in which an addition that the removal has not observed wins, and no gravestone stays.

    The payload of an entry is an element. One element may have several entries, of people who
    added it at the same time.
    """

    def elements(self) -> tuple[str, ...]:
        """Each element that has an entry, in order of the alphabet, once."""
        return tuple(sorted({str(payload) for _, payload in self.entries}))

    def entries_of(self, element: str) -> Entries:
        """The additions of ``element`` that are here."""
        return tuple((dot, payload) for dot, payload in self.entries if payload == element)

    def add(self, replica: NodeId, element: str) -> "ORSet":
        """The delta of adding ``element`` at ``replica``: one entry, with a new dot.

        The additions of the same element that are here are replaced by it: the delta has seen
        their dots, and its own. So an element that is added a thousand times has one entry.
        """
        dot = self.seen.next(replica)
        entries: Entries = ((dot, element),)
        return ORSet(entries, self.seen_of(self.entries_of(element)).with_dots(dot))

    def remove(self, element: str) -> "ORSet":
        """The delta of removing ``element``: no entry, and it has seen the additions of it here."""
        return self.without(self.entries_of(element))
