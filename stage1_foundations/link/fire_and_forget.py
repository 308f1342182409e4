"""Fire and forget: send each item once and hope. The version to break first.

This is what a datagram service gives (UDP: Postel 1980, RFC 768): no numbers, no acknowledgements,
no timers. Over a perfect network it is the fastest protocol there is. Over a real one it

* loses what the network loses, and still says Ok;
* delivers twice what the network doubles;
* delivers in whatever order the network chose.

Each of the two other protocols mends all three, and pays for it in a way of its own.
"""

from common.contract import NodeId, message, on
from stage1_foundations.link.ends import ReceivingEnd, SendingEnd


@message
class Datagram:
    """One item. Nothing in it tells it from another one with the same text."""

    item: str


class FireAndForgetSender(SendingEnd):
    """Sends each item once, at once."""

    def send_more(self) -> None:
        """Send everything. Calling it acknowledged is the lie that this protocol tells."""
        while self.backlog:
            self.send(self.receiver, Datagram(self.backlog.popleft()))
        self.acknowledged_below(self.accepted)


class FireAndForgetReceiver(ReceivingEnd):
    """Hands up whatever arrives."""

    @on(Datagram)
    def datagram_received(self, datagram: Datagram, sender: NodeId) -> None:
        """Deliver it; where there is no room it is lost, as in the buffer of a UDP socket."""
        if self.room > 0:
            self.deliver(datagram.item)
