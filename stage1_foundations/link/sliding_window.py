"""Sliding window: up to ``window`` segments under way, and only the lost ones are sent again.

Stop-and-wait spends nearly all its time waiting. Here the sender goes on while acknowledgements are
under way. Two bounds hold it back, one for each thing that it could overrun:

* the network: no more than ``window`` segments are unacknowledged. Bandwidth times round-trip time
  of them keeps the link full; more only stand in queues.
* the receiver: no segment is sent whose number is ``capacity`` or more above the oldest missing
  one, because everything in between has to be kept until that one has come.

The textbooks' window is both at once, and then each lost segment stops the sender until it is made
good. With a capacity of several windows it does not.

Each acknowledgement says two things about *all* that has arrived, not just about one segment:

* cumulative: every number below ``expected`` is delivered (Postel 1981, RFC 793, section 2.6; now
  RFC 9293). A lost acknowledgement costs nothing, because the next one says it again.
* selective: so are these blocks of numbers above it (Mathis and others 1996, RFC 2018). The sender
  learns which segments are missing, and repeats no others.

A segment is taken for lost in two ways. Three segments that were sent after it have arrived: it is
repeated at once (*fast retransmit*: Jacobson 1988; three, because the network also reorders: RFC
6675, section 4). Or a timeout passes (RFC 6298): the end of a transfer has no segments after it.

Further reading: Bertsekas and Gallager 1992, sections 2.4.2 and 2.4.3; Tanenbaum and Wetherall
2011, section 3.4.3.

**Where we leave the papers.** Numbers count segments and have no bound; TCP's count bytes and wrap
around at 2**32, so that it must know how long a segment can live (RFC 9293, section 3.4.3) or carry
timestamps (RFC 7323, section 5). One timer serves the segment that has waited longest, as in RFC
6298, but it runs from when *that* segment was sent, and all that are overdue are repeated. There is
no congestion control. The receiver does not advertise its room: what it cannot keep it drops. None
of this touches safety, which rests on the receiver alone: it delivers n after n - 1, and once.
"""

from collections.abc import Mapping
from dataclasses import replace

from common.contract import NodeId, TimerId, message, on, record, timer
from stage1_foundations.link.ends import CAPACITY, ReceivingEnd, SendingEnd
from stage1_foundations.link.retransmission_timeout import RetransmissionTimeout

WINDOW = 32
"""How many segments may be under way unless a sender is told otherwise."""

DUPLICATE_THRESHOLD = 3
"""A segment is lost when so many that were sent after it have arrived (RFC 6675: DupThresh)."""

MAX_BLOCKS = 4
"""Blocks in one acknowledgement; RFC 2018, section 3: that is what fits in TCP's options."""

# Messages, timers, and what a sender remembers.


@message
class Segment:
    """From the sender: the item with this number."""

    number: int
    item: str


@message
class Acknowledgement:
    """From the receiver: what has arrived so far.

    Attributes:
        expected: all numbers below this one are delivered; this one is not.
        blocks: numbers above it that have arrived, as pairs (first, one after the last). The first
            block holds the segment that this acknowledgement answers (RFC 2018, section 4).
    """

    expected: int
    blocks: tuple[tuple[int, int], ...]


@timer
class Overdue:
    """The segment that has waited longest ought to have been acknowledged by now."""


@record
class Flight:
    """A segment under way.

    Attributes:
        segment: what was sent.
        sent_at: when it was sent last, by the sender's clock.
        repeated: whether it was sent more than once.
        passed: how many segments that were sent after it have arrived before it.
    """

    segment: Segment
    sent_at: int
    repeated: bool = False
    passed: int = 0


# The sender.


