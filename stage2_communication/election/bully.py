"""Bully: the highest process that is alive leads, and says so to all lower ones.

Garcia-Molina 1982, "Elections in a distributed computing system", section IV, in the form that
textbooks teach. Every process has a rank, and knows all others.

* A process that misses its leader asks all *higher* processes (:class:`Election`).
* A higher process that is alive says so (:class:`Answer`), and holds an election of its own.
* A process to which nobody answers in time is the highest. It leads, and tells all lower ones
  (:class:`Coordinator`).

**What it stands on.** The paper assumes that every message arrives in a known time, and that a
process that is up answers in a known time. Then silence proves death. Where somebody may be slow,
silence proves nothing: two processes can lead at once (``small.SLOW_BULLY``), and nobody in this
file can notice. That is no mistake in the protocol. It is what its assumption was for.

Where this leaves the paper: there a new leader first stops everybody, and goes on when all have
acknowledged. Here a lower process follows as soon as it hears of a leader.
"""

from collections.abc import Mapping

from common.contract import CallId, Node, NodeId, TimerId, message, on, operation, timer
from common.values.history import Ok
from common.values.units import MS

# What a person asks of a process.


@operation
class WhoLeads:
    """Who leads, as far as this process knows? Ends with Ok(leader), Ok(None) if it knows none."""


# What processes say to each other.


@message
class Election:
    """I am lower than you, and I miss a leader. Are you there?"""


@message
class Answer:
    """I am higher than you, and alive: leave it to me."""


@message
class Coordinator:
    """I lead from now on."""


@message
class Heartbeat:
    """I still lead."""


# What a process waits for, one of these at a time.


@timer
class NoAnswer:
    """No higher process has answered."""


@timer
class NoCoordinator:
    """A higher process has answered, and yet nobody has said that it leads."""


@timer
class LeaderSilent:
    """Nothing was heard of the leader for too long."""


@timer
class HeartbeatDue:
    """It is time to be heard again."""


def rank(process: NodeId) -> tuple[int, str]:
    """The place of a process in the order of all: n9 is lower than n10."""
    return len(process), process


class Bully(Node):
    """One process.

    Args:
        id: the name of this process.
        peers: the other ones.
        answer_within: how long to wait for an answer, in microseconds: no less than a message and
            its answer can take.
        coordinator_within: how long somebody who has answered may take to lead. It is greater,
            because the one who answered may have to wait for answers itself.
        heartbeat_every: how often a leader is heard, in microseconds.
        silence: a leader that was not heard for so long is taken for dead.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        answer_within: int = 20 * MS,
        coordinator_within: int = 60 * MS,
        heartbeat_every: int = 40 * MS,
        silence: int = 120 * MS,
    ) -> None:
        super().__init__(id, peers)
        self.answer_within = answer_within
        self.coordinator_within = coordinator_within
        self.heartbeat_every = heartbeat_every
        self.silence = silence
        self.higher = tuple(peer for peer in peers if rank(peer) > rank(id))
        self.lower = tuple(peer for peer in peers if rank(peer) < rank(id))
        self.leader: NodeId | None = None
        """Who leads, as far as this process knows. It is never a lower one."""
        self.electing = False
        """Whether an election is under way here. There is no leader then."""
        self.timer: TimerId = 0
        """What this process waits for."""

    def status(self) -> Mapping[str, object]:
        """Who leads, and whether there is an election."""
        return {"leader": self.leader or "", "electing": self.electing}

    def wait(self, after: int, timer: object) -> None:
        """Wait for this timer, and for no other one."""
        self.cancel_timer(self.timer)
        self.timer = self.set_timer(after, timer)

    def on_start(self) -> None:
        """Hold an election: a process that comes back may be the highest one."""
        self.hold_election()

    @on(WhoLeads)
    def who_leads(self, ask: WhoLeads, call: CallId) -> None:
        """Answer with the leader that this process knows."""
        self.finish(call, Ok(self.leader))

    # The election.

    def hold_election(self) -> None:
        """Ask every higher process whether it is there, and wait ``answer_within`` for an answer.

        There is no leader from now on, and an election is under way. Where there is no higher
        process at all, this one leads at once.
        """
        self.leader, self.electing = None, True
        for peer in self.higher:
            self.send(peer, Election())
        if self.higher:
            self.wait(self.answer_within, NoAnswer())
        else:
            self.lead()

    def lead(self) -> None:
        """Lead: tell every lower process, and be heard again in ``heartbeat_every``."""
        self.leader, self.electing = self.id, False
        self.note(f"{self.id} leads")
        self.tell_lower(Coordinator())
        self.wait(self.heartbeat_every, HeartbeatDue())

    def tell_lower(self, message: Coordinator | Heartbeat) -> None:
        """Send a message to every lower process."""
        for peer in self.lower:
            self.send(peer, message)

    @on(Election)
    def election_received(self, election: Election, sender: NodeId) -> None:
        """A lower process misses a leader: answer it, and hold an election, one at a time."""
        self.send(sender, Answer())
        if not self.electing:
            self.hold_election()

    @on(Answer)
    def answer_received(self, answer: Answer, sender: NodeId) -> None:
        """A higher process is alive: it will lead, or one that is higher still.

        So this process waits ``coordinator_within`` to hear who does. An answer that comes when no
        election is under way is too late, and says nothing.
        """
        if self.electing:
            self.wait(self.coordinator_within, NoCoordinator())

    @on(NoAnswer)
    def nobody_answered(self, timer: NoAnswer) -> None:
        """All higher processes are dead, if all messages arrive in time: lead."""
        self.lead()

    @on(Coordinator)
    def coordinator_received(self, coordinator: Coordinator, sender: NodeId) -> None:
        """Somebody leads: follow it, unless it is lower.

        A lower process does not know that this one is alive. An election tells it, if none is
        under way already. (This is the bully.)
        """
        if rank(sender) > rank(self.id):
            self.leader, self.electing = sender, False
            self.wait(self.silence, LeaderSilent())
        elif not self.electing:
            self.hold_election()

    # While there is a leader.

    @on(Heartbeat)
    def heartbeat_received(self, heartbeat: Heartbeat, sender: NodeId) -> None:
        """A leader is heard: that is as good as its Coordinator, if it is no old one.

        An old one is lower than the leader that this process follows. What it sent before it heard
        of that leader may come late.
        """
        if self.leader is None or rank(sender) >= rank(self.leader):
            self.coordinator_received(Coordinator(), sender)

    @on(HeartbeatDue)
    def heartbeat_due(self, timer: HeartbeatDue) -> None:
        """A leader tells every lower process that it still leads."""
        self.tell_lower(Heartbeat())
        self.wait(self.heartbeat_every, HeartbeatDue())

    @on(LeaderSilent, NoCoordinator)
    def leader_missed(self, timer: LeaderSilent | NoCoordinator) -> None:
        """There is no leader any more, or none has come: hold an election."""
        self.hold_election()
