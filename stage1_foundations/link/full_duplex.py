"""Both directions at once, and a router between the ends: the link as ``lab run link`` runs it.

On real links each end sends and receives (*full duplex*): here it is simply both halves of a
protocol in one node. Between two ends stands a :class:`Router`, which passes on what it can, and
remembers nothing. It may lose packets and be killed at any moment; the ends make up for it, because
all that matters about a transfer is known to them, and to nobody else. Clark 1988 ("The design
philosophy of the DARPA Internet protocols", section 5) calls that *fate-sharing*; Saltzer, Reed
and Clark 1984 ("End-to-end arguments in system design") say why it has to be so.
"""

from collections.abc import Mapping

from common.contract import Node, NodeId, on
from stage1_foundations.link.fire_and_forget import (
    Datagram,
    FireAndForgetReceiver,
    FireAndForgetSender,
)
from stage1_foundations.link.sliding_window import (
    Acknowledgement,
    Segment,
    SlidingWindowReceiver,
    SlidingWindowSender,
)
from stage1_foundations.link.stop_and_wait import Ack, Frame, StopAndWaitReceiver, StopAndWaitSender


class Router(Node):
    """Passes packets on between the two ends of each pair, and forgets them at once.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        pairs: the names of the ends that talk to each other.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        pairs: tuple[tuple[NodeId, NodeId], ...] = (("c1", "c2"), ("c3", "c4"), ("c5", "c6")),
    ) -> None:
        super().__init__(id, peers)
        self.other_end: dict[NodeId, NodeId] = {}
        """For each end the one that it talks to."""
        for one, other in pairs:
            self.other_end |= {one: other, other: one}
        self.passed_on = 0
        """How many packets went through in this life."""

    def status(self) -> Mapping[str, object]:
        """How many packets went through in this life."""
        return {"passed_on": self.passed_on}

    @on(Datagram, Frame, Ack, Segment, Acknowledgement)
    def packet_received(self, packet: object, sender: NodeId) -> None:
        """Pass it on. A packet from somebody who has no other end is dropped, as routers do."""
        if sender in self.other_end:
            self.passed_on += 1
            self.send(self.other_end[sender], packet)


class FireAndForgetEnd(FireAndForgetSender, FireAndForgetReceiver):
    """Both halves of fire-and-forget."""


class StopAndWaitEnd(StopAndWaitSender, StopAndWaitReceiver):
    """Both halves of stop-and-wait."""


class SlidingWindowEnd(SlidingWindowSender, SlidingWindowReceiver):
    """Both halves of the sliding window. Its acknowledgements travel alone, not on segments."""
