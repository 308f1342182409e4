"""Part 1, election: at most one leader in a term, and soon a new one (sections 5.1, 5.2, 5.4.1).

Three rules come from Ongaro's thesis. A server first asks whether its election could be won: so one
that was cut off does not push up the term when it comes back (*PreVote*, 9.6). A server that heard
from a leader a moment ago votes for nobody: so removed servers disturb nobody (4.2.3). A leader
that no majority answers steps down: so its clients can go to another (6.2). None of the three
touches safety: they only keep a server from voting, from campaigning or from leading.
"""

from common.contract import NodeId, on
from stage4_consensus.raft.configuration import is_quorum, voters_of
from stage4_consensus.raft.messages import (
    ElectionTimeout,
    QuorumCheck,
    RequestPreVote,
    RequestPreVoteReply,
    RequestVote,
    RequestVoteReply,
    Role,
    TimeoutNow,
)
from stage4_consensus.raft.persistence import Persistence


class Election(Persistence):
    """Terms, votes and roles."""

    # Terms.

    def start_following(self) -> None:
        """Wait for a leader.

        A server does not remember over a crash when it heard its leader last. If leaders hold
        leases (``lease_us``), it may have heard one just before the crash. So it acts as if it had
        heard one now: it votes for nobody for the least election timeout.
        """
        self.heard_at = self.now if self.lease_us else None
        self._wait_for_leader()

    def become_follower(self, term: int) -> None:
        """Follow the leader of ``term``. The timer is not touched, unless there was none."""
        was_leader = self.role is Role.LEADER
        if term > self.current_term:
            self.enter_term(term, voted_for=None)
        self.role, self.leader, self.heard_at = Role.FOLLOWER, None, None
        self.agreeing = set()
        if was_leader:
            self.end_leadership()
            self._wait_for_leader()

    def follow(self, term: int, leader: NodeId) -> None:
        """Recognize the leader of ``term``: a candidate of that term gives up (5.2)."""
        assert self.role is not Role.LEADER or term > self.current_term, "two leaders in a term"
        if term > self.current_term or self.role is not Role.FOLLOWER:
            self.become_follower(term)
        self.leader, self.heard_at = leader, self.now
        self._wait_for_leader()

    def _wait_for_leader(self) -> None:
        """Set the election timer to a new time, drawn at random (5.2)."""
        least, greatest = self.election_timeout
        self.cancel_timer(self.election_timer)
        after = self.random.randrange(least, greatest + 1)
        self.election_timer = self.set_timer(after, ElectionTimeout())

    def _hears_leader(self) -> bool:
        """Whether this server leads, or heard from its leader within the least timeout."""
        if self.role is Role.LEADER:
            return True
        return self.heard_at is not None and (
            0 <= self.now - self.heard_at < self.election_timeout[0]
        )

    # An election begins.

    @on(ElectionTimeout)
    def election_timed_out(self, timer: ElectionTimeout) -> None:
        """If nothing was heard of a leader, begin an election (5.2); a voter only."""
        self._wait_for_leader()
        self.leader, self.heard_at = None, None
        if self.id not in voters_of(self.configuration):
            return
        if self.pre_vote:
            self._ask_for_pre_votes()
        else:
            self.campaign()

    @on(TimeoutNow)
    def timeout_now(self, request: TimeoutNow, sender: NodeId) -> None:
        """The leader hands over: campaign at once, without asking before (thesis, 3.10)."""
        if request.term == self.current_term and self.role is not Role.LEADER:
            self._wait_for_leader()
            self.campaign(transfer=True)

    def campaign(self, transfer: bool = False) -> None:
        """Increment the term, vote for oneself, and ask all others for their votes (5.2)."""
        self.enter_term(self.current_term + 1, voted_for=self.id)
        self.role, self.leader, self.heard_at = Role.CANDIDATE, None, None
        self.agreeing = {self.id}
        request = RequestVote(self.current_term, self.log.last_index, self.log.last_term, transfer)
        for voter in self._other_voters():
            self.send(voter, request)
        self._lead_with_quorum()

    def _other_voters(self) -> list[NodeId]:
        return [voter for voter in voters_of(self.configuration) if voter != self.id]

    # Votes.

    @on(RequestVote)
    def vote_requested(self, request: RequestVote, sender: NodeId) -> None:
        """Grant the vote if none was given in this term, to a log at least as up-to-date (5.4.1).

        A request while a leader is heard is disregarded, its term too (thesis, 4.2.3), unless
        that leader itself has asked for the election.
        """
        if self._hears_leader() and not request.transfer:
            return
        self.observe_term(request.term)
        granted = (
            request.term == self.current_term
            and self.voted_for in (None, sender)
            and self.log.is_up_to_date(request.last_log_index, request.last_log_term)
        )
        if granted:
            self.vote_for(sender)
            self._wait_for_leader()
        self.send(sender, RequestVoteReply(self.current_term, granted))

    @on(RequestVoteReply)
    def vote_received(self, reply: RequestVoteReply, sender: NodeId) -> None:
        """Count the vote if it is for this election; with a quorum of them, lead (5.2)."""
        self.observe_term(reply.term)
        if self.role is Role.CANDIDATE and reply.term == self.current_term and reply.granted:
            self.agreeing.add(sender)
            self._lead_with_quorum()

    def _lead_with_quorum(self) -> None:
        if not is_quorum(self.configuration, self.agreeing):
            return
        self.role, self.leader = Role.LEADER, self.id
        self.note("leader", term=self.current_term)
        self.cancel_timer(self.election_timer)
        self.quorum_timer = self.set_timer(self.election_timeout[1], QuorumCheck())
        self.begin_replication()

    # Votes before the vote.

    def _ask_for_pre_votes(self) -> None:
        """Ask who would vote in the next term; nothing changes yet (thesis, 9.6)."""
        self.role = Role.PRE_CANDIDATE
        self.agreeing = {self.id}
        asked = self.current_term + 1
        request = RequestPreVote(asked, self.log.last_index, self.log.last_term)
        for voter in self._other_voters():
            self.send(voter, request)
        self._campaign_with_quorum()

    @on(RequestPreVote)
    def pre_vote_requested(self, request: RequestPreVote, sender: NodeId) -> None:
        """Say yes where the vote could be given, and no leader is heard. Nothing is promised."""
        granted = (
            not self._hears_leader()
            and request.term > self.current_term
            and self.log.is_up_to_date(request.last_log_index, request.last_log_term)
        )
        self.send(sender, RequestPreVoteReply(self.current_term, request.term, granted))

    @on(RequestPreVoteReply)
    def pre_vote_received(self, reply: RequestPreVoteReply, sender: NodeId) -> None:
        """Count the answer if it is about the next term; with a quorum of them, campaign."""
        self.observe_term(reply.term)
        asked = self.current_term + 1
        if self.role is Role.PRE_CANDIDATE and reply.asked_term == asked and reply.granted:
            self.agreeing.add(sender)
            self._campaign_with_quorum()

    def _campaign_with_quorum(self) -> None:
        if is_quorum(self.configuration, self.agreeing):
            self._wait_for_leader()
            self.campaign()

    # A leader's own doubt.

    @on(QuorumCheck)
    def check_quorum(self, timer: QuorumCheck) -> None:
        """Step down unless a quorum has answered within an election timeout (thesis, 6.2)."""
        heard = [self.id, *self.followers.heard_since_last_check()]
        if is_quorum(self.configuration, heard):
            self.quorum_timer = self.set_timer(self.election_timeout[1], QuorumCheck())
        else:
            self.become_follower(self.current_term)
