"""When leases end, by the clock of the leader. Pure: it sends nothing.

Only the leader keeps account of time, in memory. A new leader lets every lease live for its whole
time again, because it cannot know of the latest signs of life; so a lease may live longer than it
should, but never shorter.
"""

from common.values.units import SECOND
from stage5_fault_tolerance.etcd.leases import Leases

MOST_AT_ONCE = 1000
"""Leases ended by one entry; the others wait for the next look."""


class Deadlines:
    """The deadlines of one leader in one term."""

    def __init__(self) -> None:
        self._until: dict[int, int] = {}
        """When each lease ends, by the own clock."""
        self._granted: dict[int, int] = {}
        """The version at which each of them was granted: an id may be granted again."""
        self._ending: dict[int, None] = {}
        """Leases whose end is in the log, but not applied yet."""
        self._seen = -1
        """The version of the store's leases up to which this is known."""
        self.entries = 0
        """How many entries with ends there were in this term."""

    def know(self, leases: Leases, now: int) -> None:
        """Have a deadline for each lease that is there, and for no other.

        The time of a lease begins when the leader comes to know of it, no later than its next look.
        A lease may have ended and its id been granted again since the last look. That is a new
        lease: it has its whole time, and its end is not decided.
        """
        if self._seen == leases.version:
            return
        self._seen = leases.version
        granted = {id: lease.version for id, lease in leases.held.items()}
        same = {id for id, version in granted.items() if self._granted.get(id) == version}
        self._granted = granted
        self._until = {
            id: self._until[id] if id in same else now + lease.ttl * SECOND
            for id, lease in leases.held.items()
        }
        self._ending = {id: None for id in self._ending if id in same}

    def renew(self, id: int, ttl: int, now: int) -> None:
        """There was a sign of life; it helps unless the end is in the log already."""
        if id in self._until and id not in self._ending:
            self._until[id] = now + ttl * SECOND

    def left(self, id: int, now: int) -> int | None:
        """Whole seconds until a lease ends: at least 1 while its end is not decided, 0 from then
        on; None if there is no such lease."""
        if id not in self._until:
            return None
        return 0 if id in self._ending else max(1, (self._until[id] - now) // SECOND)

    def decide(self, now: int) -> list[int]:
        """The leases whose time is over. Each is named once: its end is to go into the log now."""
        over = [id for id, until in self._until.items() if until <= now]
        over = [id for id in over if id not in self._ending][:MOST_AT_ONCE]
        self._ending |= dict.fromkeys(over)
        self.entries += bool(over)
        return over
