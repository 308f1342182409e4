"""Causal order: no member shows an answer before its question.

Birman, Schiper and Stephenson 1991, "Lightweight causal and atomic group multicast", section 5.1. A
post carries a vector: how many posts of each member its author had been shown when it posted. A
member holds a post back until it has itself shown all of these. Posts that did not know of each
other (*concurrent* ones) are shown as they come, by different members in different orders.

That is less than total order, and it costs less. Nobody waits for anybody's word: an own post is
shown at once, a post that comes with all its causes too, and a member that has crashed holds up
nobody. So a post that is shown may be lost, if its author and all who have it crash for good. Then
an answer to it by one of these is never shown to anybody else.

**Where we leave the paper.** Its vectors have a place for each member of a fixed view; ours name
the members. A member that is not named counts 0, so members may come. Links may lose and repeat;
``spreading.py`` makes up for that.
"""

from common.contract import NodeId
from stage2_communication.chat.member import Member
from stage2_communication.chat.messages import Acknowledgement, Post
from stage2_communication.clocks.vector import Counts, VectorClock


class CausalMember(Member):
    """Shows every post after its causes."""

    def stamp(self, number: int) -> Counts:
        """All that is shown here, and this post itself."""
        causes = VectorClock(self.shown.counts())
        assert causes.tick(self.id) == number, "own posts are shown at once"
        return causes.counts()

    def acknowledge(self, sender: NodeId) -> None:
        """Tell the sender what this member holds; the others need no word."""
        self.send(sender, Acknowledgement(self.held.counts()))

    def next_to_show(self) -> Post | None:
        """A post all of whose causes are shown here; None while there is none."""
        allowed = (post for post in self.heads() if self.shown.allows(vector_of(post), post.author))
        return next(allowed, None)


def vector_of(post: Post) -> VectorClock:
    """The vector of a post: how many posts of each member are its causes, itself included."""
    assert isinstance(post.stamp, tuple), "a post in causal order is stamped with a vector"
    return VectorClock(post.stamp)
