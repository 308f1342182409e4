"""Echo as a node: the smallest protocol that shows the whole contract.

:class:`Echo` answers. :class:`Caller` asks, and has to live with a network that loses, doubles and
delays messages: it numbers its questions, asks again when a timer fires, and in the end tells its
client the truth: Ok if an answer came, Unknown if none did. It never says Failed, since a question
that got no answer may have reached the server.

The same echo written by hand on TCP is in ``frames.py``, ``server.py`` and
``client.py``; what those need a page for (frames, connections, time-outs) is here the
business of the world that the node runs in.
"""

from collections.abc import Mapping
from dataclasses import replace

from common.contract import CallId, Node, NodeId, TimerId, message, on, operation, record, timer
from common.values.history import Ok, Unknown
from common.values.units import MS

NUMBERS_OF_A_LIFE = 2**32
"""How many questions a Caller may ask between two crashes."""

# Messages, timers, operations.


@message
class Ping:
    """A question: send this text back. ``number`` names the question among its sender's."""

    number: int
    text: str


@message
class Pong:
    """The answer to the Ping of the same number, with the same text."""

    number: int
    text: str


@timer
class AskAgain:
    """It is time to ask question ``number`` once more, or to give up."""

    number: int


@operation
class Say:
    """A client wants ``text`` echoed; it is told Ok(text), or Unknown."""

    text: str


@record
class Question:
    """What a Caller remembers of a question that has no answer yet.

    Attributes:
        call: the client's operation, which the answer will end.
        text: what was asked.
        asked: how often.
        timer: what will bring the next attempt.
    """

    call: CallId
    text: str
    asked: int = 0
    timer: TimerId = 0


# The server.


class Echo(Node):
    """Answers every Ping with a Pong that carries the same number and the same text."""

    @on(Ping)
    def ping_received(self, ping: Ping, sender: NodeId) -> None:
        """Send the text back to its sender. It keeps nothing: it answers a copy once more."""
        self.send(sender, Pong(ping.number, ping.text))


# The client.


class Caller(Node):
    """Puts each operation of its client to a server as a Ping, and asks again until answered.

    Args:
        id: the name of this node.
        peers: the other members of the cluster.
        servers: the nodes that it asks; the n-th attempt goes to the n-th of them, round and
            round. If none is named, it asks all peers.
        ask_again_after: how long to wait for an answer before the next attempt, in microseconds.
        attempts: how often a question is asked at most, the first time included.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        servers: tuple[NodeId, ...] = (),
        ask_again_after: int = 100 * MS,
        attempts: int = 5,
    ) -> None:
        super().__init__(id, peers)
        self.servers = servers or self.peers
        self.ask_again_after = ask_again_after
        self.attempts = attempts
        self.last_number = 0
        """The number of the latest question. It only grows, over crashes too."""
        self.waiting: dict[int, Question] = {}
        """By number, each question that has no answer yet."""

    def status(self) -> Mapping[str, object]:
        """How many questions have no answer yet."""
        return {"waiting": len(self.waiting)}

    def on_start(self) -> None:
        """Begin a life whose numbers no earlier life has used.

        Without that, a late answer to question 1 of the life before a crash would be taken for the
        answer to question 1 of this one.

        The number of this life is saved under ``"life"``.
        """
        life: int = self.saved.get("life", 0)
        self.save("life", life + 1)
        self.last_number = life * NUMBERS_OF_A_LIFE

    @on(Say)
    def say(self, operation: Say, call: CallId) -> None:
        """Give the question a number of its own and ask it for the first time."""
        self.last_number += 1
        self._put(self.last_number, Question(call, operation.text))

    @on(Pong)
    def pong_received(self, pong: Pong, sender: NodeId) -> None:
        """End the call with Ok(text), once: a second answer to the same question is dropped.

        Any server's answer will do, also that of one that was asked before others.
        """
        question = self.waiting.pop(pong.number, None)
        if question is not None:
            self.cancel_timer(question.timer)
            self.finish(question.call, Ok(pong.text))

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Ask once more; after the last attempt end the call with Unknown instead.

        Unknown and not Failed: each question, or its answer, may be lost, or only late.
        """
        question = self.waiting.pop(timer.number)
        if question.asked < self.attempts:
            self._put(timer.number, question)
        else:
            self.finish(question.call, Unknown(f"no answer to {self.attempts} attempts"))

    def _put(self, number: int, question: Question) -> None:
        """Send the question to the server whose turn it is and set the timer for the next time."""
        server = self.servers[question.asked % len(self.servers)]
        self.send(server, Ping(number, question.text))
        timer = self.set_timer(self.ask_again_after, AskAgain(number))
        self.waiting[number] = replace(question, asked=question.asked + 1, timer=timer)
