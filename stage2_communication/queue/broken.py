"""The published bug: acknowledge first, and bring it to disk some time later.

NATS JetStream has ``sync_interval``, two minutes by default, as Jepsen found out for NATS 2.12.1
(nats-server#7564). Until then what it acknowledged is in the memory of the operating system. That
survives the death of the process, and not a power cut. Here it survives neither.
"""

from common.contract import NodeId, on, timer
from common.contract.events import Key
from common.values.units import MS
from stage2_communication.queue.dead import DeadLetterBroker


@timer
class SyncDue:
    """It is time to bring to disk what has collected."""


class LazyBroker(DeadLetterBroker):
    """Answers at once, and saves every ``sync_interval``.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        sync_interval: from one sync to the next, in microseconds.
        options: as of a :class:`DeadLetterBroker`.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        sync_interval: int = 500 * MS,
        **options: int,
    ) -> None:
        super().__init__(id, peers, **options)
        self.sync_interval = sync_interval
        self.unsaved: dict[Key, object] = {}
        """By key, what is not on disk yet; None for what is to be forgotten."""

    def on_start(self) -> None:
        """As ever, and begin to sync now and then."""
        super().on_start()
        self.set_timer(self.sync_interval, SyncDue())

    def save(self, key: Key, value: object) -> None:
        """Later."""
        self.unsaved[key] = value

    def forget(self, key: Key) -> None:
        """Later."""
        self.unsaved[key] = None

    @on(SyncDue)
    def sync_due(self, due: SyncDue) -> None:
        """Bring it all to disk."""
        for key, value in self.unsaved.items():
            if value is None:
                super().forget(key)
            else:
                super().save(key, value)
        self.unsaved.clear()
        self.set_timer(self.sync_interval, SyncDue())
