"""The client's half of exactly-once: ask, wait, ask again, and tell the truth about the end.

A client that gets no answer cannot know why. The request was lost, or the server died before it or
after it, or the answer was lost. So the client sends the same request again, and the server knows
it again by the client's name and the request's number: that is the server's half,
:class:`~common.contract.AtMostOnce`. The client's half is an :class:`Asker`. It promises:

* **A number never comes back**, not even after a crash of the client. A server would take the new
  request for a repetition, and the client would take a late answer for a new one.
* **Everything is bounded**: requests under way, attempts, and redirects within an attempt.
* **The end is true.** Ok: a server said so. Failed: it certainly did not happen and never will.
  Unknown: it may have happened, or may still happen. Silence never proves that nothing happened.

Saltzer, Reed and Clark 1984, "End-to-end arguments in system design": why this is the client's
business, whatever the transport promises. Liskov and Cowling 2012, section 4: the client's number.
The labs ``echo``, ``failures`` and ``cap`` write all this by hand, because they teach it.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from common.contract.events import CallId, NodeId, TimerId
from common.contract.handlers import on
from common.contract.kinds import timer
from common.contract.node import Node
from common.values.history import Failed, Outcome, Unknown
from common.values.units import MS

NUMBERS_OF_A_LIFE = 2**32
"""How many requests a node may number between two crashes."""


def begin_life(node: Node) -> int:
    """Count one life more of ``node``, and return a number below all those of this life.

    To be called once, in ``on_start``. It saves one count for each life, not one number for each
    request: life 0 has the numbers from 1, life 1 those above 2**32, and so on.
    """
    life = node.saved.get("life", 0)
    assert isinstance(life, int), "this node saved something else than a number as its life"
    node.save("life", life + 1)
    return life * NUMBERS_OF_A_LIFE


class NumberedRequest(Protocol):
    """Any message with a number. A server tells a repetition from a new request by it."""

    @property
    def number(self) -> int:
        """Names the request among all requests of its client, in all its lives."""


@timer
class AskAgain:
    """The request ``number`` was not answered in time."""

    number: int


@dataclass(slots=True)
class Asked:
    """A request under way: it has no answer so far.

    Attributes:
        request: what is sent, the very same in each attempt.
        call: the operation that ends with it.
        question: whether it only looks. What only looks and is not answered has failed for certain.
        attempts: how often it was put so far, redirects not counted.
        redirects: how often the present attempt was sent on.
        server: who was asked last; "" before the first attempt.
        timer: what brings the next attempt, or the end.
        why: what keeps it from being answered, as far as servers have said.
    """

    request: NumberedRequest
    call: CallId
    question: bool = False
    attempts: int = 0
    redirects: int = 0
    server: NodeId = ""
    timer: TimerId = 0
    why: str = "no server answered"


class Asker(Node):
    """A client: puts requests to servers and repeats each one until it has an end.

    A subclass turns operations into requests and calls :meth:`ask`. Its handlers of the servers'
    messages call :meth:`end`, :meth:`redirect` or :meth:`not_now`. It may override
    :meth:`server_for` and :meth:`also_ask` (which servers to ask), and :meth:`ended` (what to
    tell). All other things happen here.

    Args:
        id: the name of this node; servers know its requests by it.
        peers: the other members of the cluster.
        servers: the servers to ask, in this order, round and round; all peers if none is named.
        ask_again_after: how long to wait for an answer before the next attempt, in microseconds.
        longest_wait: if it is greater, each wait is twice as long as the one before, up to this,
            and then up to a quarter longer by chance.
        attempts: how often a request is put at most, the first time included.
    """

    most_under_way: ClassVar[int] = 1
    """Requests under way at once; one more fails unsent. More than one only for servers that
    remember more than the last number of a client, which AtMostOnce does not."""
    most_redirects: ClassVar[int] = 1
    """Redirects followed in one attempt. Without a bound, two servers that each take the other for
    the right one would keep the client running between them."""

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        servers: tuple[NodeId, ...] = (),
        ask_again_after: int = 100 * MS,
        longest_wait: int = 0,
        attempts: int = 30,
    ) -> None:
        super().__init__(id, peers)
        self.servers = servers or self.peers
        self.ask_again_after = ask_again_after
        self.longest_wait = longest_wait
        self.attempts = attempts
        self.last_number = 0
        """The number of the latest request. It only grows, over crashes too."""
        self.server = self.servers[0]
        """Who was asked last, or who answered since. New requests begin here."""
        self.under_way: dict[int, Asked] = {}
        """By number, each request without an answer. A crash forgets them: nobody waits then."""

    def on_start(self) -> None:
        """Begin with numbers that no earlier life has used."""
        self.last_number = begin_life(self)

    # What a subclass calls.

    def new_number(self) -> int:
        """The number of the next request."""
        self.last_number += 1
        return self.last_number

    def ask(self, request: NumberedRequest, call: CallId, *, question: bool = False) -> None:
        """Put a request with a new number to a server; it will end ``call``, some time.

        Args:
            request: what to send.
            call: the operation that it is for.
            question: whether it changes nothing at the servers, however often it arrives.
        """
        if len(self.under_way) >= self.most_under_way:
            many = len(self.under_way)
            self.finish(call, Failed(f"not sent: this client has {many} under way"))
            return
        assert request.number == self.last_number, "a new request takes its number by new_number()"
        asked = self.under_way[request.number] = Asked(request, call, question)
        self._attempt(asked)

    def end(self, number: int, outcome: Outcome, sender: NodeId | None = None) -> None:
        """End the request ``number``, if it is under way. New requests begin at ``sender``.

        If it is not under way, nothing happens. So an answer that comes twice, too late, or for an
        earlier life does no harm.

        Pass Failed only for what a server has promised: that it did not happen *and* that no other
        copy of the request, still on its way, will make it happen. Else pass Unknown.
        """
        asked = self.under_way.pop(number, None)
        if asked is None:
            return
        if sender is not None:
            self.server = sender
        self.cancel_timer(asked.timer)
        self.ended(asked, outcome)

    def redirect(self, number: int, to: NodeId, request: NumberedRequest | None = None) -> None:
        """Follow a server's word and send the request on, within the same attempt.

        Args:
            number: of the request that the word is about.
            to: the server that is said to be the right one.
            request: what to send there, under the same number; None for the request as it is.
        """
        asked = self.under_way.get(number)
        if asked is not None and asked.redirects < self.most_redirects:
            asked.redirects += 1
            self._send(asked, to, request or asked.request)

    def not_now(self, number: int, why: str) -> None:
        """A server could not do it. The next attempt may do better; if none does, this is why."""
        asked = self.under_way.get(number)
        if asked is not None:
            asked.why = why

    # What a subclass may override.

    def server_for(self, asked: Asked) -> NodeId:
        """The server to ask in the next attempt.

        The first attempt goes to the server that answered last. After silence the next server is
        tried, unless another request of this client has moved on from the silent one already.
        """
        if asked.server == self.server:
            known = self.server in self.servers  # a redirect may have led to a stranger
            following = self.servers.index(self.server) + 1 if known else 0
            return self.servers[following % len(self.servers)]
        return self.server

    def also_ask(self, asked: Asked) -> tuple[NodeId, ...]:
        """Who else is asked in this attempt: nobody, where one server's word is enough."""
        return ()

    def ended(self, asked: Asked, outcome: Outcome) -> None:
        """Tell how a request has ended."""
        self.finish(asked.call, outcome)

    # Attempts.

    def _attempt(self, asked: Asked) -> None:
        server = self.server_for(asked)
        asked.attempts += 1
        asked.redirects = 0
        self._send(asked, server, asked.request)
        for other in self.also_ask(asked):
            self.send(other, asked.request)
        wait = self._patience(asked.attempts)
        asked.timer = self.set_timer(wait, AskAgain(asked.request.number))

    def _send(self, asked: Asked, to: NodeId, request: NumberedRequest) -> None:
        assert request.number == asked.request.number, "a repetition has the number of the first"
        self.server = asked.server = to
        self.send(to, request)

    def _patience(self, attempts: int) -> int:
        """How long to wait for an answer to this attempt, in microseconds.

        Waits that double spare a server that is overloaded or long away. Some chance in them keeps
        clients apart that lost it at the same instant (Metcalfe and Boggs 1976, on Ethernet).
        """
        if self.longest_wait <= self.ask_again_after:
            return self.ask_again_after
        wait = min(self.ask_again_after << (attempts - 1), self.longest_wait)
        return wait + self.random.randrange(wait // 4 + 1)

    @on(AskAgain)
    def ask_again(self, timer: AskAgain) -> None:
        """Put the request once more, or after the last attempt say what is certainly true."""
        asked = self.under_way[timer.number]  # the timer is cancelled when a request ends
        if asked.attempts < self.attempts:
            self._attempt(asked)
        elif asked.question:
            self.end(timer.number, Failed(asked.why))
        else:
            self.end(timer.number, Unknown(asked.why))
