"""Every post reaches every member: reliable broadcast over links that promise nothing.

Links lose, double and reorder; members crash and come back with what they saved. What this file
makes of that, for all protocols of the lab:

* *no creation, no duplicates*: a post is named by author and number, and held once;
* *no loss*: what any member that is not removed holds, all of them hold in the end.

How: the author of a post sends it to all. Every message says what its sender holds
(:data:`Counts`), so a member knows what each other one is *known* to hold. As long as that differs
from what it holds itself, it asks now and then (:class:`Ask`); the answers bring what is missing,
in both directions. So anybody who holds a post makes good for an author that crashed. In a calm
room nothing is sent.

What is held is saved before anybody is told of it. An acknowledgement is a promise.

**Removal.** A member that has crashed is taken out by a post of the opener (:class:`Removed`). From
the step on in which a member holds that post, it takes nothing from the removed one itself, only
from the others: it *fences* it. So once all others have acknowledged the removal, none of them will
ever hold a post of the removed member that none of them holds now. In "removed" lies no claim that
it has crashed: it may live on behind a slow link, and then it is told, and stops. (Birman, Schiper
and Stephenson 1991, section 5.3, call it *flushing* before a new view.)
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from common.contract import Node, NodeId, TimerId, on, timer
from common.values.units import MS
from stage2_communication.chat.messages import (
    MAX_BATCH,
    Acknowledgement,
    Ask,
    Content,
    Goodbye,
    Joined,
    Knock,
    Origin,
    Post,
    Posts,
    Refusal,
    Removed,
    Tell,
)
from stage2_communication.chat.posts import HeldPosts
from stage2_communication.chat.room import Room
from stage2_communication.clocks.vector import Counts, VectorClock

MAX_MEMBERS = 32
"""How many a room holds, those who left included; one more is refused."""

REPAIR_AFTER = 100 * MS
"""How long a member waits before it asks those who seem to lack something, or to have more."""

LONGEST_PAUSE = 800 * MS
"""Without any news the pause between two questions doubles up to this."""


@timer
class Repair:
    """Time to look whether everybody holds the same."""


class Spreader(Node, ABC):
    """Holds posts, and sees to it that all members do.

    Args:
        id: the name of this node.
        peers: the other nodes; whether they are members is the room's business.
        founders: who is in the room from the beginning, the opener first; all nodes, by name in
            order, unless given. Names of which there is no node are left out.
        repair_after: how long to wait before asking others what they hold, in microseconds.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        founders: tuple[NodeId, ...] = (),
        repair_after: int = REPAIR_AFTER,
    ) -> None:
        super().__init__(id, peers)
        nodes = sorted((self.id, *self.peers))
        self.room = Room(tuple(name for name in founders or nodes if name in nodes))
        self.held = HeldPosts()
        """Every post here is on disk."""
        self.theirs: dict[NodeId, VectorClock] = {}
        """What each other member is known to hold: each is what it held at one moment."""
        self.repair_after = repair_after
        self.pause = repair_after
        """How long until the next question."""
        self.watch: TimerId | None = None
        """The timer that brings it, or None in a calm room."""
        self.knocking = self.leaving = False
        """Whether this node is asking the opener to be let in, or to be taken out."""

    @property
    def others(self) -> list[NodeId]:
        """The members of the room without this one."""
        return [name for name in self.room.members() if name != self.id]

    # What a protocol adds.

    @abstractmethod
    def stamp(self, number: int) -> int | Counts:
        """The stamp of this member's next post, which has this number."""

    @abstractmethod
    def acknowledge(self, sender: NodeId) -> None:
        """``sender`` brought posts that were not held before; tell those who have to know."""

    @abstractmethod
    def now_held(self, posts: Sequence[Post]) -> None:
        """These posts are held from now on; they may be shown when it is their turn."""

    @abstractmethod
    def show_what_is_due(self) -> None:
        """Show all posts whose turn it is by what is known now."""

    @abstractmethod
    def refused(self, reason: str) -> None:
        """The opener did not let this node in."""

    # Lives.

    def on_start(self) -> None:
        """Hold again what earlier lives saved; a member asks the others what they hold."""
        keys = sorted(key for key in self.saved if isinstance(key, tuple) and key[0] == "post")
        for key in keys:
            self.room.note(self.saved[key])
            self.held.take(self.saved[key])
        self.now_held(list(self.held))
        if self.room.has(self.id):
            self.ask(self.others)
        self.settle()

    # Posting, and what others post.

    def post(self, content: Content, origin: Origin | None = None) -> int:
        """Post something: hold it, then send it to all, to one just removed too. The number."""
        members = self.others
        number = self.held.count(self.id) + 1
        post = Post(self.id, number, self.stamp(number), content, origin)
        self._hold(self.held.take(post))
        message = Posts((post,), self.held.counts())
        for member in members:
            self.send(member, message)
        return number

    @on(Posts)
    def posts_received(self, message: Posts, sender: NodeId) -> None:
        """Hold what is new and acknowledge it; a copy is acknowledged to its sender alone.

        Nothing is taken from somebody who is not in the room. A node that is not in it yet takes
        from the opener alone.
        """
        if not self.room.has(sender):
            return
        if not self.room.has(self.id) and sender != self.room.opener:
            return
        fresh = [one for post in message.posts for one in self.held.take(post)]
        self._hold(fresh)
        self._note(sender, message.holds)
        if self.room.has(self.id):
            if fresh:
                self.acknowledge(sender)
            else:
                self.send(sender, Acknowledgement(self.held.counts()))
            if len(message.posts) == MAX_BATCH:
                self.ask([sender])
        elif self.knocking and fresh:
            self._knock()
        self.settle()

    def _hold(self, fresh: Sequence[Post]) -> None:
        """Save posts that are held from now on, and take in what they say of the room.

        Each is saved under ``("post", author, number)``.
        """
        for post in fresh:
            self.save(("post", post.author, post.number), post)
            self.room.note(post)
            if isinstance(post.content, Removed):
                self.held.forget_early(post.content.name)
        if fresh:
            self._hurry()
        self.now_held(fresh)

    def _note(self, member: NodeId, holds: Counts) -> None:
        """Remember what a member said it holds.

        The greater of two such vectors is the later one. An older one, overtaken on its way, says
        nothing new. A part of one must never be mixed with a part of another.
        """
        said = VectorClock(holds)
        known = self.theirs.get(member)
        if known is None or known.before(said):
            self.theirs[member] = said
            self._hurry()

    # Repair.

    @on(Acknowledgement)
    def acknowledgement_received(self, message: Acknowledgement, sender: NodeId) -> None:
        """Remember what the sender holds."""
        if self.room.has(sender):
            self._note(sender, message.holds)
            self.settle()

    @on(Ask)
    def asked(self, ask: Ask, sender: NodeId) -> None:
        """Send the sender what it lacks, and say what this member holds.

        One that was removed is told just that: the posts of the opener.
        """
        if sender in self.room.removed:
            self._send_opener_posts(sender, ask.holds)
        elif self.room.has(sender):
            self._note(sender, ask.holds)
            self._send_lacking(sender, ask.holds)
            self.send(sender, Tell(self.held.counts()))
            self.settle()

    @on(Tell)
    def told(self, tell: Tell, sender: NodeId) -> None:
        """Send the sender what it lacks."""
        if self.room.has(sender):
            self._note(sender, tell.holds)
            self._send_lacking(sender, tell.holds)
            self.settle()

    @on(Repair)
    def repair(self, timer: Repair) -> None:
        """Ask everybody who is not known to hold exactly what this member holds."""
        del timer
        self.watch = None
        self.pause = min(2 * self.pause, LONGEST_PAUSE)
        if self.knocking:
            self._knock()
        elif self.room.has(self.id):
            self.ask([member for member in self.others if self.differs(member)])
            if self.leaving:
                self._say_goodbye()
        self.settle()

    def differs(self, member: NodeId) -> bool:
        """Whether another member is not known to hold exactly what this one holds."""
        known = self.theirs.get(member)
        return known is None or known.counts() != self.held.counts()

    def settle(self) -> None:
        """Show what is due, and keep watch as long as something is not settled."""
        self.knocking = self.knocking and self.id not in self.room.joined
        self.leaving = self.leaving and self.id not in self.room.removed
        self.show_what_is_due()
        unsettled = self.room.has(self.id) and any(map(self.differs, self.others))
        if self.watch is None and (unsettled or self.knocking or self.leaving):
            self.watch = self.set_timer(self.pause, Repair())

    def _hurry(self) -> None:
        """There is news: do not sit out a pause that has become long without any."""
        if self.pause > self.repair_after:
            self.pause = self.repair_after
            if self.watch is not None:
                self.cancel_timer(self.watch)
                self.watch = None

    def ask(self, members: Sequence[NodeId]) -> None:
        """Ask members for what this one lacks, and whether they lack something."""
        question = Ask(self.held.counts())
        for member in members:
            self.send(member, question)

    def _send_lacking(self, member: NodeId, holds: Counts) -> None:
        lacking = self.held.beyond(holds, self.room.opener, MAX_BATCH)
        if lacking:
            self.send(member, Posts(lacking, self.held.counts()))

    def _send_opener_posts(self, stranger: NodeId, holds: Counts) -> None:
        lacking = self.held.beyond(holds, self.room.opener, MAX_BATCH)
        posts = tuple(post for post in lacking if post.author == self.room.opener)
        if posts:
            self.send(stranger, Posts(posts, self.held.counts()))

    # Coming and going.

    def knock(self) -> None:
        """Ask the opener to be let in, until it has."""
        self.knocking = True
        self._knock()
        self.settle()

    def _knock(self) -> None:
        self.send(self.room.opener, Knock(self.held.counts()))

    @on(Knock)
    def knocked(self, knock: Knock, sender: NodeId) -> None:
        """As the opener, let somebody in: post it once, and send the newcomer what it lacks.

        A member that was removed is told so by the opener's posts. A room that is full refuses.
        """
        if self.id != self.room.opener:
            return
        if sender not in self.room.joined:
            if len(self.room.joined) >= MAX_MEMBERS:
                self.send(sender, Refusal(f"the room is full: {MAX_MEMBERS} have joined it"))
                return
            self.post(Joined(sender))
        if sender in self.room.removed:
            self._send_opener_posts(sender, knock.holds)
        else:
            self._send_lacking(sender, knock.holds)
        self.settle()

    @on(Refusal)
    def refusal_received(self, refusal: Refusal, sender: NodeId) -> None:
        """The opener says no."""
        if sender == self.room.opener and self.knocking:
            self.knocking = False
            self.refused(refusal.reason)

    def depart(self) -> None:
        """Ask the opener to be taken out, until it has."""
        self.leaving = True
        self._say_goodbye()
        self.settle()

    def _say_goodbye(self) -> None:
        self.send(self.room.opener, Goodbye(self.held.counts()))

    @on(Goodbye)
    def goodbye_received(self, goodbye: Goodbye, sender: NodeId) -> None:
        """As the opener, take somebody out who wants to leave, once all its posts are held here.

        Then they are among those that the others will hold, and none of them is lost.
        """
        if self.id != self.room.opener:
            return
        made = VectorClock(goodbye.holds)[sender]
        if sender in self.room.removed:
            self._send_opener_posts(sender, goodbye.holds)
        elif self.room.has(sender) and self.held.count(sender) >= made:
            self.post(Removed(sender))
        elif self.room.has(sender):
            self.ask([sender])
        self.settle()
