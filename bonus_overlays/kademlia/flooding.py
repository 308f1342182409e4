"""Flooding: news on an overlay of any topology, one hop after the other.

A node that hears something for the first time tells all its neighbours, but for the one from which
it heard. What was heard before is dropped: without that, news would go round a ring forever.
"""

from common.contract import CallId, Node, NodeId, message, on, operation
from common.values.history import Ok


@message
class News:
    """Something new.

    Attributes:
        text: what.
        hops: how many links it has gone, this one included.
    """

    text: str
    hops: int


@operation
class Tell:
    """Tell everybody. Ends with Ok() when the neighbours have been told."""

    text: str


@operation
class Heard:
    """What does this node know? Ends with Ok(rows), each (text, hops), in the order of arrival."""


class Flooder(Node):
    """A node of an overlay.

    Args:
        id: its name.
        peers: all others; it speaks with its neighbours only.
        neighbours: the nodes to which it has a link.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, neighbours: tuple[NodeId, ...]
    ) -> None:
        super().__init__(id, peers)
        self.neighbours = neighbours
        self.hops: dict[str, int] = {}
        """What was heard, and over how many links it came."""

    @on(Tell)
    def tell(self, tell: Tell, call: CallId) -> None:
        """Spread something of one's own: it has come over no link."""
        self.spread(tell.text, 0, "")
        self.finish(call, Ok())

    @on(News)
    def news_received(self, news: News, sender: NodeId) -> None:
        """Spread it, unless it was heard before."""
        if news.text not in self.hops:
            self.spread(news.text, news.hops, sender)

    def spread(self, text: str, hops: int, sender: NodeId) -> None:
        """Remember it, and tell all neighbours but the sender, one hop further on."""
        self.hops[text] = hops
        for neighbour in self.neighbours:
            if neighbour != sender:
                self.send(neighbour, News(text, hops + 1))

    @on(Heard)
    def heard(self, asked: Heard, call: CallId) -> None:
        """Answer with what is known."""
        self.finish(call, Ok(tuple(self.hops.items())))
