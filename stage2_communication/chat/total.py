"""Total order: every member shows all posts in the same order, that of their Lamport times.

Lamport 1978 orders the requests for a resource so that all processes, each by itself, grant it in
the same order ("Ordering the events totally", page 561). Every process keeps a queue of requests
ordered by (time, process). Every request is acknowledged. The head of the queue is acted on once a
later message has been received from *every* other process. Then nothing can come any more that
belongs before it. Here the requests are posts, and to act on one is to show it. What began as a way
to share a printer is the first replicated state machine.

**Where we leave the paper.** Lamport assumes links that lose nothing and keep their order, and
processes that never crash. None of that holds here.

* An acknowledgement does not say *what time it is* at its sender but *which posts its sender
  holds*, its own included (``spreading.py``). Member q has acknowledged post p when q says
  that it holds p, and this member holds all that q had posted when it said so. Whatever q posts
  later has a greater time, because q's clock has witnessed p's. A time alone would not do, unless
  links kept their order: an earlier post of q might still be on its way.
* Because of that, what one member shows all members hold, on disk. No crash can make it unshown.
* The clock is not saved. A member that comes back witnesses again the times of all posts that it
  holds, and acknowledged no others.
* Members come and go. A post needs the acknowledgements of those who joined before it in the order,
  until they are removed. All agree on who that is: the opener must have acknowledged as well, so
  every :class:`Joined` with a lesser stamp is here.

**What it cannot do.** Nothing is shown while one member is silent: one crash stops everybody.
Nobody can tell a crashed member from a slow one, so no timeout helps. Either it comes back, from
its disk, and all goes on; or people decide that it will not, and remove it. Its last word is then
agreed on: once all others fence it, what they hold of it, together, is all there will ever be.
"""

from collections.abc import Sequence

from common.contract import NodeId
from stage2_communication.chat.member import Member
from stage2_communication.chat.messages import Acknowledgement, Post
from stage2_communication.clocks.lamport import LamportClock, Stamp
from stage2_communication.clocks.vector import VectorClock


class TotalOrderMember(Member):
    """Shows all posts in the order of their stamps."""

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, founders: tuple[NodeId, ...] = ()
    ) -> None:
        super().__init__(id, peers, founders=founders)
        self.clock = LamportClock()
        """Beyond the time of every post that is held."""

    def stamp(self, number: int) -> int:
        """A post is an event of this member."""
        del number
        return self.clock.tick()

    def now_held(self, posts: Sequence[Post]) -> None:
        """Witness the times of posts that are held from now on; after a crash, of own ones too."""
        super().now_held(posts)
        for post in posts:
            if post.author != self.id or time_of(post) > self.clock.time:
                self.clock.witness(time_of(post))

    def acknowledge(self, sender: NodeId) -> None:
        """Tell all members what this one holds: each of them waits for everybody's word."""
        word = Acknowledgement(self.held.counts())
        for member in self.others:
            self.send(member, word)

    def next_to_show(self) -> Post | None:
        """The post with the least stamp of all that are not shown, once all acknowledged it.

        All are those who were to be asked about it, this member and the author among them: those
        two need say nothing.
        """
        least = min(self.heads(), key=stamp_of, default=None)
        return None if least is None or self.missing(least) else least

    def waits_for(self) -> list[NodeId]:
        """Those who have not acknowledged the post with the least stamp."""
        least = min(self.heads(), key=stamp_of, default=None)
        return [] if least is None else self.missing(least)

    def missing(self, post: Post) -> list[NodeId]:
        """Those who were to acknowledge ``post`` and have not."""
        return [
            member
            for member in self.room.joined
            if self._had_joined(member, post)
            and not self.has_acknowledged(member, post)
            and not (member in self.room.removed and self.is_closed(member))
        ]

    def has_acknowledged(self, member: NodeId, post: Post) -> bool:
        """Whether nothing of ``member`` can come any more that belongs before ``post``.

        So it is with this member itself and with the author. Another one must have said that it
        holds ``post``, and whatever of its own it held then must be here.
        """
        if member in (self.id, post.author):
            return True
        theirs = self.theirs.get(member, VectorClock())
        all_here = self.held.count(member) >= theirs[member]
        return all_here and theirs[post.author] >= post.number

    def is_closed(self, member: NodeId) -> bool:
        """Whether every post of ``member`` that will ever count is held here; it is removed.

        All who are in the room must have acknowledged the latest removal, so that none of them
        takes anything from those removed. And none of them may hold more of ``member`` than this
        one does. (Why the *latest*: an earlier one may wait for somebody who was removed since.)
        """
        opener, latest = self.room.opener, self.room.latest_removal
        words = [self.theirs.get(other, VectorClock()) for other in self.others]
        return all(
            word[opener] >= latest and word[member] <= self.held.count(member) for word in words
        )

    def _had_joined(self, member: NodeId, post: Post) -> bool:
        """Whether ``member`` joined before ``post`` in the order."""
        number = self.room.joined[member]
        joined = self.held.get(self.room.opener, number)
        return number == 0 or (joined is not None and stamp_of(joined) < stamp_of(post))


def time_of(post: Post) -> int:
    """The Lamport time of a post."""
    assert isinstance(post.stamp, int), "a post in total order is stamped with a time"
    return post.stamp


def stamp_of(post: Post) -> Stamp:
    """Where a post belongs: by its time, and posts of the same time by their authors' names."""
    return (time_of(post), post.author)
