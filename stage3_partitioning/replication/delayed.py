"""A follower that is late on purpose, so that its lag is seen.

MySQL has such followers (``SOURCE_DELAY``), MongoDB too (``secondaryDelaySecs``): what somebody
deletes by mistake is still there for a while. Here they stand for all that makes a follower late: a
slow disk, a far network, a long query.
"""

from typing import Any

from common.contract import NodeId, on, timer
from common.values.units import MS
from stage3_partitioning.replication.rejoin import Replica
from stage3_partitioning.replication.shipping import Ship

DELAY = 150 * MS
"""How late a follower takes what has arrived."""


@timer
class Due:
    """It is time to take what ``sender`` shipped."""

    ship: Ship
    sender: NodeId


class Delayed(Replica):
    """A replica that takes what is shipped to it a while later.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.replication.rejoin.Replica`.
        delay: how much later, in microseconds.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, delay: int = DELAY, **options: Any
    ) -> None:
        super().__init__(id, peers, **options)
        self.delay = delay

    @on(Ship)
    def ship_received(self, ship: Ship, sender: NodeId) -> None:
        """Put it aside."""
        self.set_timer(self.delay, Due(ship, sender))

    @on(Due)
    def due(self, timer: Due) -> None:
        """Take it."""
        super().ship_received(timer.ship, timer.sender)