class SlidingWindowSender(SendingEnd):
    """Keeps up to ``window`` segments under way and repeats those that are lost.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        receiver: where to send; the first peer unless named.
        window: how many segments may be under way.
        capacity: how many items the receiver keeps; TCP is told so in each acknowledgement.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        receiver: NodeId | None = None,
        window: int = WINDOW,
        capacity: int = CAPACITY,
    ) -> None:
        super().__init__(id, peers, receiver=receiver)
        self.window = window
        self.reach = capacity
        self.next_number = 0
        """The number of the next segment that was never sent."""
        self.in_flight: dict[int, Flight] = {}
        """What is not acknowledged, by number, *in the order in which it was sent last*."""
        self.timer: TimerId = 0
        """The timer of the first segment in flight."""
        self.timeout = RetransmissionTimeout()
        """How long a segment may wait for its acknowledgement."""

    def status(self) -> Mapping[str, object]:
        """The oldest missing number, the next one, what is under way, what waits, the timeout."""
        return {
            "base": self.base,
            "next": self.next_number,
            "in_flight": len(self.in_flight),
            "waiting": len(self.backlog),
            "timeout_us": self.timeout.timeout_us,
        }

    @property
    def base(self) -> int:
        """The oldest missing number: all below this one are acknowledged."""
        return min(self.in_flight, default=self.next_number)

    def send_more(self) -> None:
        """Send new segments as long as there are items, and network and receiver have room."""
        self.acknowledged_below(self.base)
        end = self.base + self.reach
        while self.backlog and len(self.in_flight) < self.window and self.next_number < end:
            self._send(Flight(Segment(self.next_number, self.backlog.popleft()), self.now))
            self.next_number += 1
        self._watch_the_oldest()

    @on(Acknowledgement)
    def acknowledged(self, acknowledgement: Acknowledgement, sender: NodeId) -> None:
        """Forget what has arrived, repeat what must be lost, send more.

        It does not matter how old an acknowledgement is: what it says stays true.
        """
        arrived = [
            flight
            for number, flight in self.in_flight.items()
            if number < acknowledgement.expected
            or any(first <= number < end for first, end in acknowledgement.blocks)
        ]
        if not arrived:
            return
        for flight in arrived:
            self._arrived(flight)
        for flight in list(self.in_flight.values()):
            if flight.passed >= DUPLICATE_THRESHOLD:
                self._repeat(flight)
        self.send_more()

    @on(Overdue)
    def timed_out(self, timer: Overdue) -> None:
        """Repeat each segment that has waited too long, and be more patient from now on.

        The first in flight is one of them, whatever the clock says: clocks jump.
        """
        flights = list(self.in_flight.values())
        overdue = [f for f in flights[1:] if self.now - f.sent_at >= self.timeout.timeout_us]
        self.timeout.back_off()
        for flight in flights[:1] + overdue:
            self._repeat(flight)
        self._watch_the_oldest()

    def _arrived(self, flight: Flight) -> None:
        """Learn from one segment's arrival: the round trip, and which others it has overtaken.

        It learns only from a segment that was sent once. If one was repeated, nobody knows which
        copy arrived: it tells no round-trip time (Karn's rule), and has overtaken nobody for
        certain.
        """
        number = flight.segment.number
        if not flight.repeated:
            self.timeout.sample(max(0, self.now - flight.sent_at))
            for earlier in self.in_flight.values():
                if earlier.segment.number == number:
                    break
                overtaken = replace(earlier, passed=earlier.passed + 1)
                self.in_flight[earlier.segment.number] = overtaken
        del self.in_flight[number]

    def _repeat(self, flight: Flight) -> None:
        del self.in_flight[flight.segment.number]
        self._send(Flight(flight.segment, self.now, repeated=True))

    def _send(self, flight: Flight) -> None:
        """Send a segment, as the last one in flight."""
        self.in_flight[flight.segment.number] = flight
        self.send(self.receiver, flight.segment)

    def _watch_the_oldest(self) -> None:
        """Set the timer for the segment that has waited longest, in place of the timer before."""
        self.cancel_timer(self.timer)
        oldest = next(iter(self.in_flight.values()), None)
        if oldest is not None:
            waited_us = max(0, self.now - oldest.sent_at)
            self.timer = self.set_timer(max(0, self.timeout.timeout_us - waited_us), Overdue())


# The receiver.


class SlidingWindowReceiver(ReceivingEnd):
    """Keeps what arrives out of order until the gap before it is filled.

    What it keeps is bounded: a number is accepted only if all up to it would fit. Then whatever is
    missing still has a place when it comes, and no item that was acknowledged is ever thrown away.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, capacity: int = CAPACITY) -> None:
        super().__init__(id, peers, capacity=capacity)
        self.expected = 0
        """All numbers below this one are delivered, once each; this one is not."""
        self.early: dict[int, str] = {}
        """Items above ``expected`` that have arrived, by number."""

    def status(self) -> Mapping[str, object]:
        """The number that is due, what is there ahead of it, and what waits to be taken."""
        return {"expected": self.expected, "early": sorted(self.early), **super().status()}

    @on(Segment)
    def segment_received(self, segment: Segment, sender: NodeId) -> None:
        """Keep the segment if it is new and fits, deliver what is due, and say what has arrived.

        A copy is acknowledged too: that it came says that the acknowledgement did not arrive.
        """
        if self.expected <= segment.number < self.expected + self.room:
            self.early[segment.number] = segment.item
        while self.expected in self.early:
            self.deliver(self.early.pop(self.expected))
            self.expected += 1
        blocks = latest_first(blocks_of(self.early), segment.number)
        self.send(sender, Acknowledgement(self.expected, blocks[:MAX_BLOCKS]))


def blocks_of(numbers: Mapping[int, object]) -> tuple[tuple[int, int], ...]:
    """The runs of consecutive ``numbers`` as pairs (first, one after the last), in order.

    >>> blocks_of({5: "", 3: "", 4: "", 8: ""})
    ((3, 6), (8, 9))
    """
    blocks: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if blocks and blocks[-1][1] == number:
            blocks[-1] = (blocks[-1][0], number + 1)
        else:
            blocks.append((number, number + 1))
    return tuple(blocks)


def latest_first(blocks: tuple[tuple[int, int], ...], number: int) -> tuple[tuple[int, int], ...]:
    """The same blocks, the one that holds ``number`` first (RFC 2018, section 4)."""
    return tuple(sorted(blocks, key=lambda block: not block[0] <= number < block[1]))
