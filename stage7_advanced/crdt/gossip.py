"""A shopping list that everybody keeps: state-based replication.

Shapiro et al. 2011, "Conflict-free replicated data types", section 2.2. Each replica changes its
own copy and answers at once, even if it reaches nobody. Now and then it sends its *whole state*
to the others, who merge it into theirs. Nothing else is needed. A state that is lost is made good
by the next one; one that comes late, twice or in another order does no harm, since merging is a
join. So replicas that have received the same changes hold the same: *strong eventual consistency*.

The price is the size of what is sent: all of it, again and again. ``deltas.py`` sends less.
"""

from collections.abc import Mapping

from common.contract import CallId, Node, NodeId, message, on, operation, timer
from common.values.history import Failed, Ok
from common.values.units import MS
from stage7_advanced.crdt.sets import ORSet

MAX_ITEM = 200
"""Characters of one item of the list."""

# What a person asks of a replica.


@operation
class Add:
    """Put ``item`` on the list. Ends with Ok() as soon as it is on the list here."""

    item: str


@operation
class Remove:
    """Take ``item`` off the list. Ends with Ok(), whether it was on the list or not."""

    item: str


@operation
class Look:
    """What is on the list? Ends with Ok(items), in order of the alphabet."""


# What replicas say to each other.


@message
class State:
    """This is all that I hold: merge it into yours."""

    items: ORSet


@timer
class GossipAgain:
    """It is time to tell the others again."""


class ListReplica(Node):
    """A copy of the list that answers its person; how changes reach the others is up to subclasses.

    Args:
        id: the name of this node, which is also in the dots that it makes.
        peers: the other replicas.
        every: the time between two rounds of gossip, in microseconds.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, every: int = 50 * MS) -> None:
        super().__init__(id, peers)
        self.every = every
        self.items = ORSet()
        """This copy. It only grows in the order of merging; what was told of it is durable."""

    def status(self) -> Mapping[str, object]:
        """How much is on the list, and how much is remembered of what ever was."""
        seen = self.items.seen
        return {"items": len(self.items.elements()), "cloud": len(seen.cloud)}

    def on_start(self) -> None:
        """Take up the copy that an earlier life has saved, and begin to gossip.

        The copy must be there before the first change: a replica that forgot which dots it has
        made would make them again, and the others take what they have seen for removed.
        """
        self.items = self.saved.get("items", ORSet())
        self.set_timer(self.every, GossipAgain())

    @on(Add)
    def add(self, add: Add, call: CallId) -> None:
        """Put it on the list here; say no to an item that is too long or empty."""
        if not 0 < len(add.item) <= MAX_ITEM:
            reason = f"an item has 1 to {MAX_ITEM} characters, and this one has {len(add.item)}"
            self.finish(call, Failed(reason))
            return
        self.take(self.items.add(self.id, add.item))
        self.finish(call, Ok())

    @on(Remove)
    def remove(self, remove: Remove, call: CallId) -> None:
        """Take it off the list here, as far as it was added here or is known to be."""
        self.take(self.items.remove(remove.item))
        self.finish(call, Ok())

    @on(Look)
    def look(self, look: Look, call: CallId) -> None:
        """Answer from this copy. It may lack what others did just now."""
        self.finish(call, Ok(self.items.elements()))

    def take(self, news: ORSet) -> None:
        """Merge ``news`` into this copy; if that changes it, make it durable and remember the news.

        The copy is saved under ``"items"``.

        Args:
            news: a delta of this replica, or whatever came from another one.
        """
        merged = self.items.merge(news)
        if merged != self.items:
            self.items = merged
            self.save("items", merged)
            self.remember(news)

    def remember(self, news: ORSet) -> None:
        """Called for all that has changed this copy; who sends what has changed overrides it."""


class StateReplica(ListReplica):
    """Sends its whole state."""

    @on(GossipAgain)
    def gossip_again(self, timer: GossipAgain) -> None:
        """Tell all others what is here, for as long as this life lasts.

        It never stops, since a replica cannot know what the network lost, or when it heals.
        """
        self.broadcast(State(self.items))
        self.set_timer(self.every, GossipAgain())

    @on(State)
    def state_received(self, state: State, sender: NodeId) -> None:
        """Merge it. There is nothing to answer: this copy goes out in the next round."""
        self.take(state.items)
