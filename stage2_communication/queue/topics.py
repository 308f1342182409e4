"""Part 1: a queue between those who have work and those who do it.

A producer *publishes* a message to a topic, and goes on. A *consumer* fetches a message, works, and
*acknowledges* it. Several consumers of a topic compete: each message goes to one of them. So the
queue decouples the two sides in time (nobody waits for the other) and in number (more consumers do
more work), as Birrell and Nelson's calls do not. ::

    producer            broker                          consumer
       |--- Publish ------>|                                |
       |<-- Published -----|<------------- Fetch -----------|
       |                   |-------------- Batch ---------->|
       |                   |                                | works
       |                   |<------------- Ack -------------|
       |                   |-------------- Settled -------->|

Two things are decided here, and the rest of the lab builds on them:

* **A message stays in the queue until it is acknowledged.** A delivery only hides it from the
  others. (AMQP 0-9-1, ``basic.ack``; Amazon SQS, ``ReceiveMessage`` and ``DeleteMessage``.)
* **A request that comes twice is one request.** A client that hears nothing sends again, and the
  broker cannot tell a retry from a message that the network has doubled. So requests have numbers,
  and the broker remembers the last answer to each client (NATS JetStream: ``Nats-Msg-Id``). Without
  it a retry publishes a message twice.

Consumers *pull*. Brokers that *push* (AMQP, NATS) need to know who is there, and who is slow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from common.contract import Node, NodeId, message, on, record


@message
class Publish:
    """To the broker: put ``text`` at the end of ``topic``.

    Attributes:
        number: of the request; those of one client only grow.
        topic: where to put it.
        key: messages of the same key belong together (part 3); "" for none.
        text: the message.
    """

    number: int
    topic: str
    key: str
    text: str


@message
class Published:
    """To the producer: the message of request ``number`` is in the queue, as ``sequence``."""

    number: int
    sequence: int


@message
class Fetch:
    """To the broker: I have room for ``most`` messages of ``topic``."""

    number: int
    topic: str
    most: int


@record
class Delivery:
    """One message in a consumer's hand.

    Attributes:
        sequence: of the message: 1, 2, 3 ... in the order of publishing.
        attempt: how often it was delivered, this time included. The two together name a delivery.
        key: of the message.
        text: the message.
    """

    sequence: int
    attempt: int
    key: str
    text: str


@message
class Batch:
    """To the consumer: here they are, oldest first; none at all where none is waiting."""

    number: int
    deliveries: tuple[Delivery, ...]


@message
class Ack:
    """To the broker: the work of this delivery is done, and the message may go."""

    number: int
    sequence: int
    attempt: int


@message
class Settled:
    """To the consumer: whether the delivery was still its own, so that the request counts."""

    number: int
    counts: bool


Answer: TypeAlias = Published | Batch | Settled


@dataclass(slots=True)
class Queued:
    """A message that nobody has acknowledged.

    Attributes:
        topic: where it is.
        key: of the message.
        text: the message.
        attempts: how often it was delivered so far.
        holder: the consumer that has it in hand; "" while it is waiting.
    """

    topic: str
    key: str
    text: str
    attempts: int = 0
    holder: NodeId = ""


class Broker(Node):
    """Keeps messages between producers and consumers.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.last_sequence = 0
        """The sequence number of the newest message. It only grows."""
        self.queued: dict[int, Queued] = {}
        """By sequence, each message that is not acknowledged: waiting, or in hand."""
        self.waiting: dict[str, list[int]] = {}
        """By topic, the sequences of those that wait, in ascending order."""
        self.answers: dict[NodeId, Answer] = {}
        """By client, the answer to its last request."""

    def status(self) -> Mapping[str, object]:
        """How many messages wait, are in hand, and were published in all."""
        waiting = sum(len(topic) for topic in self.waiting.values())
        in_hand = len(self.queued) - waiting
        return {"waiting": waiting, "in hand": in_hand, "published": self.last_sequence}

    # Requests.

    @on(Publish)
    def publish_received(self, publish: Publish, sender: NodeId) -> None:
        """A new request: put the message into the queue, and answer Published."""
        if self.is_new(publish.number, sender):
            sequence = self.enqueue(publish.topic, publish.key, publish.text)
            self.answer(sender, Published(publish.number, sequence))

    @on(Fetch)
    def fetch_received(self, fetch: Fetch, sender: NodeId) -> None:
        """A new request: hand out up to ``most`` messages, one after the other, as
        :meth:`next_for` chooses them, and answer with a Batch, even where there is none."""
        if self.is_new(fetch.number, sender):
            given: list[Delivery] = []
            while len(given) < fetch.most:
                sequence = self.next_for(fetch.topic, sender)
                if sequence is None:
                    break
                given.append(self.hand_out(sequence, sender))
            self.answer(sender, Batch(fetch.number, tuple(given)))

    @on(Ack)
    def ack_received(self, ack: Ack, sender: NodeId) -> None:
        """A new request: if the delivery :meth:`is_current`, remove the message. Answer Settled,
        which says whether it was."""
        if self.is_new(ack.number, sender):
            counts = self.is_current(ack.sequence, ack.attempt)
            if counts:
                self.remove(ack.sequence)
            self.answer(sender, Settled(ack.number, counts))

    # What came twice.

    def is_new(self, number: int, client: NodeId) -> bool:
        """Whether a request is no repetition: its number is above that of the last answer.

        If it is the number of the last answer, send that answer again. If it is below, say nothing:
        it is a late copy, and nobody waits for it.
        """
        last = self.answers.get(client)
        if last is None or number > last.number:
            return True
        if number == last.number:
            self.send(client, last)
        return False

    def answer(self, client: NodeId, answer: Answer) -> None:
        """Send an answer, and remember it in place of the one before."""
        self.answers[client] = answer
        self.send(client, answer)

    # The queue.

    def enqueue(self, topic: str, key: str, text: str) -> int:
        """Put a message at the end of its topic, under the next sequence; returns that."""
        self.last_sequence += 1
        self.queued[self.last_sequence] = Queued(topic, key, text)
        self.waiting.setdefault(topic, []).append(self.last_sequence)
        return self.last_sequence

    def next_for(self, topic: str, consumer: NodeId) -> int | None:
        """The message that a consumer gets next: the oldest one that waits, or None."""
        return next(iter(self.waiting.get(topic, ())), None)

    def hand_out(self, sequence: int, consumer: NodeId) -> Delivery:
        """A message that waits is in the consumer's hand now, and this was one attempt more."""
        queued = self.queued[sequence]
        self.waiting[queued.topic].remove(sequence)
        queued.attempts += 1
        queued.holder = consumer
        return Delivery(sequence, queued.attempts, queued.key, queued.text)

    def is_current(self, sequence: int, attempt: int) -> bool:
        """Whether there was this delivery, and it is the latest one of a message in the queue.

        Then nobody else has had it since. A delivery that is not current says nothing any more:
        another consumer may be at work on the message.
        """
        queued = self.queued.get(sequence)
        return queued is not None and 0 < attempt == queued.attempts

    def remove(self, sequence: int) -> None:
        """A message leaves the queue, whether it is in hand or waiting."""
        queued = self.queued.pop(sequence)
        if not queued.holder:
            self.waiting[queued.topic].remove(sequence)
