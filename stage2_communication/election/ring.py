"""The ring: a name goes round, and only the highest one comes back to its owner.

Chang and Roberts 1979, "An improved algorithm for decentralized extrema-finding in circular
configurations of processes". Every process speaks with the next one in the ring only.

* A process that misses its leader sends its own name to the next one (:class:`Candidate`).
* A process hands a higher name on, and swallows a lower one. It sends its own instead, if it has
  not done so in this election.
* A name that comes back to its owner has passed everybody, so it is the highest. The owner leads,
  and its name goes round once more (:class:`Elected`). It does so again and again: that is the
  leader's heartbeat.

Le Lann 1977 has the same ring, but every name goes all the way round: n * n messages. Swallowing
makes it n * H(n) on average (H(n) = 1 + 1/2 + ... + 1/n), about n ln n, and n (n + 1) / 2 at worst.

**Where this leaves the paper.** There nobody dies. Here each hop is acknowledged
(:class:`Received`), and a process that does not acknowledge in time is skipped. A word with
the name of a process that is skipped is dropped: nobody else would take it from the ring.

**What it stands on.** A process that is slow is skipped like a dead one. Then two leaders are
possible, as with Bully.
"""

from collections.abc import Mapping
from typing import TypeAlias

from common.contract import CallId, Node, NodeId, TimerId, message, on, record, timer
from common.values.history import Ok
from common.values.units import MS
from stage2_communication.election.bully import WhoLeads, rank


@record
class Candidate:
    """``name`` could lead: nobody that it has passed is higher."""

    name: NodeId


@record
class Elected:
    """``name`` leads."""

    name: NodeId


Word: TypeAlias = Candidate | Elected
"""What goes round."""


@message
class Pass:
    """A word on its way to the next process."""

    word: Word


@message
class Received:
    """This word has arrived."""

    word: Word


@timer
class NotReceived:
    """This word was not acknowledged in time."""

    word: Word


@timer
class LeaderSilent:
    """No leader's name has come by for too long."""


@timer
class HeartbeatDue:
    """It is time for the leader's name to go round again."""


