"""Who is in the room: what the posts of its opener say about that.

Members must agree on who they are, or they would wait for different ones. Here one member decides:
the *opener*, the first of those who founded the room. It posts who joined and who was removed, and
the list of members follows from its posts, taken in order. So there is never a second opinion.

The price: while the opener is down, nobody joins, leaves, or is removed; it cannot be removed
itself. To let the others replace it they would have to agree on that while some do not answer:
that is consensus, which is stage 4.
"""

from common.contract import NodeId
from stage2_communication.chat.messages import Joined, Post, Removed


class Room:
    """The list of members, as far as the opener's posts are held.

    Args:
        founders: who was there from the beginning, the opener first.

    Attributes:
        opener: the founder that keeps the list.
        joined: who is or was a member, with the number of the opener's post that says so; 0 for
            founders. In the order in which they came.
        removed: who is no member any more, with the number of the opener's post that says so. A
            name that was removed never comes back.
    """

    def __init__(self, founders: tuple[NodeId, ...]) -> None:
        self.opener = founders[0]
        self.joined: dict[NodeId, int] = dict.fromkeys(founders, 0)
        self.removed: dict[NodeId, int] = {}

    def note(self, post: Post) -> None:
        """Take in what a post says of the members, if it says anything."""
        match post.content:
            case Joined(name) if post.author == self.opener:
                self.joined.setdefault(name, post.number)
            case Removed(name) if post.author == self.opener:
                self.removed.setdefault(name, post.number)

    def members(self) -> list[NodeId]:
        """Who is in the room now."""
        return [name for name in self.joined if name not in self.removed]

    def has(self, name: NodeId) -> bool:
        """Whether ``name`` is in the room now."""
        return name in self.joined and name not in self.removed

    @property
    def latest_removal(self) -> int:
        """The number of the opener's latest post that removes somebody; 0 where there is none."""
        return max(self.removed.values(), default=0)
