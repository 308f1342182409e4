"""Stop and wait: one frame under way, and not another before it is acknowledged.

The oldest way to make an unreliable link reliable. The sender numbers its frames, keeps the present
one, and sends it again whenever a timer fires before its acknowledgement has come. The receiver
delivers a frame when it has the number that is due, and acknowledges *every* frame that it has
delivered, also the hundredth copy of it: the copy says that the acknowledgement was lost.

Sources: Bartlett, Scantlebury and Wilkinson 1969 ("A note on reliable full-duplex transmission over
half-duplex links"), where the number is a single bit; Stenning 1976 ("A data transfer protocol"),
where it has no bound; Lynch 1996, sections 22.2 and 22.3, for proofs of both; Bertsekas and
Gallager 1992, section 2.4.1.

**Which of them this is.** One bit is enough on a wire, where nothing overtakes. Our network
reorders, and there a late copy of frame 0 would pass for frame 2. So numbers here are integers
without bound, as Stenning's. Safety argument: the receiver delivers number n only after n - 1 (it
counts), and n only once (it then expects n + 1); the sender goes on to n + 1 only on an
acknowledgement of n, which the receiver sends only for what it has delivered; and no number ever
names two items.

**What it costs.** One item in each round trip, however fast the link is. ``theory.py`` has the
formula, ``sliding_window.py`` the remedy.

**What it does not survive.** A crash of either end: its numbers are gone. ``durable_receiver.py``
mends that for the receiver; the lab's page says what happens to the sender.
"""

from collections.abc import Mapping

from common.contract import NodeId, TimerId, message, on, timer
from stage1_foundations.link.ends import CAPACITY, ReceivingEnd, SendingEnd
from stage1_foundations.link.retransmission_timeout import RetransmissionTimeout

# Messages and timers.


@message
class Frame:
    """From the sender: the item with this number."""

    number: int
    item: str


@message
class Ack:
    """From the receiver: the frame with this number, and all before it, are delivered."""

    number: int


@timer
class FrameTimeout:
    """The frame with this number ought to have been acknowledged by now."""

    number: int


# The sender.


class StopAndWaitSender(SendingEnd):
    """Sends one frame at a time, again and again until it is acknowledged."""

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, receiver: NodeId | None = None
    ) -> None:
        super().__init__(id, peers, receiver=receiver)
        self.next_number = 0
        """The number of the frame under way, or of the next one. All below are acknowledged."""
        self.frame: Frame | None = None
        """The frame under way, None while there is nothing to send."""
        self.sent_at = 0
        """When it was sent last, by this node's clock."""
        self.repeated = False
        """Whether it was sent more than once, so that it tells no round-trip time (Karn's rule)."""
        self.timer: TimerId = 0
        """Its timer."""
        self.timeout = RetransmissionTimeout()
        """How long to wait for its acknowledgement."""

    def status(self) -> Mapping[str, object]:
        """The number that is under way or next, what waits, and the present timeout."""
        return {
            "number": self.next_number,
            "waiting": len(self.backlog),
            "timeout_us": self.timeout.timeout_us,
        }

    def send_more(self) -> None:
        """Send the next item, if none is under way."""
        self.acknowledged_below(self.next_number)
        if self.frame is None and self.backlog:
            self.frame = Frame(self.next_number, self.backlog.popleft())
            self.repeated = False
            self._send(self.frame)

    @on(Ack)
    def ack_received(self, ack: Ack, sender: NodeId) -> None:
        """Go on to the next item, if this acknowledges the frame under way.

        An acknowledgement of an earlier frame is a copy, or late: it says nothing about this one.
        """
        if self.frame is None or ack.number != self.frame.number:
            return
        self.cancel_timer(self.timer)
        if not self.repeated:
            self.timeout.sample(max(0, self.now - self.sent_at))
        self.frame = None
        self.next_number += 1
        self.send_more()

    @on(FrameTimeout)
    def timed_out(self, timer: FrameTimeout) -> None:
        """Send the same frame again, and be more patient from now on.

        The frame may be lost, or its acknowledgement, or neither: all look the same from here, and
        sending it again is right in each case, because the receiver counts.
        """
        if self.frame is None or timer.number != self.frame.number:
            return
        self.repeated = True
        self.timeout.back_off()
        self._send(self.frame)

    def _send(self, frame: Frame) -> None:
        self.sent_at = self.now
        self.send(self.receiver, frame)
        self.timer = self.set_timer(self.timeout.timeout_us, FrameTimeout(frame.number))


# The receiver.


class StopAndWaitReceiver(ReceivingEnd):
    """Delivers the frame that is due, and acknowledges each frame that it has delivered."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, capacity: int = CAPACITY) -> None:
        super().__init__(id, peers, capacity=capacity)
        self.expected = 0
        """The number that is due; all below it are delivered, once each."""

    def status(self) -> Mapping[str, object]:
        """The number that is due, and how many items wait to be taken."""
        return {"expected": self.expected, **super().status()}

    @on(Frame)
    def frame_received(self, frame: Frame, sender: NodeId) -> None:
        """Deliver the frame if it is due; acknowledge it if it is or was delivered.

        If nothing more fits, the frame is left unacknowledged: it will come again, and meanwhile
        the sender cannot send another. That is all the flow control that stop-and-wait needs.
        """
        if frame.number == self.expected and self.room > 0:
            self.deliver(frame.item)
            self.expected += 1
        if frame.number < self.expected:
            self.send(sender, Ack(frame.number))
