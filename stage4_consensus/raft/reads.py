"""Part 6, reads: linearizable, and without the log (section 8; thesis, section 6.4).

A query needs no entry. Its leader must know all that is committed, which it does from its no-op on,
and must still be the leader *after* the query came, or another may have committed more since.
*ReadIndex* proves the latter by a round of heartbeats that began later: a quorum that answers in
this term has elected nobody else by then. All queries that come during a round share the next one.

A *lease* (thesis, 6.4.1) saves the round. A quorum that has answered a round votes for nobody else
within the least election timeout after that round began. So the leader may rely on its office for
``lease_us`` from there, **if clocks run nearly alike**. If their rates differ from true time by at
most the fraction d, ``lease_us`` must be at most ``election_timeout[0] * (1 - d) / (1 + d)``, and
no clock may jump. ReadIndex depends on no clock; so leases are off unless asked for.
"""

from common.contract import NodeId, on
from stage4_consensus.raft.messages import Role
from stage4_consensus.raft.persistence import Persistence
from stage4_consensus.raft.requests import Answer, QueryRequest
from stage4_consensus.raft.under_way import PendingRead


class Reads(Persistence):
    """Queries, rounds and leases."""

    @on(QueryRequest)
    def query_requested(self, request: QueryRequest, sender: NodeId) -> None:
        """Note what is committed now, and wait until a quorum has answered a later round."""
        if not self.takes_requests(sender, request.number):
            return
        read_index = max(self.commit_index, self.first_index_of_term)
        leased = self.rounds.has_lease(self.now)
        needed = 0 if leased else self.rounds.latest + 1
        self.reads.add(PendingRead(sender, request.number, request.query, read_index, needed))
        if not leased and self._answered_round() == self.rounds.latest:
            self.start_round()
        self.serve_reads()

    def serve_reads(self) -> None:
        """Answer the queries whose round is answered and whose index is applied.

        Where there are leases, each answered round gives one, whether a query waits or not.
        """
        if self.role is not Role.LEADER or not (self.reads or self.lease_us):
            return
        answered = self._answered_round()
        self.rounds.record_answered(answered)
        for read in self.reads.take_ready(answered, self.last_applied):
            self.answer(read)
        if answered == self.rounds.latest and self.reads.wait_for_more_than(answered):
            self.start_round()

    def answer(self, read: PendingRead) -> None:
        """Answer a query from the state as it is now; that is new enough."""
        self.send(read.client, Answer(read.number, self.machine.query(read.query)))

    def _answered_round(self) -> int:
        """The latest round that a quorum has answered."""
        return self.followers.answered_by_quorum(self.configuration, self.rounds.latest)
