"""Part 3: the messages of a key in their order, and a bound on what a consumer has in hand.

Competing consumers destroy the order. The first message goes to a slow one, the second to a fast
one, and the second is done first. If they are "create the account" and "close the account", that
is wrong. But to keep *all* messages in order means one consumer. So the producer names a **key**,
and only messages of the same key keep their order: as long as one of them is in hand, no later one
is delivered. Other keys go on. (SQS FIFO: message groups. Kafka: the key chooses the partition.
Pulsar: ``Key_Shared``.) A message that comes back is again the first of its key.

**Prefetch** is the other bound. A consumer asks for several messages at once, to save round trips.
What it has in hand is hidden from the others, and they may be idle. So the broker counts: nobody
has more than ``prefetch`` messages in hand. (AMQP: ``basic.qos``. JetStream: ``MaxAckPending``.)
It is back-pressure, too: who acknowledges nothing gets nothing more.
"""

from common.contract import NodeId
from common.values.units import MS
from stage2_communication.queue.leases import LeasingBroker


class OrderedBroker(LeasingBroker):
    """Keeps the order of each key, and bounds what a consumer has in hand.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        visibility: as of a :class:`LeasingBroker`.
        prefetch: how many messages a consumer has in hand at most.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        visibility: int = 400 * MS,
        prefetch: int = 4,
    ) -> None:
        super().__init__(id, peers, visibility=visibility)
        self.prefetch = prefetch

    def next_for(self, topic: str, consumer: NodeId) -> int | None:
        """The oldest message that waits and whose key is free; None where ``prefetch`` are in the
        consumer's hand. A message without a key ("") waits for no other."""
        if self.in_hand_of(consumer) >= self.prefetch:
            return None
        busy = self.busy_keys(topic)
        waiting = self.waiting.get(topic, ())
        return next((each for each in waiting if self.queued[each].key not in busy), None)

    def in_hand_of(self, consumer: NodeId) -> int:
        """How many messages a consumer has in hand, of all topics."""
        return sum(self.queued[sequence].holder == consumer for sequence in self.leases)

    def busy_keys(self, topic: str) -> set[str]:
        """The keys of a topic of which a message is in hand."""
        in_hand = (self.queued[sequence] for sequence in self.leases)
        return {each.key for each in in_hand if each.topic == topic and each.key}
