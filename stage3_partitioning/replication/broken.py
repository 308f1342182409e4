"""What people try first, and what comes of it; ``demo`` and the explorer show it."""

from common.contract import NodeId, on
from stage3_partitioning.replication.failover import Fenced
from stage3_partitioning.replication.log import EMPTY, Log, Position
from stage3_partitioning.replication.operator import Operator
from stage3_partitioning.replication.rejoin import Replace, Replica
from stage3_partitioning.replication.shipping import Ask, Ship


class InParallel(Replica):
    """Shows writes as they come. MySQL's replicas did so, with several appliers and
    ``replica_preserve_commit_order`` off: an answer may be there before its question."""

    @on(Ship)
    def ship_received(self, ship: Ship, sender: NodeId) -> None:
        """Show what has come; the log takes it in its time."""
        for entry in ship.entries:
            if entry.value is not None:
                self.log.data[entry.key] = entry.value
        super().ship_received(ship, sender)


class NoDisk(Replica):
    """Comes back with nothing, as Redis does with ``save ""``."""

    def on_start(self) -> None:
        """Begin with an empty log, in the first epoch."""
        leader = self.leader
        super().on_start()
        self.log, self.epoch, self.leader = Log(EMPTY), 1, leader


class Believing(NoDisk):
    """Believes a leader whatever it says: copies the emptiness, too (redis#6434)."""

    def strayed(self, ask: Ask, sender: NodeId) -> None:
        """Tell any follower to be as this leader is."""
        self.send(sender, Replace(self.epoch, self.log.fork(ask.position), self.log.copy()))

    def may_take_back(self, epoch: int, leader: NodeId, fork: Position) -> bool:
        """Whatever the leader says."""
        return self.follows(epoch, leader)


class Hasty(Operator):
    """Promotes the first member that answers, not the furthest of enough."""

    @on(Fenced)
    def fenced_received(self, fenced: Fenced, sender: NodeId) -> None:
        """One is enough."""
        self.enough = 1
        super().fenced_received(fenced, sender)
