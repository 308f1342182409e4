"""The alternating bit: stop and wait as it was first published, with one bit for a number.

Bartlett, Scantlebury and Wilkinson 1969. It is right on a link that loses and doubles but keeps the
order, such as a wire: then a copy that arrives can only be of the present frame or of the last one,
and one bit tells these two apart (Lynch 1996, section 22.3). On a network that reorders it is
wrong. The explorer finds out both, see ``small.py``; do not build on it.
"""

from common.contract import on
from stage1_foundations.link.stop_and_wait import (
    Ack,
    Frame,
    StopAndWaitReceiver,
    StopAndWaitSender,
)


class AlternatingBitSender(StopAndWaitSender):
    """Numbers its frames 0, 1, 0, 1 and so on."""

    def send_more(self) -> None:
        """Send the next item with the other bit, if none is under way."""
        self.acknowledged_below(self.next_number)
        if self.frame is None and self.backlog:
            self.frame = Frame(self.next_number % 2, self.backlog.popleft())
            self.repeated = False
            self._send(self.frame)


class AlternatingBitReceiver(StopAndWaitReceiver):
    """Takes every frame with the other bit than the last one for a new one."""

    @on(Frame)
    def frame_received(self, frame: Frame, sender: str) -> None:
        """Deliver the frame if its bit is due; acknowledge it if it is or seems delivered."""
        if frame.number == self.expected % 2 and self.room > 0:
            self.deliver(frame.item)
            self.expected += 1
        if frame.number != self.expected % 2:
            self.send(sender, Ack(frame.number))
