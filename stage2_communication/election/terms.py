"""Terms and majorities: at most one leader for each number, however slow anybody is.

The idea of the first part of Raft (Ongaro and Ousterhout 2014, section 5.2), alone. Bully asks
"who is dead?", which nobody can know. This asks "who has a majority?", which everybody can count.

* Time is cut into *terms*, numbered 1, 2, 3 ... A process never goes back to an earlier term.
* A process that misses its leader begins a new term, and asks all others for their vote
  (:class:`RequestVote`). It votes for itself.
* A process votes once in a term, and saves its vote before the vote leaves. Two majorities share
  a process, so a term has at most one leader.
* The leader is heard all the time (:class:`Heartbeat`). If nobody wins, because votes are split,
  somebody begins the next term after a time drawn by chance.

**Two leaders at one time are still possible**, of different terms: an old one may not know yet that
there is a newer one. Two things help, and they are different things.

* A *lease* (Gray and Cheriton 1989) makes it rare. Who hears a leader votes for nobody for
  ``promise`` microseconds. A leader that a majority has heard counts on that for ``lease``
  microseconds from the moment it *sent* the heartbeat, by its own clock. This needs clocks that run
  at nearly the same speed, and a leader that never stands still between looking and acting.
* A *fence* makes it harmless, whatever clocks and processes do: the next part.

Where this leaves the paper: there is no log, so there is no question of whose log is up to date. A
process that promised, or may have before it crashed, ignores a RequestVote altogether (Ongaro's
thesis, section 4.2.3).
"""

from collections.abc import Mapping
from enum import Enum

from common.contract import CallId, Node, NodeId, TimerId, message, on, timer
from common.values.history import Ok
from common.values.quorum import is_majority, majority
from common.values.units import MS
from stage2_communication.election.bully import WhoLeads


@message
class RequestVote:
    """I stand for ``term``: do I have your vote?"""

    term: int


@message
class Vote:
    """You have my vote in ``term``."""

    term: int


@message
class Heartbeat:
    """I lead ``term``. ``round`` counts my heartbeats in it: 1, 2, 3 ..."""

    term: int
    round: int


@message
class Heard:
    """I have heard the heartbeat of this round, and vote for nobody for a while."""

    term: int
    round: int


@message
class Outdated:
    """Your term is over: I know of ``term``."""

    term: int


@timer
class ElectionTimeout:
    """No leader was heard for too long."""


@timer
class PromiseOver:
    """The promise to vote for nobody is over."""


@timer
class HeartbeatDue:
    """The leader is to be heard again."""


@timer
class LeaseOver:
    """What a majority promised by hearing this round is over."""

    term: int
    round: int


