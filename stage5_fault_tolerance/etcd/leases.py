"""Leases: keys that go when their owner gives no sign of life any more (Gray and Cheriton 1989).

This is the replicated half: which leases there are, and which keys are attached to each. It knows
no time. When a lease has ended is decided by the leader alone (``deadlines``) and arrives here as
a command like any other, so it is the same on every server, whatever their clocks say.
"""

from dataclasses import dataclass, field

from stage5_fault_tolerance.etcd.results import LeaseKept
from stage5_fault_tolerance.etcd.texts import LEASE_EXISTS, LEASE_NOT_FOUND, LEASE_TTL_TOO_LARGE

LEAST_TTL = 2
"""Seconds; a shorter lease would end while a leader is elected (etcd has the same bound)."""

GREATEST_TTL = 9_000_000_000
"""Seconds, as in etcd."""

COST_OF_LEASE = 64
"""Bytes counted for a lease."""


@dataclass(slots=True)
class Lease:
    """A lease.

    Attributes:
        ttl: seconds to live without a sign of life.
        version: the version of all leases at which it was granted: another lease that is granted
            under the same id later is another one. It is this server's own count.
        keys: what is attached to it, in the order in which it came; the values mean nothing.
    """

    ttl: int
    version: int
    keys: dict[bytes, None] = field(default_factory=dict)


class Leases:
    """All leases by id, in the order in which they were granted.

    Attributes:
        version: how often a lease came or went; who keeps account of times sees by it that there
            is something new.

    Args:
        version: what it begins with.
    """

    def __init__(self, version: int = 0) -> None:
        self.held: dict[int, Lease] = {}
        self.version = version + 1

    def problem_of_grant(self, ttl: int, id: int) -> str | None:
        """Why such a lease cannot be granted; None if it can."""
        if ttl > GREATEST_TTL:
            return LEASE_TTL_TOO_LARGE
        if id == 0:
            return LEASE_NOT_FOUND
        return LEASE_EXISTS if id in self.held else None

    def grant(self, ttl: int, id: int) -> Lease:
        """Make a lease; ``problem_of_grant`` has found none."""
        self.version += 1
        lease = self.held[id] = Lease(max(ttl, LEAST_TTL), self.version)
        return lease

    def end(self, id: int) -> list[bytes]:
        """End a lease; returns the keys that were attached to it, in order of the keys."""
        self.version += 1
        return sorted(self.held.pop(id).keys)

    def move(self, key: bytes, old: int, new: int) -> None:
        """Attach a key to the lease ``new`` instead of ``old``; 0 stands for none."""
        if old in self.held:
            self.held[old].keys.pop(key, None)
        if new in self.held:
            self.held[new].keys[key] = None

    def kept(self) -> tuple[LeaseKept, ...]:
        """What of them is in a snapshot."""
        return tuple(LeaseKept(id, lease.ttl) for id, lease in self.held.items())
