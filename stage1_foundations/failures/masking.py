"""Reading from replicas of which some lie: what f + 1 say alike, at least one honest one says.

A Byzantine node does anything: it is silent, gives wrong answers, gives different ones to different
askers, repeats old ones, answers twice (Lamport, Shostak and Pease 1982, "The Byzantine generals
problem"). No single answer can be believed. With ``n`` replicas of the same data of which at most
``f`` are faulty:

* what ``f + 1`` replicas say is said by an honest one, and so it is true;
* ``f`` may be silent, and the others must be enough: so ``n - f >= f + 1``, and ``n = 2f + 1`` is
  the least number. (Schneider 1990, "Implementing fault-tolerant services using the state machine
  approach": with Byzantine failures an ensemble of 2t + 1 replicas, and the output of the majority;
  where replicas only stop, t + 1 are enough, and any answer will do.)

**For data that does not change** that is all, and this file is about such data: a catalogue that
all honest replicas hold alike. If values are written, a reader must also meet the latest writer
in enough honest replicas, and more are needed: quorums of ``n >= 4f + 1`` replicas *mask* ``f``
faulty ones, and ``3f + 1`` are enough for data that prove themselves, by signatures (Malkhi and
Reiter 1998, "Byzantine quorum systems": masking and dissemination quorum systems). Agreeing on an
order of writes takes ``3f + 1`` as well, and a protocol of its own: stage 5.

A replica is known by its name here: the world sees to it that nobody sends in another's name (on
sockets by the cluster's handshake). With names that can be forged, one liar would be many.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.contract import CallId, Node, NodeId, TimerId, begin_life, message, on, operation, timer
from common.values.history import Failed, Ok, Unknown
from common.values.units import MS

CATALOGUE = (("earth", "3rd"), ("jupiter", "5th"), ("mars", "4th"), ("venus", "2nd"))
"""What replicas hold unless told otherwise."""


@operation
class Lookup:
    """What does the catalogue say of ``key``? Ends with Ok(entry), Ok(None) for no entry."""

    key: str


@message
class Question:
    """Asks for an entry; ``number`` names the question among its sender's."""

    number: int
    key: str


@message
class Answer:
    """The entry that question ``number`` asked for, or None."""

    number: int
    entry: str | None


@timer
class AskAgain:
    """It is time to ask again those that have not answered question ``number``."""

    number: int


class CatalogueReplica(Node):
    """Holds the catalogue and answers questions: the honest replica.

    Args:
        id: the name of this node.
        peers: the other replicas.
        catalogue: pairs of key and entry, the same at all honest replicas.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        catalogue: tuple[tuple[str, str], ...] = CATALOGUE,
    ) -> None:
        super().__init__(id, peers)
        self.catalogue = dict(catalogue)
        """The entries by key."""

    @on(Question)
    def question_received(self, question: Question, sender: NodeId) -> None:
        """Answer with the entry."""
        self.send(sender, Answer(question.number, self.catalogue.get(question.key)))


@dataclass(slots=True)
class Poll:
    """The lookup under way.

    Attributes:
        call: what its end will be told to.
        question: what was asked of every replica.
        votes: by replica, its first answer. Each replica has one vote.
        rounds: how often those that have not answered were asked.
        timer: what will bring the next round.
    """

    call: CallId
    question: Question
    votes: dict[NodeId, str | None] = field(default_factory=dict)
    rounds: int = 0
    timer: TimerId = 0


class VotingClient(Node):
    """Asks all replicas and believes what f + 1 of them say.

    Args:
        id: the name of this node.
        peers: the replicas, 2f + 1 of them or more.
        ask_again_after: the time between two rounds, in microseconds.
        rounds: how often to ask at most.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        ask_again_after: int = 50 * MS,
        rounds: int = 5,
    ) -> None:
        super().__init__(id, peers)
        self.faulty = most_faulty(len(self.peers))
        """f: how many replicas may lie."""
        self.ask_again_after = ask_again_after
        self.rounds = rounds
        self.last_number = 0
        """The number of the latest question. It only grows, over crashes too."""
        self.poll: Poll | None = None
        """The lookup under way, or None."""

    def status(self) -> Mapping[str, object]:
        """How many have answered."""
        return {"votes": 0 if self.poll is None else len(self.poll.votes)}

    def on_start(self) -> None:
        """Begin a life with numbers of its own, as every client of this lab does."""
        self.last_number = begin_life(self)

    @on(Lookup)
    def lookup(self, operation: Lookup, call: CallId) -> None:
        """Put the question to every replica."""
        if self.poll is not None:
            self.finish(call, Failed("not sent: this client has a lookup under way"))
            return
        self.last_number += 1
        self.poll = Poll(call, Question(self.last_number, operation.key))
        self._ask_silent(self.poll)

    @on(Answer)
    def answer_received(self, answer: Answer, sender: NodeId) -> None:
        """Count the replica's first answer to this question; end when f + 1 say the same.

        A liar that answers a hundred times has one vote, and an answer to another question none.
        """
        poll = self.poll
        if poll is None or answer.number != poll.question.number or sender not in self.peers:
            return
        poll.votes.setdefault(sender, answer.entry)
        alike = list(poll.votes.values()).count(answer.entry)
        if alike > self.faulty:
            self._end(poll, Ok(answer.entry))

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Ask the silent ones again; after the last round say that nobody knows.

        The word of most so far is no answer: f liars can be the first, or the only ones, heard.
        """
        poll = self.poll
        if poll is None or poll.question.number != timer.number:
            return
        if poll.rounds < self.rounds:
            self._ask_silent(poll)
        else:
            heard = f"{len(poll.votes)} of {len(self.peers)} replicas answered"
            self._end(poll, Unknown(f"{heard}, and no {self.faulty + 1} of them said the same"))

    def _ask_silent(self, poll: Poll) -> None:
        for replica in self.peers:
            if replica not in poll.votes:
                self.send(replica, poll.question)
        poll.rounds += 1
        poll.timer = self.set_timer(self.ask_again_after, AskAgain(poll.question.number))

    def _end(self, poll: Poll, outcome: Ok | Unknown) -> None:
        self.poll = None
        self.cancel_timer(poll.timer)
        self.finish(poll.call, outcome)


def most_faulty(replicas: int) -> int:
    """The greatest f for which so many replicas are enough: ``replicas >= 2f + 1``.

    >>> [most_faulty(n) for n in (1, 2, 3, 4, 5, 7)]
    [0, 0, 1, 1, 2, 3]
    """
    return (replicas - 1) // 2
