"""Part 2: a delivery is a lease.

A consumer may die with a message in its hand. The broker cannot know: a dead consumer and a slow
one look the same. So nobody gets a message for good. It is hidden from the others for its
*visibility time*, and if there is no acknowledgement by then it is visible again, and delivered
again. (Amazon SQS: visibility timeout. JetStream: ``AckWait``. Gray and Cheriton 1989: a lease.)

So a message is delivered **at least once**. It is delivered twice where a consumer was only slow.
Two rules keep the harm small:

* A lease holds by both clocks. The broker counts from the delivery, and the consumer from its own
  request, which was before, and stops a little earlier, since clocks run fast or slow
  (``client.py``). So no two have the same message in hand at once.
* An acknowledgement counts as long as nobody else has got the message. It may be late.

A consumer that needs longer says so before the time is over (:class:`Extend`), and one that cannot
do it gives the message back at once (:class:`Nack`).
"""

from bisect import insort

from common.contract import NodeId, TimerId, message, on, timer
from common.values.units import MS
from stage2_communication.queue.topics import Broker, Delivery, Settled


@message
class Nack:
    """To the broker: I cannot do it; let somebody else try."""

    number: int
    sequence: int
    attempt: int


@message
class Extend:
    """To the broker: I am still at work; begin my lease again."""

    number: int
    sequence: int
    attempt: int


@timer
class LeaseOver:
    """The visibility time of message ``sequence`` is over."""

    sequence: int


class LeasingBroker(Broker):
    """Delivers again what is not acknowledged.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        visibility: for how long a delivered message is hidden, in microseconds.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, visibility: int = 400 * MS
    ) -> None:
        super().__init__(id, peers)
        self.visibility = visibility
        self.leases: dict[int, TimerId] = {}
        """By sequence, the timer of each message in hand, and of no other."""

    @on(Nack)
    def nack_received(self, nack: Nack, sender: NodeId) -> None:
        """A new request: if the delivery holds a lease, put the message back. Answer Settled."""
        if self.is_new(nack.number, sender):
            counts = self.holds_lease(nack.sequence, nack.attempt)
            if counts:
                self.put_back(nack.sequence)
            self.answer(sender, Settled(nack.number, counts))

    @on(Extend)
    def extend_received(self, extend: Extend, sender: NodeId) -> None:
        """A new request: if the delivery holds a lease, it begins again. Answer Settled.

        Where the lease is over the answer is no, even if nobody has the message: it is in line.
        """
        if self.is_new(extend.number, sender):
            counts = self.holds_lease(extend.sequence, extend.attempt)
            if counts:
                self.begin_lease(extend.sequence)
            self.answer(sender, Settled(extend.number, counts))

    @on(LeaseOver)
    def lease_over(self, over: LeaseOver) -> None:
        """Nobody acknowledged in time: put the message back."""
        self.put_back(over.sequence)

    def holds_lease(self, sequence: int, attempt: int) -> bool:
        """Whether a delivery is current, and its message is in hand."""
        return sequence in self.leases and self.is_current(sequence, attempt)

    def hand_out(self, sequence: int, consumer: NodeId) -> Delivery:
        """As ever, and a lease begins."""
        delivery = super().hand_out(sequence, consumer)
        self.begin_lease(sequence)
        return delivery

    def begin_lease(self, sequence: int) -> None:
        """A message is hidden for ``visibility`` from now on; an earlier lease of it is none."""
        self.end_lease(sequence)
        self.leases[sequence] = self.set_timer(self.visibility, LeaseOver(sequence))

    def end_lease(self, sequence: int) -> None:
        """If there is a lease of this message, cancel its timer and forget it."""
        lease = self.leases.pop(sequence, None)
        if lease is not None:
            self.cancel_timer(lease)

    def put_back(self, sequence: int) -> None:
        """A message in hand waits again: at its old place, before all that are newer."""
        self.end_lease(sequence)
        queued = self.queued[sequence]
        queued.holder = ""
        insort(self.waiting[queued.topic], sequence)

    def remove(self, sequence: int) -> None:
        """As ever, and its lease ends."""
        self.end_lease(sequence)
        super().remove(sequence)