class RingProcess(Node):
    """One process of the ring.

    Args:
        id: the name of this process.
        peers: the other ones.
        ring: all processes in the order in which words go round; by rank unless given.
        received_within: how long to wait for an acknowledgement, in microseconds: no less than a
            message and its answer can take.
        heartbeat_every: how often the leader's name goes round, in microseconds.
        silence: if no leader's name comes by for so long, there is none.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        ring: tuple[NodeId, ...] = (),
        received_within: int = 20 * MS,
        heartbeat_every: int = 50 * MS,
        silence: int = 200 * MS,
    ) -> None:
        super().__init__(id, peers)
        self.received_within = received_within
        self.heartbeat_every = heartbeat_every
        self.silence = silence
        everybody = ring or tuple(sorted((id, *peers), key=rank))
        place = everybody.index(id)
        self.following = (*everybody[place + 1 :], *everybody[: place + 1])
        """Who comes next, and after that, all round; this process itself is the last one."""
        self.leader: NodeId | None = None
        """Who leads, as far as this process knows."""
        self.has_stood = False
        """Whether this process has sent its name, or handed on a higher one, in this election."""
        self.under_way: dict[Word, tuple[int, TimerId]] = {}
        """Each word that waits for an acknowledgement: to which place in ``following`` it was
        sent, and the timer that skips that place."""
        self.timer: TimerId = 0
        """What this process waits for, beside acknowledgements."""

    def status(self) -> Mapping[str, object]:
        """Who leads, and whether there is an election."""
        return {"leader": self.leader or "", "electing": self.has_stood}

    def wait(self, after: int, timer: object) -> None:
        """Wait for this timer, and for no other one but acknowledgements."""
        self.cancel_timer(self.timer)
        self.timer = self.set_timer(after, timer)

    def on_start(self) -> None:
        """Stand for election: a process that comes back may be the highest one."""
        self.stand()

    @on(WhoLeads)
    def who_leads(self, ask: WhoLeads, call: CallId) -> None:
        """Answer with the leader that this process knows."""
        self.finish(call, Ok(self.leader))

    # The election.

    def stand(self) -> None:
        """Send the own name round. There is no leader until one comes by, within ``silence``."""
        self.leader, self.has_stood = None, True
        self.send_on(Candidate(self.id))
        self.wait(self.silence, LeaderSilent())

    def take(self, word: Word) -> None:
        """A word has come to this process: a name that stands, or one that leads."""
        if isinstance(word, Candidate):
            self.candidate_received(word)
        else:
            self.elected_received(word)

    def candidate_received(self, word: Candidate) -> None:
        """Three cases, by the rank of the name (Chang and Roberts 1979, the algorithm).

        Higher than this process: hand it on, and this process has stood, as it cannot win any
        more. Lower: swallow it, and stand, unless that was done already. Its own: it has passed
        everybody, so this process leads.
        """
        if word.name == self.id:
            self.lead()
        elif rank(word.name) > rank(self.id):
            self.has_stood = True
            self.send_on(word)
        elif not self.has_stood:
            self.stand()

    def lead(self) -> None:
        """Lead, and say so all round; again in ``heartbeat_every``."""
        if self.leader != self.id:
            self.note(f"{self.id} leads")
        self.leader, self.has_stood = self.id, False
        self.send_on(Elected(self.id))
        self.wait(self.heartbeat_every, HeartbeatDue())

    def elected_received(self, word: Elected) -> None:
        """A leader's name comes by: follow it, and hand it on, unless it is lower.

        A lower one leads because it took this process for dead: swallow the name, and stand. The
        own name has been all round, and ends here.
        """
        if word.name == self.id:
            return
        if rank(word.name) > rank(self.id):
            self.leader, self.has_stood = word.name, False
            self.send_on(word)
            self.wait(self.silence, LeaderSilent())
        elif not self.has_stood:
            self.stand()

    @on(HeartbeatDue)
    def heartbeat_due(self, timer: HeartbeatDue) -> None:
        """The leader says again that it leads."""
        self.lead()

    @on(LeaderSilent)
    def leader_missed(self, timer: LeaderSilent) -> None:
        """There is no leader any more, or none has come: stand."""
        self.stand()

    # From one process to the next.

    def send_on(self, word: Word, place: int = 0) -> None:
        """Send a word to the process at this place after this one, unless it is on its way already.

        If it is not acknowledged in ``received_within``, that process will be skipped. A word for
        this process itself, because all others were skipped, is taken without a message.
        """
        target = self.following[place]
        if target == self.id:
            self.take(word)
        elif word not in self.under_way:
            self.send(target, Pass(word))
            skip = self.set_timer(self.received_within, NotReceived(word))
            self.under_way[word] = (place, skip)

    @on(Pass)
    def pass_received(self, passed: Pass, sender: NodeId) -> None:
        """Acknowledge the word, and take it."""
        self.send(sender, Received(passed.word))
        self.take(passed.word)

    @on(Received)
    def received(self, received: Received, sender: NodeId) -> None:
        """The process to which the word was sent has it, so it is not to be skipped.

        An acknowledgement of a process that was skipped already is too late.
        """
        if received.word in self.under_way:
            place, skip = self.under_way[received.word]
            if self.following[place] == sender:
                self.cancel_timer(skip)
                del self.under_way[received.word]

    @on(NotReceived)
    def not_received(self, late: NotReceived) -> None:
        """The process to which the word was sent is dead: send the word to the one behind it.

        If the word is about the dead process, nobody would ever take it from the ring. So drop it,
        and stand instead, if that was not done already.
        """
        place, _ = self.under_way.pop(late.word)
        if late.word.name != self.following[place]:
            self.send_on(late.word, place + 1)
        elif not self.has_stood:
            self.stand()
