"""Showing posts as they arrive: what everybody writes first, and wrong.

The posts of one author come in the author's order, since they are held without gaps. Between
authors there is no order at all: an answer may be shown before its question, and two members may
show the same two posts the other way round. Hadzilacos and Toueg 1993 call this *FIFO broadcast*.
"""

from common.contract import NodeId
from stage2_communication.chat.member import Member
from stage2_communication.chat.messages import Acknowledgement, Post
from stage2_communication.clocks.vector import Counts


class ArrivalMember(Member):
    """Shows every post as soon as it is held."""

    def stamp(self, number: int) -> int | Counts:
        """Nobody looks at it."""
        del number
        return 0

    def acknowledge(self, sender: NodeId) -> None:
        """Tell the sender that its posts are held."""
        self.send(sender, Acknowledgement(self.held.counts()))

    def next_to_show(self) -> Post | None:
        """Whatever is held and not yet shown."""
        return next(iter(self.heads()), None)
