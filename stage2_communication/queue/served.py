"""The broker as it runs: it serves programs from outside as well, for ``front``.

A program from outside speaks NATS, and is no node. What it asks for comes as an operation, which
happens once. So only what it may send twice by itself is remembered: a publish that has an id
(JetStream: ``Nats-Msg-Id``), among the last :data:`MOST_IDS` of them.

Its messages are large, too, and a batch is one message of the runtime, which bounds its frames. So
a batch ends where its texts have :data:`MOST_BYTES`; a consumer that wants more asks again.
"""

from collections import deque
from collections.abc import Callable

from common.contract import CallId, NodeId, on, operation
from common.values.history import Ok
from common.values.sizes import bytes_of
from common.values.units import MS
from stage2_communication.queue.dead import DeadLetterBroker
from stage2_communication.queue.topics import Batch, Delivery, Fetch, Published

MOST_IDS = 10_000
"""So many ids of publishes are remembered. JetStream remembers those of two minutes."""

MOST_BYTES = 2_500_000
"""The texts of one batch have at most so many bytes as UTF-8, unless it is a single one. The
largest that NATS lets through has 2 MiB then, if all its bytes are above 127; a frame has 4 MiB."""

OUTSIDE = "id/"
"""The ids are called so among the clients whose answers are remembered: no node is."""


@operation
class ServePublish:
    """Put a message into the queue; ends with Ok((sequence, whether its id was there before))."""

    topic: str
    text: str
    id: str


@operation
class ServeFetch:
    """Hand out up to ``most`` messages of a topic, and no more than one batch holds; ends with Ok(a
    tuple of deliveries)."""

    topic: str
    consumer: str
    most: int


@operation
class ServeAck:
    """A delivery is done; ends with Ok(whether that counts)."""

    sequence: int
    attempt: int


@operation
class ServeNack:
    """A delivery is given back; ends with Ok(whether that counts)."""

    sequence: int
    attempt: int


@operation
class ServeExtend:
    """A delivery takes longer; ends with Ok(whether that counts)."""

    sequence: int
    attempt: int


@operation
class ServeCount:
    """How many messages of a topic are in the queue? Ends with Ok(that, and the last sequence)."""

    topic: str


class Server(DeadLetterBroker):
    """Serves nodes by messages, and others by operations.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        visibility, prefetch, most_deliveries: as of a :class:`DeadLetterBroker`.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        visibility: int = 400 * MS,
        prefetch: int = 4,
        most_deliveries: int = 0,
    ) -> None:
        super().__init__(
            id,
            peers,
            visibility=visibility,
            prefetch=prefetch,
            most_deliveries=most_deliveries,
        )
        self.ids: deque[str] = deque()
        """The ids that are remembered, oldest first."""

    def on_start(self) -> None:
        """As ever, and take up the ids, in the order of their messages."""
        super().on_start()
        known = [name for name in self.answers if name.startswith(OUTSIDE)]
        self.ids.extend(sorted(known, key=self.sequence_of))

    def sequence_of(self, client: str) -> int:
        """The sequence that the last Published to a client has told."""
        answer = self.answers[client]
        return answer.sequence if isinstance(answer, Published) else 0

    @on(ServePublish)
    def serve_publish(self, publish: ServePublish, call: CallId) -> None:
        """Put it into the queue unless its id is known; without an id it is new."""
        client = OUTSIDE + publish.id
        known = bool(publish.id) and client in self.answers
        if known:
            sequence = self.sequence_of(client)
        else:
            sequence = self.enqueue(publish.topic, "", publish.text)
            if publish.id:
                self.remember(client, sequence)
        self.finish(call, Ok((sequence, known)))

    def remember(self, client: str, sequence: int) -> None:
        """Save under which sequence an id was published, and forget the oldest id."""
        self.answers[client] = Published(1, sequence)
        self.save(("answer", client), self.answers[client])
        self.ids.append(client)
        if len(self.ids) > MOST_IDS:
            oldest = self.ids.popleft()
            del self.answers[oldest]
            self.forget(("answer", oldest))

    @on(Fetch)
    def fetch_received(self, fetch: Fetch, sender: NodeId) -> None:
        """As ever, but no more than one batch holds."""
        if self.is_new(fetch.number, sender):
            given = self.batch_for(fetch.topic, sender, fetch.most)
            self.answer(sender, Batch(fetch.number, given))

    @on(ServeFetch)
    def serve_fetch(self, fetch: ServeFetch, call: CallId) -> None:
        """Hand out as to any consumer."""
        self.finish(call, Ok(self.batch_for(fetch.topic, fetch.consumer, fetch.most)))

    def batch_for(self, topic: str, consumer: str, most: int) -> tuple[Delivery, ...]:
        """Hand out up to ``most`` messages; those that would make the batch too large wait on."""
        given: list[Delivery] = []
        room = MOST_BYTES
        while len(given) < most:
            sequence = self.next_for(topic, consumer)
            if sequence is None:
                break
            room -= bytes_of(self.queued[sequence].text)
            if given and room < 0:
                break
            given.append(self.hand_out(sequence, consumer))
        return tuple(given)

    @on(ServeAck)
    def serve_ack(self, ack: ServeAck, call: CallId) -> None:
        """Remove the message if the delivery is current."""
        self.change(ack.sequence, self.is_current(ack.sequence, ack.attempt), self.remove, call)

    @on(ServeNack)
    def serve_nack(self, nack: ServeNack, call: CallId) -> None:
        """Put the message back if the delivery holds a lease."""
        self.change(
            nack.sequence, self.holds_lease(nack.sequence, nack.attempt), self.put_back, call
        )

    @on(ServeExtend)
    def serve_extend(self, extend: ServeExtend, call: CallId) -> None:
        """Begin the lease again if the delivery holds one."""
        counts = self.holds_lease(extend.sequence, extend.attempt)
        self.change(extend.sequence, counts, self.begin_lease, call)

    def change(
        self, sequence: int, counts: bool, how: Callable[[int], object], call: CallId
    ) -> None:
        """Do something with a message if the word about its delivery counts; say whether it did."""
        if counts:
            how(sequence)
        self.finish(call, Ok(counts))

    @on(ServeCount)
    def serve_count(self, count: ServeCount, call: CallId) -> None:
        """Count them."""
        found = sum(queued.topic == count.topic for queued in self.queued.values())
        self.finish(call, Ok((found, self.last_sequence)))
