"""The same list with less on the wire: delta-state replication.

Almeida, Shoker and Baquero 2018, "Delta state replicated data types", section 6.1, algorithm 2. A
replica remembers the deltas of its latest changes, numbered 0, 1, 2 ..., and for each peer up to
which number that one has them. What it sends is one delta, the merge of all that the peer lacks. It
sends that again until the peer says *taken*. So a lost message costs nothing but time, as before,
but a calm list sends nothing at all.

A delta that came from somebody else is remembered like an own one, so that news travel on.

Deltas are not durable. After a crash they are gone, and the peers have to get the whole state once.
The *number* of deltas has to be durable, together with the state: a peer may still say that it has
taken 7 of this replica's deltas. If a new life began to count at 0, the peer would be believed to
have the first 7 of those that it has never seen.
"""

from collections.abc import Mapping

from common.contract import NodeId, message, on
from common.values.units import MS
from stage7_advanced.crdt.gossip import GossipAgain, ListReplica
from stage7_advanced.crdt.sets import ORSet


@message
class Delta:
    """All that you lack of mine, up to my delta number ``end``, that one not included."""

    items: ORSet
    end: int


@message
class Taken:
    """I have all your deltas below ``end``."""

    end: int


class DeltaReplica(ListReplica):
    """Sends what has changed."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, every: int = 50 * MS) -> None:
        super().__init__(id, peers, every=every)
        self.end = 0
        """How many deltas there were, in this life and all before it. Durable."""
        self.deltas: dict[int, ORSet] = {}
        """The latest of them by number, without gaps, up to ``end``. Lost in a crash."""
        self.taken: dict[NodeId, int] = dict.fromkeys(peers, 0)
        """Of each peer, below which number it has all deltas. Lost in a crash."""

    def status(self) -> Mapping[str, object]:
        """What is on the list, and how many deltas somebody may lack."""
        return {**super().status(), "deltas": len(self.deltas)}

    def on_start(self) -> None:
        """Take up the copy, and the number of deltas."""
        super().on_start()
        self.end = self.saved.get("end", 0)

    def remember(self, news: ORSet) -> None:
        """Keep what has changed this copy as the next delta.

        The next number is saved under ``"end"``, in the same step as the state: both are durable or
        none.
        """
        self.deltas[self.end] = news
        self.end += 1
        self.save("end", self.end)

    def lacking(self, peer: NodeId) -> ORSet | None:
        """All that ``peer`` lacks, as far as is known here; None where that is nothing.

        It is the merge of the deltas from ``taken[peer]`` on. If one of those is not remembered any
        more, because it is older than this life, it is the whole state.
        """
        have = self.taken[peer]
        if have >= self.end:
            return None
        if have not in self.deltas:
            return self.items
        lacking = ORSet()
        for number in range(have, self.end):
            lacking = lacking.merge(self.deltas[number])
        return lacking

    @on(GossipAgain)
    def gossip_again(self, timer: GossipAgain) -> None:
        """Send each peer what it lacks, until it says that it has taken it."""
        for peer in self.peers:
            if (lacking := self.lacking(peer)) is not None:
                self.send(peer, Delta(lacking, self.end))
        self.set_timer(self.every, GossipAgain())

    @on(Delta)
    def delta_received(self, delta: Delta, sender: NodeId) -> None:
        """Merge it, and say that it is taken, news or not: the last *taken* may have been lost."""
        self.take(delta.items)
        self.send(sender, Taken(delta.end))

    @on(Taken)
    def taken_received(self, taken: Taken, sender: NodeId) -> None:
        """Note it, unless a later one has overtaken it; forget the deltas that nobody lacks.

        Nobody can have taken more than there is: a greater number counts as that.
        """
        self.taken[sender] = max(self.taken[sender], min(taken.end, self.end))
        for number in [each for each in self.deltas if each < min(self.taken.values())]:
            del self.deltas[number]
