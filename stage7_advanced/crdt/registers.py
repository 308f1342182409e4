"""One value that several people write at the same time: keep the last, or keep them all.

Shapiro et al. 2011, "A comprehensive study", specifications 8 (last writer wins) and 10
(multi-value register). Two writes that did not know of each other are *concurrent*. There are two
honest answers. One says by a rule which of them counts, and the other is lost, though somebody was
told that it was written. The other keeps both until somebody who has seen both writes again.
"""

from common.contract import NodeId, record
from stage2_communication.clocks.lamport import Stamp
from stage7_advanced.crdt.counters import must_be_alike
from stage7_advanced.crdt.dots import Dotted, Entries


@record
class LastWriterRegister:
    """Keeps the value with the greatest stamp.

    The stamp is (time, replica) by Lamport's clock, so a write that has seen another one always
    wins over it. Cassandra takes the time of day instead: whose clock is ahead wins for as long as
    it is ahead, over writes that came later and had seen its own.

    Attributes:
        stamp: of the write that counts, (0, "") before the first one.
        value: what it wrote, "" before the first one.
    """

    stamp: Stamp = (0, "")
    value: str = ""

    def write(self, replica: NodeId, value: str) -> "LastWriterRegister":
        """The delta of writing ``value`` at ``replica``: later than all that is seen here."""
        return LastWriterRegister((self.stamp[0] + 1, replica), value)

    def merge(self, other: "LastWriterRegister") -> "LastWriterRegister":
        """The later of the two by the order of stamps; names decide where times are equal.

        Raises:
            TypeError: ``other`` is of another kind; see :func:`must_be_alike`.
        """
        must_be_alike(self, other)
        return max(self, other, key=lambda register: register.stamp)


@record
class MultiValueRegister(Dotted):
    """Keeps each value that no write has seen and replaced: Dynamo's siblings.

    The payload of an entry is the value that was written.
    """

    def values(self) -> tuple[str, ...]:
        """The values of all writes that nobody has replaced, in order of the alphabet."""
        return tuple(sorted(str(payload) for _, payload in self.entries))

    def write(self, replica: NodeId, value: str) -> "MultiValueRegister":
        """The delta of writing ``value`` at ``replica``: it replaces all that is here.

        It has one entry, with a new dot. It has seen that dot and those of all entries that are
        here, so that they go in every copy into which it is merged.
        """
        dot = self.seen.next(replica)
        entries: Entries = ((dot, value),)
        return MultiValueRegister(entries, self.seen_of(self.entries).with_dots(dot))
