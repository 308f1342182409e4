"""Part 6, reads: linearizable, and without the log (section 8; thesis, section 6.4).

A query needs no entry. Its leader must know all that is committed, which it does from its no-op on,
and must still be the leader *after* the query came, or another may have committed more since.
*ReadIndex* proves the latter by a round of heartbeats that began later: a quorum that answers in
this term has elected nobody else by then. All queries that come during a round share the next one.

A *lease* (thesis, 6.4.1) saves the round. A quorum that has answered a round votes for nobody else
within the least election timeout after that round began, so the leader may rely on its office for
``lease_us`` from there, **if clocks run nearly alike**: with rates that differ from true time by at
most the fraction d, ``lease_us`` must be at most ``election_timeout[0] * (1 - d) / (1 + d)``, and
no clock may jump. ReadIndex depends on no clock; so leases are off unless asked for.
"""

from common.contract import NodeId, on
from stage4_consensus.raft.configuration import agreed
from stage4_consensus.raft.core import Core
from stage4_consensus.raft.leader_state import PendingRead
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.requests import Answer, QueryRequest


class Reads(Core):
    """Queries, rounds and leases."""

    @on(QueryRequest)
    def query_requested(self, request: QueryRequest, sender: NodeId) -> None:
        """Note what is committed now, and wait until a quorum has answered a later round."""
        if not self.takes_requests(sender, request.number):
            return
        read_index = max(self.commit_index, self.first_index_of_term)
        leased = self.lease_until is not None and self.now < self.lease_until
        needed = 0 if leased else self.round + 1
        self.reads.append(PendingRead(sender, request.number, request.query, read_index, needed))
        if not leased and self._answered_round() == self.round:
            self.start_round()
        self.serve_reads()

    def serve_reads(self) -> None:
        """Answer the queries whose round is answered and whose index is applied."""
        if self.role is not Role.LEADER or not (self.reads or self.lease_us):
            return
        answered = self._answered_round()
        self._extend_lease(answered)
        pending, self.reads = self.reads, []
        for read in pending:
            if read.round <= answered and read.read_index <= self.last_applied:
                result = self.machine.query(read.query)
                self.send(read.client, Answer(read.number, result))
            else:
                self.reads.append(read)
        if answered == self.round and any(read.round > answered for read in self.reads):
            self.start_round()

    def _answered_round(self) -> int:
        """The latest round that a quorum has answered."""
        rounds = {id: progress.round for id, progress in self.progress.items()}
        return agreed(self.configuration, {**rounds, self.id: self.round})

    def _extend_lease(self, answered: int) -> None:
        """The lease counts from when the answered round began, not from its answers."""
        began = self.round_began.get(answered)
        self.round_began = {at: now for at, now in self.round_began.items() if at > answered}
        if self.lease_us and self.may_lease and began is not None:
            self.lease_until = began + self.lease_us

    def end_lease(self) -> None:
        """Rely on no clock for the rest of this term: a request to take over may arrive late."""
        self.lease_until, self.may_lease = None, False

    def forget_reads(self) -> None:
        """A deposed leader answers no query: somebody else may have committed more by now."""
        self.reads = []
        self.lease_until, self.may_lease = None, True