class Role(Enum):
    """What a process is in the present term."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


class Voter(Node):
    """One process.

    Args:
        id: the name of this process.
        peers: the other ones that vote.
        promise: for how long a process that has heard a leader votes for nobody, in microseconds.
            It stands for election after one to two times as long, drawn by chance.
        heartbeat_every: how often a leader is heard, in microseconds.
        lease: for how long a leader counts on the promises of a majority, in microseconds. It is
            less than ``promise`` by more than two clocks can differ: 0.8 bears clocks that run
            10 % fast and 10 % slow.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        promise: int = 150 * MS,
        heartbeat_every: int = 40 * MS,
        lease: int = 120 * MS,
    ) -> None:
        super().__init__(id, peers)
        self.promise = promise
        self.heartbeat_every = heartbeat_every
        self.lease = lease
        self.term = 0
        """The latest term that this process knows of. Saved; it only grows."""
        self.voted_for: NodeId | None = None
        """Who has its vote in ``term``. Saved; it changes only when the term does."""
        self.role = Role.FOLLOWER
        self.leader: NodeId | None = None
        """Who leads ``term``, as far as this process knows."""
        self.votes: set[NodeId] = set()
        """Who has voted for this process in ``term``, itself among them."""
        self.promised = True
        """Whether it votes for nobody now. After a crash it may have promised just before."""
        self.round = 0
        """How many heartbeats this leader has sent in ``term``."""
        self.heard: dict[NodeId, int] = {}
        """Of each other process, the latest round of this leader's that it has heard."""
        self.over = 0
        """The latest round whose lease is over."""
        self.election_timer: TimerId = 0
        self.promise_timer: TimerId = 0

    @property
    def confirmed(self) -> int:
        """The latest round that a majority has heard, this leader counted; 0 for none."""
        rounds = sorted((self.round, *self.heard.values()), reverse=True)
        return rounds[majority(len(rounds)) - 1]

    @property
    def has_lease(self) -> bool:
        """Whether this process leads, and a majority has promised not to elect another one now."""
        return self.role is Role.LEADER and self.confirmed > self.over

    def status(self) -> Mapping[str, object]:
        """Its role, the term, and who leads."""
        shown = {"role": self.role.value, "term": self.term, "leader": self.leader or ""}
        return {**shown, "lease": self.has_lease}

    def on_start(self) -> None:
        """Go on in the saved term, with the saved vote, and keep what may have been promised."""
        self.term, self.voted_for = self.saved.get("vote", (0, None))
        self.keep_promise()
        self.await_leader()

    @on(WhoLeads)
    def who_leads(self, ask: WhoLeads, call: CallId) -> None:
        """Answer Ok((term, leader)): the latest term that is known here, and its leader or None."""
        self.finish(call, Ok((self.term, self.leader)))

    # Waiting.

    def await_leader(self) -> None:
        """Stand for election if no leader is heard for one to two times ``promise``."""
        self.cancel_timer(self.election_timer)
        after = self.promise + self.random.randint(1, self.promise)
        self.election_timer = self.set_timer(after, ElectionTimeout())

    def keep_promise(self) -> None:
        """Vote for nobody for ``promise`` microseconds from now on."""
        self.promised = True
        self.cancel_timer(self.promise_timer)
        self.promise_timer = self.set_timer(self.promise, PromiseOver())

    @on(PromiseOver)
    def promise_over(self, timer: PromiseOver) -> None:
        """From now on this process may vote for another leader."""
        self.promised = False

    # The election.

    @on(ElectionTimeout)
    def election_timed_out(self, timer: ElectionTimeout) -> None:
        """Begin a new term as a candidate: vote for oneself, ask all others, and wait again.

        The vote is one like any other: it is saved before anybody is asked. Where there is nobody
        else, it is a majority.
        """
        self.enter(self.term + 1, voted_for=self.id)
        self.role, self.votes = Role.CANDIDATE, {self.id}
        self.broadcast(RequestVote(self.term))
        self.await_leader()
        self.count_votes()

    def enter(self, term: int, voted_for: NodeId | None = None) -> None:
        """Be a follower in a later term, or give the vote that this one has left.

        (term, voted_for) is saved at once, under "vote". In a later term nobody leads, as far as
        this process knows.
        """
        if term > self.term:
            self.role, self.leader = Role.FOLLOWER, None
        self.term, self.voted_for = term, voted_for
        self.save("vote", (term, voted_for))

    @on(RequestVote)
    def vote_requested(self, request: RequestVote, sender: NodeId) -> None:
        """Vote for the sender, if that breaks no promise and no vote (section 5.2).

        A process that has promised ignores the request, and its term too; so does a leader that
        has a lease, for it has promised that to itself. A request of an earlier
        term is told that it is Outdated. A later term is entered first. Then the vote is given, to
        the first who asks; it is given again to the one who has it, as the first Vote may be lost.
        A process that has voted waits for a leader again.
        """
        if self.promised or self.has_lease:
            return
        if request.term < self.term:
            self.send(sender, Outdated(self.term))
            return
        if request.term > self.term:
            self.enter(request.term)
        if self.voted_for in (None, sender):
            self.enter(self.term, voted_for=sender)
            self.send(sender, Vote(self.term))
            self.await_leader()

    @on(Vote)
    def vote_received(self, vote: Vote, sender: NodeId) -> None:
        """Count a vote of the present term, as long as this process is a candidate in it."""
        if self.role is Role.CANDIDATE and vote.term == self.term:
            self.votes.add(sender)
            self.count_votes()

    def count_votes(self) -> None:
        """Lead once a majority of all has voted for this process: begin with round 1."""
        if is_majority(self.votes, (self.id, *self.peers)):
            self.role, self.leader = Role.LEADER, self.id
            self.note(f"{self.id} leads term {self.term}")
            self.cancel_timer(self.election_timer)
            self.round, self.over, self.heard = 0, 0, dict.fromkeys(self.peers, 0)
            self.beat()

    # While there is a leader.

    def beat(self) -> None:
        """Be heard: a new round, whose lease is counted from now on."""
        self.round += 1
        self.broadcast(Heartbeat(self.term, self.round))
        self.set_timer(self.lease, LeaseOver(self.term, self.round))
        self.set_timer(self.heartbeat_every, HeartbeatDue())

    @on(HeartbeatDue)
    def heartbeat_due(self, timer: HeartbeatDue) -> None:
        """A process that still leads is heard again."""
        if self.role is Role.LEADER:
            self.beat()

    @on(Heartbeat)
    def heartbeat_received(self, heartbeat: Heartbeat, sender: NodeId) -> None:
        """Somebody leads: follow it, promise, and say so; or say that its term is over.

        A candidate of the same term has lost. In a later term this process is a follower again.
        """
        assert (self.role, self.term) != (Role.LEADER, heartbeat.term), "a term has one leader"
        if heartbeat.term < self.term:
            self.send(sender, Outdated(self.term))
            return
        if heartbeat.term > self.term:
            self.enter(heartbeat.term)
        self.role, self.leader = Role.FOLLOWER, sender
        self.keep_promise()
        self.await_leader()
        self.send(sender, Heard(heartbeat.term, heartbeat.round))

    @on(Heard)
    def heartbeat_heard(self, heard: Heard, sender: NodeId) -> None:
        """Remember the latest round that the sender has heard, of this process's own term."""
        if self.role is Role.LEADER and heard.term == self.term:
            self.heard[sender] = max(self.heard[sender], heard.round)

    @on(LeaseOver)
    def lease_over(self, ended: LeaseOver) -> None:
        """The promises of this round are over. Without those of a later one, lead no longer.

        A leader that a majority does not hear cannot know whether there is another one. So it
        is a follower of nobody, in the same term, and waits for a leader.
        """
        if self.role is Role.LEADER and ended.term == self.term:
            self.over = max(self.over, ended.round)
            if not self.has_lease:
                self.role, self.leader = Role.FOLLOWER, None
                self.await_leader()

    @on(Outdated)
    def outdated(self, told: Outdated, sender: NodeId) -> None:
        """There is a later term: enter it as a follower, and wait for a leader."""
        if told.term > self.term:
            self.enter(told.term)
            self.await_leader()
