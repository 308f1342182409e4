"""Nodes come and go, by gossip, and only what has to move moves.

DeCandia et al. 2007, section 4.8. A node that is silent may be back in a minute, so silence moves
nothing. A person says that a node joins or leaves, at any node. That node notes the change under a
greater number, and nodes tell each other their tables, now and then, to somebody chosen by chance.
Of two notes of one node the one with the greater number holds.

A new table is a new ring. A node then has keys of which it is no home any more, and some homes
lack a key. Both are what hints are for: the node notes to whom each key has to be brought, hands
it over, and drops what is not its own. If one joins N - 1 others, about one copy in N moves.

Nodes hear of a change at different times. So a node with an older ring may send a copy to one that
is no home any more, and a hint may name a node that has left for good. Neither may last. Such a
copy is brought on to its homes, and a hint follows the ring.

Who hands a key over drops it on the other's word. A node that is no home of the key, by the ring
that it knows, must not give that word: it would bring the copy on, drop it, and lack it as soon as
it hears that it has joined. Two such nodes would even drop both copies, each on the word of the
other. So it says nothing, and is offered the key again. (The paper's section 4.9 has a round in
which the new node confirms that it wants the keys.)
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from common.contract import CallId, NodeId, message, on, operation, record, timer
from common.values.history import Failed, Ok
from common.values.units import MS
from stage3_partitioning.dynamo.entropy import Comparer
from stage3_partitioning.dynamo.handoff import HandOver, HandOverAgain
from stage3_partitioning.dynamo.keeping import Keep
from stage3_partitioning.dynamo.ring import Ring

TELL_EVERY = 200 * MS
"""How long a node waits before it tells its table to somebody again."""


@record
class Member:
    """What is known of a node.

    Attributes:
        number: grows with each change.
        inside: whether it is on the ring.
    """

    number: int
    inside: bool


Table: TypeAlias = tuple[tuple[NodeId, Member], ...]
"""By name in order."""


@operation
class Join:
    """A person puts ``node`` on the ring. Ends with Ok() when this node has noted it."""

    node: NodeId


@operation
class Leave:
    """A person takes ``node`` off the ring for good. Ends with Ok() when this node has noted it."""

    node: NodeId


@message
class Note:
    """From a client: take over this note. One that comes late or twice changes nothing."""

    number: int
    node: NodeId
    member: Member


@message
class Noted:
    """To the client: what is known of that node now, which may be a later note."""

    number: int
    member: Member


@message
class NotNoted:
    """To the client: it cannot be, and why."""

    number: int
    why: str


@message
class Tell:
    """This is my table."""

    table: Table


@timer
class TellAgain:
    """It is time to tell the table to somebody."""


class Dynamo(Comparer):
    """A whole node.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.dynamo.entropy.Comparer`.
        tell_every: in microseconds, between two times that this node tells its table.
        inside: who is on the ring in the beginning; all nodes unless given.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        tell_every: int = TELL_EVERY,
        inside: tuple[NodeId, ...] = (),
        **options: Any,
    ) -> None:
        super().__init__(id, peers, inside=inside, **options)
        self.tell_every = tell_every
        names = sorted((id, *peers))
        self.members = {name: Member(0, name in (inside or names)) for name in names}
        """What is known of each node; changes are on disk under ("member", name)."""

    def status(self) -> Mapping[str, object]:
        """How many are on the ring, too."""
        inside = sum(member.inside for member in self.members.values())
        return {**super().status(), "on the ring": inside}

    def on_start(self) -> None:
        """Take the table from disk too, and begin to tell it."""
        super().on_start()
        saved: Mapping[Any, Any] = self.saved
        self.members |= {key[1]: member for key, member in saved.items() if key[0] == "member"}
        self.ring = self.ring_of_members()
        self.set_timer(self.tell_every, TellAgain())

    def ring_of_members(self) -> Ring:
        """The ring of those that are inside."""
        return Ring(name for name, member in self.members.items() if member.inside)

    @on(Join)
    def join(self, join: Join, call: CallId) -> None:
        """Note that the node is inside."""
        self.change(join.node, True, call)

    @on(Leave)
    def leave(self, leave: Leave, call: CallId) -> None:
        """Note that the node is outside. The last N nodes stay."""
        self.change(leave.node, False, call)

    def change(self, node: NodeId, inside: bool, call: CallId) -> None:
        """Note a change under the next number; one that changes nothing is none."""
        if why := self.why_not(node, inside):
            self.finish(call, Failed(why))
            return
        known = self.members[node]
        if known.inside != inside:
            self.learn(((node, Member(known.number + 1, inside)),))
        self.finish(call, Ok())

    @on(Note)
    def note_received(self, note: Note, client: NodeId) -> None:
        """Learn it, as from another node, and say what is known then."""
        if why := self.why_not(note.node, note.member.inside):
            self.send(client, NotNoted(note.number, why))
            return
        self.learn(((note.node, note.member),))
        self.send(client, Noted(note.number, self.members[note.node]))

    def why_not(self, node: NodeId, inside: bool) -> str:
        """Why a node cannot be inside, or outside; "" if it can."""
        if node not in self.members:
            return f"there is no node {node} in this cluster"
        stay = [name for name, member in self.members.items() if member.inside]
        if not inside and node in stay and len(stay) <= self.n:
            return f"{self.n} nodes have to stay: there would be too few homes"
        return ""

    def learn(self, table: Table) -> None:
        """Take over each note that has a greater number; of equal numbers, inside holds.

        It is saved under ("member", name). If anything has changed, there is a new ring, and keys
        are on their way (:meth:`move`).
        """
        news = {
            name: member
            for name, member in table
            if name in self.members
            and (member.number, member.inside)
            > (self.members[name].number, self.members[name].inside)
        }
        for name, member in news.items():
            self.members[name] = member
            self.save(("member", name), member)
        if news:
            before, self.ring = self.ring, self.ring_of_members()
            self.move(before)

    def move(self, before: Ring) -> None:
        """Note to whom each key has to be brought: to its new homes; and if this node is no home
        of it any more, to all of them."""
        for key in self.held:
            old, now = before.homes(key, self.n), self.homes(key)
            lacking = now if self.id not in now else tuple(home for home in now if home not in old)
            self.note_hint(key, lacking)

    # What an older ring has left behind.

    @on(Keep)
    def keep_received(self, keep: Keep, sender: NodeId) -> None:
        """Keep it; if it came by an older ring, bring it to its homes."""
        super().keep_received(keep, sender)
        self.bring_on(keep.key)

    @on(HandOver)
    def hand_over_received(self, hand_over: HandOver, sender: NodeId) -> None:
        """Take it, if this node is a home. If not, say nothing, so that the sender keeps it: one of
        the two has not heard of a change."""
        if self.id in self.homes(hand_over.key):
            super().hand_over_received(hand_over, sender)

    @on(HandOverAgain)
    def hand_over_again(self, timer: HandOverAgain) -> None:
        """A hint names homes of today; then offer what is kept for others."""
        for key, hinted in list(self.hints.items()):
            homes = self.homes(key)
            if any(node not in homes for node in hinted):
                del self.hints[key]
                self.forget(("hint", key))
                self.note_hint(key, tuple(node for node in hinted if node in homes))
                self.bring_on(key)
        super().hand_over_again(timer)

    def bring_on(self, key: str) -> None:
        """A key for which there is no hint, at a node that is no home of it, goes to its homes."""
        if key not in self.hints and self.id not in self.homes(key):
            self.note_hint(key, self.homes(key))

    # Telling.

    @on(TellAgain)
    def tell_again(self, timer: TellAgain) -> None:
        """Tell the table to somebody, chosen by chance."""
        self.send(self.random.choice(self.peers), Tell(tuple(sorted(self.members.items()))))
        self.set_timer(self.tell_every, TellAgain())

    @on(Tell)
    def tell_received(self, tell: Tell, sender: NodeId) -> None:
        """Learn from it."""
        self.learn(tell.table)
