"""A Raft server's state, and what the parts of the protocol offer each other.

Each part is a class in a file of its own: ``election``, ``replication``, ``persistence``,
``compaction``, ``membership``, ``reads``, ``transfer``, ``service``. All derive from :class:`Core`,
which holds the state (Figure 2), and ``server.Raft`` joins them. What one part needs of another is
declared here as an abstract method, so this file is also the map of who calls whom.

Durability. "Updated on stable storage before responding to RPCs" (Figure 2) is the contract's rule:
what a step saves is durable before anything else of that step, or of a later step, leaves the node.
So a leader may count itself among those that have an entry as soon as it has asked for it to be
saved. Should it decide with that very entry that the entry is committed, nobody can see the
decision before the entry is durable: not the followers, and not the client, whose answer waits as
well. And after a crash before that, the decision is as lost as the entry.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from common.contract import Application, AtMostOnce, Node, NodeId, TimerId
from common.values.units import MS
from stage4_consensus.raft.leader_state import Change, HandOver, PendingRead, Progress
from stage4_consensus.raft.log import Log
from stage4_consensus.raft.messages import Configuration, Entry, Role, Snapshot


class Core(Node, ABC):
    """The state of one server.

    Args:
        id: the name of this server.
        peers: all other servers that could ever be members.
        voters: the members at the very beginning, the same for all servers; nobody named means
            everybody. A server that is not among them waits until a leader adds it.
        election_timeout: least and greatest election timeout, in microseconds; each is drawn
            anew (section 5.2). The least one is also how long a server that heard from a leader
            votes for nobody (thesis, section 4.2.3).
        heartbeat_every: how often a leader is heard at least, in microseconds.
        pre_vote: whether to ask before an election whether it could be won (thesis, 9.6).
        snapshot_every: after how many applied entries to compact the log; 0 for never.
        snapshot_bytes: after how many bytes of applied entries to do so, if they are there first.
        max_entries: most entries in one message.
        max_in_flight: most unanswered messages with entries to one follower.
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
        self.piece_parts = piece_parts
        self.max_bytes = max_bytes
        self.lease_us = lease_us

        # Persistent state on all servers (Figure 2).
        self.current_term = 0
        """Latest term this server has seen. Only grows."""
        self.voted_for: NodeId | None = None
        """Candidate that received this server's vote in the current term, or None."""
        self.log = Log()
        self.snapshot = Snapshot(0, 0, Configuration(tuple(voters) or self.everyone()), None)
        """What took the place of the log's beginning; before any, the state at the very start."""

        # Volatile state on all servers.
        self.commit_index = 0
        """Highest log entry known to be committed. Only grows within a life."""
        self.last_applied = 0
        """Highest log entry applied to the application; at most ``commit_index``."""
        self.machine = AtMostOnce(self.new_application())
        self.role = Role.FOLLOWER
        self.leader: NodeId | None = None
        """Whom this server takes for the leader of its term."""
        self.heard_at: int | None = None
        """When it last heard from that leader, by its own clock; None for too long ago."""
        self.configurations: list[tuple[int, Configuration]] = [(0, self.snapshot.configuration)]
        """With their log indices: the latest one that is in the snapshot, and all in the log."""
        self.agreeing: set[NodeId] = set()
        """Who has granted this candidate a vote, or this pre-candidate a pre-vote."""
        self.gathering: tuple[int, int] | None = None
        """Term and last index of the snapshot that a leader is sending here."""
        self.gathered: list[object] = []
        """The parts of it that are here."""
        self.election_timer: TimerId = 0
        self.heartbeat_timer: TimerId = 0
        self.quorum_timer: TimerId = 0

        # Volatile state on leaders.
        self.progress: dict[NodeId, Progress] = {}
        """What is known of each other server that gets the log."""
        self.round = 0
        """How often this leader has asked everybody for a sign of life."""
        self.round_began: dict[int, int] = {}
        """When the rounds began that no quorum has answered yet, by the own clock."""
        self.first_index_of_term = 0
        """Index of the NoOp with which this leader began its term."""
        self.waiting: dict[int, tuple[NodeId, int]] = {}
        """Which client waits for the entry at an index, and the number of its request."""
        self.reads: list[PendingRead] = []
        """Queries that wait, in the order in which they came."""
        self.lease_until: int | None = None
        """Until when, by the own clock, no other leader can be; None for no lease."""
        self.may_lease = True
        """Whether leases are to be relied on in this term."""
        self.change: Change | None = None
        """The change whose learners catch up, or None."""
        self.hand_over: HandOver | None = None
        """The transfer under way; meanwhile this leader takes no requests."""
        self.transfer_timer: TimerId = 0

    def everyone(self) -> tuple[NodeId, ...]:
        """All servers there are, members or not, in the same order on each."""
        return tuple(sorted((self.id, *self.peers)))

    @property
    def configuration(self) -> Configuration:
        """The latest configuration in the log, committed or not: the one in effect (section 6)."""
        return self.configurations[-1][1]

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
        }

    def on_start(self) -> None:
        """Servers start up as followers (section 5.2), with what earlier lives saved."""
        self.restore()
        self.start_following()

    # What an application supplies.

    @abstractmethod
    def new_application(self) -> Application:
        """The state machine at the very beginning."""

    # Offered by ``election``.

    @abstractmethod
    def start_following(self) -> None:
        """Begin a life as a follower."""

    @abstractmethod
    def observe_term(self, term: int) -> None:
        """Convert to follower if a message carries a newer term."""

    @abstractmethod
    def follow(self, term: int, leader: NodeId) -> None:
        """Take ``leader`` for the leader of ``term``, and wait for its silence anew."""

    @abstractmethod
    def become_follower(self, term: int) -> None:
        """Follow whoever leads ``term``, which is this server's term or a newer one."""

    @abstractmethod
    def campaign(self, transfer: bool = False) -> None:
        """Begin an election."""

    # Offered by ``replication``.

    @abstractmethod
    def begin_replication(self) -> None:
        """What a leader does first in its term."""

    @abstractmethod
    def end_leadership(self) -> None:
        """Forget what only a leader knows."""

    @abstractmethod
    def propose(self, command: object) -> int:
        """Append a command to the leader's log and replicate it; returns its index."""

    @abstractmethod
    def replicate_to(self, follower: NodeId) -> None:
        """Send what is new to ``follower``, as far as it may be sent now."""

    @abstractmethod
    def start_round(self) -> None:
        """Ask everybody for a sign of life, with a new round number."""

    @abstractmethod
    def heard_from(self, follower: NodeId, round: int) -> Progress | None:
        """Note that ``follower`` answered in this leader's term; None if it gets no log."""

    @abstractmethod
    def adjust_progress(self) -> None:
        """Keep a :class:`Progress` of exactly those that are to get the log now."""

    @abstractmethod
    def caught_up_to(self, follower: NodeId, index: int) -> None:
        """A follower has the log up to ``index``: see what follows from that."""

    # Offered by ``persistence``.

    @abstractmethod
    def restore(self) -> None:
        """Take up what earlier lives saved."""

    @abstractmethod
    def enter_term(self, term: int, voted_for: NodeId | None) -> None:
        """Enter a newer term, with a vote in it or without, durably."""

    @abstractmethod
    def vote_for(self, candidate: NodeId) -> None:
        """Give this term's vote, durably."""

    @abstractmethod
    def append(self, entry: Entry) -> int:
        """Append an entry to the log, durably; returns its index."""

    @abstractmethod
    def append_in_memory(self, entry: Entry) -> int:
        """Append an entry to the log, to be saved by somebody else; returns its index."""

    @abstractmethod
    def truncate_from(self, index: int) -> None:
        """Delete the entry at ``index`` and all that follow, durably."""

    @abstractmethod
    def keep_snapshot(self, snapshot: Snapshot, keep_rest: bool) -> None:
        """Put a snapshot in place of the log up to its last index, durably."""

    # Offered by ``compaction``.

    @abstractmethod
    def send_snapshot_to(self, follower: NodeId) -> None:
        """Send a follower the next piece of a snapshot."""

    @abstractmethod
    def compact_if_long(self) -> None:
        """Take a snapshot if enough was applied since the last one."""

    # Offered by ``membership``.

    @abstractmethod
    def learners(self) -> tuple[NodeId, ...]:
        """Servers that get the log before they vote."""

    @abstractmethod
    def learner_caught_up(self) -> None:
        """See whether the learners have caught up."""

    @abstractmethod
    def continue_change(self) -> None:
        """Take the next step of a change whose last step is committed."""

    @abstractmethod
    def forget_change(self) -> None:
        """Forget, as a deposed leader, the change under way."""

    # Offered by ``reads``.

    @abstractmethod
    def serve_reads(self) -> None:
        """Answer all reads that may be answered now."""

    @abstractmethod
    def end_lease(self) -> None:
        """Another leader may be elected at any moment: rely on no clock until the next round."""

    @abstractmethod
    def forget_reads(self) -> None:
        """Forget, as a deposed leader, the reads that wait."""

    # Offered by ``transfer``.

    @abstractmethod
    def continue_transfer(self) -> None:
        """Ask the target to begin its election if it has all of the log."""

    @abstractmethod
    def forget_transfer(self) -> None:
        """Forget the transfer under way, if there is one."""

    # Offered by ``service``.

    @abstractmethod
    def apply_committed(self) -> None:
        """Apply to the application what is committed and not applied yet."""

    @abstractmethod
    def takes_requests(self, client: NodeId, number: int) -> bool:
        """Whether this server leads and takes requests now; if not, the client is told."""

    @abstractmethod
    def forget_requests(self) -> None:
        """Forget, as a deposed leader, which clients wait."""
