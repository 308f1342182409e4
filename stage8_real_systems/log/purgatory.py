"""Who waits in a broker, and for what. Kafka calls the place where requests wait its purgatory.

Pure: what has come true is asked by the one who knows it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from common.contract import CallId, NodeId, TimerId
from stage8_real_systems.log.batches import Batch
from stage8_real_systems.log.requests import (
    Fetch,
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A client that has sent an ``Ask`` of this number."""

    client: NodeId
    number: int


Caller = CallId | Remote
"""Who is to be told: a call through this broker's own door, or a client somewhere else."""


@dataclass(slots=True)
class Waiting:
    """A request that cannot be answered yet.

    Attributes:
        caller: who is to be told.
        partitions: the names of the replicas for which it waits.
        what: a fetch; or a batch in the log that is not committed yet.
        epoch: of the leader that was asked. Under a later one the batch may be another.
        is_commit: whether the batch is what a group has committed, and its caller a member.
        timer: ends the waiting.
    """

    caller: Caller
    partitions: tuple[str, ...]
    what: Fetch | Batch
    epoch: int = -1
    is_commit: bool = False
    timer: TimerId = 0


class Purgatory:
    """All that wait.

    Attributes:
        by_number: each with a number that no other one has.
    """

    def __init__(self) -> None:
        self.last = 0
        self.by_number: dict[int, Waiting] = {}
        self._of: dict[str, dict[int, None]] = {}

    def add(self, waiting: Waiting) -> int:
        """One more waits; returns its number."""
        self.last += 1
        self.by_number[self.last] = waiting
        for name in waiting.partitions:
            self._of.setdefault(name, {})[self.last] = None
        return self.last

    def take(self, number: int) -> Waiting | None:
        """It waits no longer; None if it did not wait any more."""
        waiting = self.by_number.pop(number, None)
        for name in waiting.partitions if waiting else ():
            self._of[name].pop(number, None)
        return waiting

    def of(self, partition: str) -> Iterable[tuple[int, Waiting]]:
        """Those that wait for this replica, in the order in which they came."""
        return [(number, self.by_number[number]) for number in self._of.get(partition, ())]
