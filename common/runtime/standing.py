"""The faults that are in force now, for those who start later: a cut outlives the node it cuts."""

from collections import deque
from collections.abc import Iterator

from common.contract.events import NodeId
from common.values import faults
from common.values.faults import Fault, Schedule, fault_to_plain

MAX_HAPPENED = 100
"""So many of the last faults are remembered."""


class StandingFaults:
    """What has been done to the cluster and not undone, in the order in which it was done.

    Attributes:
        happened: the last faults of any kind, each with the time at which it happened.
    """

    def __init__(self) -> None:
        self.happened: deque[Fault] = deque(maxlen=MAX_HAPPENED)
        self._standing: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """A fault happens: it takes the place of those of which nothing is left."""
        if isinstance(fault, faults.Heal):
            cuts = faults.Partition | faults.Block
            self._standing = [old for old in self._standing if not isinstance(old, cuts)]
        else:
            kept = [old for old in self._standing if not _replaces(fault, old)]
            self._standing = [*kept, fault]

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._standing)

    def of(self, id: NodeId) -> list[Fault]:
        """Those that a node has to know of when it starts."""
        return [fault for fault in self._standing if concerns(fault, id)]


def concerns(fault: Fault, id: NodeId) -> bool:
    """Whether the world of this node changes by this fault, for as long as that stands."""
    match fault:
        case faults.Clock(_, node) | faults.Disk(_, node) | faults.Corrupt(_, node):
            return node == id
        case faults.Link(_, source) | faults.Block(_, source):
            return source in (Schedule.everyone, id)
    return isinstance(fault, faults.Partition | faults.Heal)


def _replaces(new: Fault, old: Fault) -> bool:
    """Whether nothing of ``old`` is left once ``new`` has happened."""
    match new, old:
        case (faults.Partition(), faults.Partition()):
            return True
        case (
            faults.Clock() | faults.Disk() | faults.Corrupt(),
            faults.Clock() | faults.Disk() | faults.Corrupt(),
        ):
            return type(new) is type(old) and new.node == old.node
        case (faults.Block(), faults.Block()):
            return (new.source, new.target) == (old.source, old.target)
        case (faults.Link(), faults.Link()):
            same = (new.source, new.target) == (old.source, old.target)
            return same and set(fault_to_plain(old)) <= set(fault_to_plain(new))
    return False
