"""Ping and pong: the smallest protocol of which a client can ask something.

A :class:`Server` answers each question with its own text. A :class:`Client` asks until it has an
answer: :class:`common.contract.Asker` numbers the questions, waits, asks again, and says the truth
about the end. Write here the idea of your protocol, and where it leaves the paper.
"""

from common.contract import Asker, CallId, Node, NodeId, message, on, operation
from common.values.history import Ok


@message
class Ping:
    """A question; ``number`` names it among those of its sender."""

    number: int
    text: str


@message
class Pong:
    """The answer to the Ping of the same number, with the same text."""

    number: int
    text: str


@operation
class Say:
    """A person wants ``text`` to be said back; is told Ok(text) if it was."""

    text: str


class Server(Node):
    """Answers every question, and keeps nothing."""

    @on(Ping)
    def ping_received(self, ping: Ping, sender: NodeId) -> None:
        """Answer the sender with a Pong of the same number and text."""
        self.send(sender, Pong(ping.number, ping.text))


class Client(Asker):
    """Asks the servers in turn; it looks only, so what nobody answers has failed."""

    @on(Say)
    def say(self, operation: Say, call: CallId) -> None:
        """Put the question under a number of its own."""
        self.ask(Ping(self.new_number(), operation.text), call, question=True)

    @on(Pong)
    def pong_received(self, pong: Pong, sender: NodeId) -> None:
        """End the question of this number with Ok(text); the next one goes to this sender."""
        self.end(pong.number, Ok(pong.text), sender)
