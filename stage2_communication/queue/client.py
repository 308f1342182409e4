"""The other side: one client that publishes, takes, and acknowledges.

It keeps the consumer's half of a lease. It asked before the broker delivered, so a lease that it
counts from its own request ends before the broker's. Clocks run fast or slow, so it ends a quarter
earlier still. What is over is put aside unread: somebody else may have it by now.
"""

from dataclasses import dataclass

from common.contract import Asker, CallId, NodeId, on, operation
from common.contract.asking import Asked
from common.values.history import Failed, Ok, Outcome
from common.values.sizes import bytes_of
from common.values.units import MS
from stage2_communication.queue.leases import Extend, Nack
from stage2_communication.queue.topics import (
    Ack,
    Batch,
    Delivery,
    Fetch,
    Publish,
    Published,
    Settled,
)

MOST_BYTES = 1024 * 1024
"""Bytes of a message, its topic and key included. Two of them fit into one batch."""
TOO_LARGE = Failed(f"a message has at most {MOST_BYTES} bytes, with its topic and key")


@operation
class Post:
    """Publish a message.

    Ends with Ok(its sequence) once the broker has acknowledged it, or Failed if it is too large.
    """

    topic: str
    key: str
    text: str


@operation
class Take:
    """Take the next message of a topic in hand.

    Ends with Ok((sequence, attempt, key, text)), or Ok(None) if there is none just now.
    """

    topic: str


@operation
class Finish:
    """Acknowledge the oldest message in hand.

    Ends with Ok((sequence, attempt)), or Failed if there is none, or it was delivered to another.
    """


@operation
class GiveBack:
    """Let somebody else try the oldest message in hand. Ends as :class:`Finish` does."""


@operation
class KeepOn:
    """Renew the lease of the oldest message in hand. Ends as :class:`Finish` does."""


@dataclass(slots=True)
class Held:
    """A delivery that was fetched, and that nobody has taken.

    Attributes:
        delivery: what it is.
        until: when its lease is over, by this client's clock and on the safe side.
    """

    delivery: Delivery
    until: int


class QueueClient(Asker):
    """A producer and a consumer.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        visibility: the broker's, in microseconds.
        most: how many messages to fetch at once.
        servers: the broker.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        visibility: int = 400 * MS,
        most: int = 2,
        servers: tuple[NodeId, ...] = (),
    ) -> None:
        super().__init__(id, peers, servers=servers or peers[:1])
        self.safe_time = visibility * 3 // 4
        """How long a lease lasts by the own clock, whatever the two clocks do."""
        self.most = most
        self.asked_at = 0
        """When the latest Fetch was put for the first time."""
        self.fetched: list[Held] = []
        """Deliveries that nobody has taken so far; all of one topic, oldest first."""
        self.topic = ""
        """The topic that was asked for last, which is that of ``fetched``."""
        self.in_hand: list[Delivery] = []
        """Deliveries that were taken, oldest first."""

    # What people ask.

    @on(Post)
    def post(self, post: Post, call: CallId) -> None:
        """Publish, unless it is too large for a batch, which is one message of the runtime."""
        if bytes_of(post.topic, post.key, post.text) > MOST_BYTES:
            self.finish(call, TOO_LARGE)
            return
        self.ask(Publish(self.new_number(), post.topic, post.key, post.text), call)

    @on(Take)
    def take(self, take: Take, call: CallId) -> None:
        """Take what was fetched before; fetch if nothing of it is left."""
        self.fetched = [held for held in self.fetched if held.until > self.now]
        if self.fetched and take.topic == self.topic:
            self.finish(call, self.taken())
            return
        if not self.under_way:  # else this is not sent, and the answer to another one is to come
            self.topic, self.asked_at = take.topic, self.now
        self.ask(Fetch(self.new_number(), take.topic, self.most), call, question=True)

    @on(Finish)
    def finish_work(self, asked: Finish, call: CallId) -> None:
        """Acknowledge, even if the lease is over: perhaps nobody else has got the message."""
        self.settle(Ack, call)

    @on(GiveBack)
    def give_back(self, asked: GiveBack, call: CallId) -> None:
        """Send a Nack."""
        self.settle(Nack, call)

    @on(KeepOn)
    def keep_on(self, asked: KeepOn, call: CallId) -> None:
        """Send an Extend."""
        self.settle(Extend, call)

    def settle(self, kind: type[Ack | Nack | Extend], call: CallId) -> None:
        """Send a request about the oldest delivery in hand."""
        if not self.in_hand:
            self.finish(call, Failed("nothing is in hand"))
            return
        delivery = self.in_hand[0]
        self.ask(kind(self.new_number(), delivery.sequence, delivery.attempt), call)

    # What the broker says.

    @on(Published)
    def published(self, published: Published, sender: NodeId) -> None:
        """The message is in the queue."""
        self.end(published.number, Ok(published.sequence), sender)

    @on(Batch)
    def batch_received(self, batch: Batch, sender: NodeId) -> None:
        """Take the first one; keep the others for later. What nobody waits for is passed over."""
        if batch.number in self.under_way:
            until = self.asked_at + self.safe_time
            self.fetched = [Held(each, until) for each in batch.deliveries if until > self.now]
            self.end(batch.number, self.taken() if self.fetched else Ok(), sender)

    def taken(self) -> Outcome:
        """Take the first of what was fetched in hand."""
        held = self.fetched.pop(0)
        delivery = held.delivery
        self.in_hand.append(delivery)
        return Ok((delivery.sequence, delivery.attempt, delivery.key, delivery.text))

    @on(Settled)
    def settled(self, settled: Settled, sender: NodeId) -> None:
        """The broker says whether the delivery was still this client's."""
        asked = self.under_way.get(settled.number)
        if asked is None:
            return
        if settled.counts:
            assert isinstance(asked.request, Ack | Nack | Extend), "only these are settled"
            outcome: Outcome = Ok((asked.request.sequence, asked.request.attempt))
        else:
            outcome = Failed("the lease is over, and somebody else may have it")
        self.end(settled.number, outcome, sender)

    def ended(self, asked: Asked, outcome: Outcome) -> None:
        """A delivery that is settled is not in hand any more, however that ended; one whose lease
        was renewed is."""
        renewed = isinstance(asked.request, Extend) and isinstance(outcome, Ok)
        if isinstance(asked.request, Ack | Nack | Extend) and not renewed:
            self.in_hand.pop(0)
        super().ended(asked, outcome)
