"""A chat in which no answer comes before its question: causal order, by vector clocks.

Birman, Schiper and Stephenson 1991, "Lightweight causal and atomic group multicast", section 5.1.
A post carries a vector: how many posts of each process its author had been shown. Everybody holds
a post back until all of these are shown here. That is the whole protocol.

It is less than one order for all: posts that did not know of each other are shown as they come, by
different processes in different orders. It costs less, too. Nobody waits for anybody's word, an own
post is shown at once, and a process that is paused holds up nobody.

As in ``ordered.py``, nothing is lost and nobody crashes; the lab ``chat`` does without that.
"""

from collections.abc import Mapping

from common.contract import CallId, Node, NodeId, message, on
from common.values.history import Ok
from stage2_communication.clocks.ordered import Read, Say
from stage2_communication.clocks.vector import Counts, VectorClock


@message
class VectorPost:
    """A post, and how many posts of each process came before it, itself included."""

    vector: Counts
    text: str


class CausalChat(Node):
    """One process of the chat."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.counts = VectorClock()
        """How many posts of each process are shown here."""
        self.held: list[tuple[NodeId, VectorPost]] = []
        """Posts that lack a cause, with their authors, in the order in which they came."""
        self.shown: list[tuple[NodeId, str]] = []
        """The lines that are shown."""

    def status(self) -> Mapping[str, object]:
        """How many posts are shown and wait."""
        return {"shown": len(self.shown), "waiting": len(self.held)}

    @on(Say)
    def say(self, say: Say, call: CallId) -> None:
        """Post: show it here at once, and tell everybody, with the vector that counts it."""
        self.show(self.id, say.text)
        self.broadcast(VectorPost(self.counts.counts(), say.text))
        self.finish(call, Ok())

    @on(Read)
    def read(self, read: Read, call: CallId) -> None:
        """Answer with the lines that are shown."""
        self.finish(call, Ok(tuple(self.shown)))

    @on(VectorPost)
    def post_received(self, post: VectorPost, sender: NodeId) -> None:
        """Hold the post, then show what is allowed; one post shown may allow another (5.1)."""
        self.held.append((sender, post))
        while (allowed := self.next_allowed()) is not None:
            self.held.remove(allowed)
            self.show(allowed[0], allowed[1].text)

    def next_allowed(self) -> tuple[NodeId, VectorPost] | None:
        """The first post that is held and has all its causes shown here, with its author.

        None where each one lacks something. See :meth:`VectorClock.allows`.
        """
        for author, post in self.held:
            if self.counts.allows(VectorClock(post.vector), author):
                return author, post
        return None

    def show(self, author: NodeId, text: str) -> None:
        """Show a post, and count it."""
        self.counts.tick(author)
        self.shown.append((author, text))
