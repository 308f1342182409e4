"""The end of leases: decided by the leader's clock, and carried through the log as a command.

Only the leader keeps account of time, in memory. A new leader lets every lease live for its whole
time again, because it cannot know of the latest signs of life; so a lease may live longer than it
should, but never shorter. Its end is an entry of the leader's own term, appended by the leader that
decided it and by no other: were it handed on like a client's command, it could arrive at a later
leader that has heard of the owner meanwhile.
"""

from dataclasses import replace
from typing import Any

from common.contract import CommandBatch, NodeId, Numbered, TimerId, on, timer
from common.contract.asking import NUMBERS_OF_A_LIFE
from common.values.units import MS, SECOND
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.requests import QueryRequest
from stage5_fault_tolerance.etcd.commands import LeaseRevoke, Probe
from stage5_fault_tolerance.etcd.reading import Reading
from stage5_fault_tolerance.etcd.sessions import expiry_session

LOOK_EVERY = 250 * MS
"""How often a leader looks for leases that have ended."""
MOST_AT_ONCE = 1000
"""Leases ended by one entry; the others wait for the next look."""


@timer
class LeaseLook:
    """It is time to look for leases that have ended."""


class Expiry(Reading):
    """What a leader does about leases."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.deadlines: dict[int, int] = {}
        """As a leader: when each lease ends, by the own clock."""
        self.ending: dict[int, None] = {}
        """As a leader: leases whose end is in the log, but not applied yet."""
        self.leases_seen = -1
        """The version of the store's leases that ``deadlines`` knows of."""
        self.ended_in_term = 0
        """How many entries with ends this leader has appended."""
        self.look_timer: TimerId = 0

    def begin_replication(self) -> None:
        """Let every lease live for its whole time again."""
        self.deadlines, self.ending = {}, {}
        self.ended_in_term, self.leases_seen = 0, -1
        super().begin_replication()
        self.know_leases()
        self.look_timer = self.set_timer(LOOK_EVERY, LeaseLook())

    def end_leadership(self) -> None:
        """Time is another's business now."""
        self.cancel_timer(self.look_timer)
        super().end_leadership()

    def after_applying(self) -> None:
        """A new lease lives from when the leader has applied it."""
        if self.role is Role.LEADER and self.leases_seen != self.store.leases.version:
            self.know_leases()
        super().after_applying()

    def know_leases(self) -> None:
        """Have a deadline for each lease that is there, and for no other."""
        held, known = self.store.leases.held, self.deadlines
        self.leases_seen = self.store.leases.version
        self.deadlines = {
            id: known[id] if id in known else self.now + lease.ttl * SECOND
            for id, lease in held.items()
        }
        self.ending = {id: None for id in self.ending if id in held}

    @on(LeaseLook)
    def look_for_ended(self, timer: LeaseLook) -> None:
        """Append the end of each lease whose time is over."""
        self.look_timer = self.set_timer(LOOK_EVERY, LeaseLook())
        over = [id for id, until in self.deadlines.items() if until <= self.now]
        over = [id for id in over if id not in self.ending][:MOST_AT_ONCE]
        if over:
            self.ending |= dict.fromkeys(over)
            self.ended_in_term += 1
            number = self.current_term * NUMBERS_OF_A_LIFE + self.ended_in_term
            command = CommandBatch(tuple([LeaseRevoke(id) for id in over]))
            self.propose(Numbered(expiry_session(self.id), number, command))

    @on(QueryRequest)
    def query_requested(self, request: QueryRequest, sender: NodeId) -> None:
        """Renew leases as the probe comes, and note on it how long each has left.

        The answer leaves only if this server still leads a round later; if it does not, a lease was
        renewed by somebody who has no say, which changes nothing.
        """
        probe = request.query
        if isinstance(probe, Probe) and self.role is Role.LEADER:
            for id in probe.renew:
                if id in self.deadlines and id not in self.ending:
                    self.deadlines[id] = self.now + self.store.leases.held[id].ttl * SECOND
            left = tuple(
                (id, self._left(id)) for id in (*probe.renew, *probe.times) if id in self.deadlines
            )
            request = replace(request, query=replace(probe, remaining=left))
        super().query_requested(request, sender)

    def _left(self, id: int) -> int:
        """Whole seconds until a lease ends; at least 1 while its end is not decided."""
        if id in self.ending:
            return 0
        return max(1, (self.deadlines[id] - self.now) // SECOND)
