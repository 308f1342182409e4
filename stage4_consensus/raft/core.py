"""A Raft server's state, and what the parts of the protocol ask of each other.

The state is Figure 2's, grouped as there. A piece of it that has rules of its own is an object that
keeps them: the log, the configurations, the followers, the rounds of heartbeats, the clients
that wait. Such a piece knows no node and sends nothing; so it can be read and tested alone.

The parts of the protocol are classes in files of their own: ``election``, ``replication``,
``compaction``, ``membership``, ``reads``, ``transfer``, ``service``. Their handlers decide, ask the
pieces, and send. Each stands on ``persistence``, which changes what is on disk. What one part asks
of another is declared here as an abstract method, a dozen in all, and ``server`` joins the parts.

Durability. "Updated on stable storage before responding to RPCs" (Figure 2) is the contract's rule:
what a step saves is durable before anything else of that step, or of a later step, leaves the node.
So a leader may count itself among those that have an entry as soon as it has asked for it to be
saved. It may decide in the same step that the entry is committed. Nobody can see that decision
before the entry is durable: the followers cannot, and the client's answer waits as well. If the
leader crashes before that, the decision is lost together with the entry.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from common.contract import Application, AtMostOnce, Node, NodeId, TimerId
from common.contract.shown import ENTRIES_SHOWN, shown_log
from common.values.units import MS
from stage4_consensus.raft.configuration import Configurations
from stage4_consensus.raft.followers import Followers, Progress
from stage4_consensus.raft.log import Log
from stage4_consensus.raft.messages import Configuration, Role, Snapshot
from stage4_consensus.raft.pieces import Gathering
from stage4_consensus.raft.rounds import Rounds
from stage4_consensus.raft.under_way import Change, HandOver, PendingReads, Waiting


class Core(Node, ABC):
    """The state of one server.

    Args:
        id: the name of this server.
        peers: all other servers that could ever be members.
        voters: the members at the very beginning, the same for all servers; nobody named means
            everybody. A server that is not among them waits until a leader adds it.
        election_timeout: least and greatest election timeout, in microseconds; each one is
            drawn at random (section 5.2). The least one is also how long a server that heard from a
            leader votes for nobody (thesis, section 4.2.3).
        heartbeat_every: how often a leader is heard at least, in microseconds.
        pre_vote: whether to ask before an election whether it could be won (thesis, 9.6).
        snapshot_every: after how many applied entries to compact the log; 0 for never.
        snapshot_bytes: after how many bytes of applied entries to do so, if they are there first.
            A state larger than that waits until the log is half as large as its last snapshot.
        max_entries: most entries in one message.
        max_in_flight: most unanswered messages with entries to one follower.
        max_bytes_in_flight: once so many bytes of entries are unanswered by one follower, more
            wait; one message may always be under way.
        piece_parts: most parts of a snapshot in one message.
        max_bytes: most bytes of entries, or of parts, in one message; one alone may be larger.
        lease_us: for how long a leader that a majority has answered serves reads without asking
            again, in microseconds; 0 for never. See ``reads`` for what clocks have to keep.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        voters: tuple[NodeId, ...] = (),
        election_timeout: tuple[int, int] = (150 * MS, 300 * MS),
        heartbeat_every: int = 50 * MS,
        pre_vote: bool = True,
        snapshot_every: int = 1000,
        snapshot_bytes: int = 4 * 1024 * 1024,
        max_entries: int = 256,
        max_in_flight: int = 8,
        max_bytes_in_flight: int = 2 * 1024 * 1024,
        piece_parts: int = 1024,
        max_bytes: int = 1024 * 1024,
        lease_us: int = 0,
    ) -> None:
        super().__init__(id, peers)
        self.election_timeout = (election_timeout[0], election_timeout[1])
        self.heartbeat_every = heartbeat_every
        self.pre_vote = pre_vote
        self.snapshot_every = snapshot_every
        self.snapshot_bytes = snapshot_bytes
        self.max_entries = max_entries
        self.max_in_flight = max_in_flight
        self.max_bytes_in_flight = max_bytes_in_flight
        self.piece_parts = piece_parts
        self.max_bytes = max_bytes
        self.lease_us = lease_us
        self.initialize_state(tuple(voters) or self.everyone())

    def initialize_state(self, voters: tuple[NodeId, ...]) -> None:
        """State on all servers (Figure 2), as it is before anything was saved or heard."""
        # Persistent.
        self.current_term = 0
        """Latest term this server has seen. Only grows."""
        self.voted_for: NodeId | None = None
        """Candidate that received this server's vote in the current term, or None."""
        self.log = Log()
        self.snapshot = Snapshot(0, 0, Configuration(voters), None)
        """What took the place of the log's beginning; before any, the state at the very start."""
        self.configurations = Configurations(0, self.snapshot.configuration)
        """Those in the snapshot and in the log."""

        # Volatile.
        self.commit_index = 0
        """Highest log entry known to be committed. Only grows within a life."""
        self.last_applied = 0
        """Highest log entry applied to the application; at most ``commit_index``."""
        self.machine = AtMostOnce(self.new_application())
        self.role = Role.FOLLOWER
        self.leader: NodeId | None = None
        """The server that this one takes for the leader of its term."""
        self.heard_at: int | None = None
        """When it last heard from that leader, by its own clock; None for too long ago."""
        self.agreeing: set[NodeId] = set()
        """Who has granted this candidate a vote, or this pre-candidate a pre-vote."""
        self.gathering: Gathering | None = None
        """The snapshot that a leader is sending here."""
        self.election_timer: TimerId = 0
        self.heartbeat_timer: TimerId = 0
        self.quorum_timer: TimerId = 0
        self.transfer_timer: TimerId = 0

        self.reinitialize_leader_state()

    def reinitialize_leader_state(self) -> None:
        """Volatile state on leaders (Figure 2). A new one is made when a leadership ends, so it
        says nothing on a server that does not lead."""
        self.followers = Followers(self.id)
        """What is known of each other server that gets the log."""
        self.rounds = Rounds(self.lease_us)
        """How often this leader has asked everybody for a sign of life."""
        self.first_index_of_term = 0
        """Index of the NoOp with which this leader began its term."""
        self.waiting = Waiting()
        """Clients that wait for an entry to be applied."""
        self.reads = PendingReads()
        """Queries that wait for a proof that this server still leads."""
        self.change: Change | None = None
        """The change of members whose learners catch up, or None."""
        self.hand_over: HandOver | None = None
        """The transfer under way; meanwhile this leader takes no requests."""

    # What follows from the state.

    def everyone(self) -> tuple[NodeId, ...]:
        """All servers there are, members or not, in the same order on each."""
        return tuple(sorted((self.id, *self.peers)))

    @property
    def configuration(self) -> Configuration:
        """The latest configuration in the log, committed or not: the one in effect (section 6)."""
        return self.configurations.latest

    def status(self) -> Mapping[str, object]:
        """Role, term, and how far the log is stored, committed and applied."""
        return {
            "role": self.role.value,
            "term": self.current_term,
            "leader": self.leader or "",
            "last": self.log.last_index,
            "commit": self.commit_index,
            "applied": self.last_applied,
            "snapshot": self.log.snapshot_index,
            "log": shown_log(
                "term", self.log.parts(ENTRIES_SHOWN), self.log.last_index, self.commit_index
            ),
        }

    def observe_term(self, term: int) -> None:
        """If a message's term is above the current one, adopt it and become follower (5.1)."""
        if term > self.current_term:
            self.become_follower(term)

    def heard_from(self, follower: NodeId, term: int, round: int) -> Progress | None:
        """Note that a follower has answered; returns what is known of it.

        None if there is nothing to learn from the answer: this server does not lead any more, or
        the answer is to a leader of an earlier term, or from one that gets no log.
        """
        self.observe_term(term)
        if self.role is not Role.LEADER or term < self.current_term:
            return None
        return self.followers.record_answer(follower, round)

    def adjust_followers(self) -> None:
        """Let exactly those get the log who are to have it now.

        That is all members of the configurations in the log, and the learners. Those that a change
        removes get the log until the change is committed, so they hear of it.
        """
        learners = () if self.change is None else self.change.learners
        wanted = dict.fromkeys((*self.configurations.servers(), *learners))
        self.followers.keep_exactly(wanted, self.log.last_index + 1)

    def end_leadership(self) -> None:
        """Forget what only a leader knows; clients find the next leader by themselves."""
        for timer in (self.heartbeat_timer, self.quorum_timer, self.transfer_timer):
            self.cancel_timer(timer)
        self.reinitialize_leader_state()

    # What an application supplies.

    @abstractmethod
    def new_application(self) -> Application:
        """The state machine at the very beginning."""

    # What one part asks of another.

    @abstractmethod
    def become_follower(self, term: int) -> None:
        """Election: follow the leader of ``term``, which is this server's term or a newer one."""

    @abstractmethod
    def follow(self, term: int, leader: NodeId) -> None:
        """Election: ``leader`` leads ``term``, and was heard just now."""

    @abstractmethod
    def begin_replication(self) -> None:
        """Replication: do what a leader does first in its term."""

    @abstractmethod
    def propose(self, command: object) -> int:
        """Replication: append a command to the leader's log and send it; returns its index."""

    @abstractmethod
    def replicate_to(self, follower: NodeId) -> None:
        """Replication: send what is new to ``follower``, as far as it may be sent now."""

    @abstractmethod
    def start_round(self) -> None:
        """Replication: ask everybody for a sign of life, with a new round number."""

    @abstractmethod
    def caught_up_to(self, follower: NodeId, index: int) -> None:
        """Replication: a follower has the log up to ``index``: see what follows from that."""

    @abstractmethod
    def send_snapshot_to(self, follower: NodeId) -> None:
        """Compaction: send a follower the next piece of a snapshot."""

    @abstractmethod
    def serve_reads(self) -> None:
        """Reads: answer all queries that may be answered now."""

    @abstractmethod
    def takes_requests(self, client: NodeId, number: int) -> bool:
        """Service: whether this server leads and takes requests now; if not, tell the client."""

    @abstractmethod
    def apply_committed(self) -> None:
        """Service: apply to the application what is committed and not applied yet."""
