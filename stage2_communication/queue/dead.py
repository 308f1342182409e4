"""Part 5: a message that nobody can handle makes way for the others.

A *poison message* is one on which each consumer fails: it gives the message back, or dies of it. It
is delivered again and again, without end; and if it has a key, all others of its key wait behind.
So there is a bound. What comes back after ``most_deliveries`` attempts goes to another topic, the
**dead letter** topic, where people look at it. (SQS: ``maxReceiveCount`` and a redrive policy.
RabbitMQ: ``x-delivery-limit``, dead letter exchange. JetStream: ``MaxDeliver``, and an advisory.)

* It is moved in one step, so after a crash it is in one of the two topics, never in both or none.
* It is a new message there, at the end of that topic, with its key and text.
* The count has to survive crashes: a message of which the *broker* dies is delivered, too.
* In the dead letter topic nothing is moved any further.

The price is order: when a message was moved away, the next ones of its key go on without it.
"""

from common.contract import NodeId
from common.values.units import MS
from stage2_communication.queue.durable import DurableBroker

DEAD = ".dead"
"""The dead letters of the topic ``jobs`` are in the topic ``jobs.dead``."""


class DeadLetterBroker(DurableBroker):
    """Moves away what was delivered too often.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        visibility: as of a :class:`LeasingBroker`.
        prefetch: as of an :class:`OrderedBroker`.
        most_deliveries: how often a message is delivered at most; 0 for no bound.
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
        super().__init__(id, peers, visibility=visibility, prefetch=prefetch)
        self.most_deliveries = most_deliveries

    def put_back(self, sequence: int) -> None:
        """As ever, unless the message was delivered as often as may be: then :meth:`bury` it."""
        if self.is_hopeless(sequence):
            self.bury(sequence)
        else:
            super().put_back(sequence)

    def is_hopeless(self, sequence: int) -> bool:
        """Whether there is a bound, the message has reached it, and is no dead letter already."""
        queued = self.queued[sequence]
        return 0 < self.most_deliveries <= queued.attempts and not queued.topic.endswith(DEAD)

    def bury(self, sequence: int) -> None:
        """Remove a message, and put it at the end of the dead letters of its topic."""
        queued = self.queued[sequence]
        self.note(f"message {sequence} of {queued.topic} was delivered {queued.attempts} times")
        self.remove(sequence)
        self.enqueue(queued.topic + DEAD, queued.key, queued.text)
