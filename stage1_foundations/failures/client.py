"""The honest client: it says ok, failed or unknown, and whatever it says is true.

* Ok: the server said that the command was carried out.
* Failed: the command certainly did not happen and never will. Two things alone are proof: the
  server refused it (and remembers that it did), or it never left this node.
* Unknown: everything else. Silence proves nothing: a request that was lost, one that still sits in
  some queue, a server that died before the command, one that died after it, and an answer that was
  lost all look the same from here (``apart.py``). A client that calls silence a failure
  lies as soon as one answer is lost (``hasty.py``).

Retries make Unknown rare. They are safe because each repetition carries the *same number*, by which
the server knows it (``account.py``). They are bounded in two ways. The waits double, so that a
partition of an hour is not an hour of hammering; some randomness on top keeps the clients of one
server from coming back at the same instant. And after the last attempt the client says Unknown and
goes on. It may: a number is never used twice. So nobody takes a late copy of the old request for
the new one, or a late answer for the new answer.

Even a crash of the client must not bring a number back. So each life begins with numbers of its
own, above all earlier ones (an *incarnation*: one durable counter, saved once per life and not once
per request). What was under way at the crash is unknown forever.

Saltzer, Reed and Clark 1984, "End-to-end arguments in system design" (on duplicate messages), say
why all this is the client's business whatever the transport promises. TCP numbers and repeats too;
but its numbers end with the connection, and it is the connection that breaks.
"""

from collections.abc import Mapping
from dataclasses import replace

from common.contract import CallId, Node, NodeId, TimerId, on, record, timer
from common.values.history import Failed, Ok, Outcome, Unknown
from common.values.units import MS
from stage1_foundations.failures.account import (
    Deposit,
    Done,
    Entries,
    Refused,
    Reply,
    Request,
    Result,
    Statement,
    Withdraw,
)

NUMBERS_OF_A_LIFE = 2**32
"""How many requests a client may make between two crashes."""


@timer
class NoAnswer:
    """The request ``number`` ought to have been answered by now."""

    number: int


@record
class Waiting:
    """The operation under way.

    Attributes:
        call: what its end will be told to.
        request: what was asked; every attempt sends this very request.
        attempts: how often it was sent.
        timer: what will bring the next attempt, or the end.
    """

    call: CallId
    request: Request
    attempts: int = 0
    timer: TimerId = 0


class AccountClient(Node):
    """Puts one operation after another to the account server, and never lies about its end.

    Args:
        id: the name of this node.
        peers: the servers.
        server: the node that it asks; if none is named, the first of the peers. A client never
            turns to another one with a request: the table that knows it is at the first.
        first_timeout: how long to wait after the first attempt, in microseconds. Each further
            wait is twice as long, and up to a quarter longer by chance.
        attempts: how often a request is sent at most, the first time included.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        server: NodeId = "",
        first_timeout: int = 50 * MS,
        attempts: int = 5,
    ) -> None:
        super().__init__(id, peers)
        self.server = server or self.peers[0]
        self.first_timeout = first_timeout
        self.attempts = attempts
        self.last_number = 0
        """The number of the latest request. It only grows, over crashes too."""
        self.waiting: Waiting | None = None
        """The operation under way, or None. There is never more than one."""

    def status(self) -> Mapping[str, object]:
        """What is under way, and how often it was sent."""
        if self.waiting is None:
            return {"waiting": "", "attempts": 0}
        asked = type(self.waiting.request.asked).__name__
        return {"waiting": asked, "attempts": self.waiting.attempts}

    def on_start(self) -> None:
        """Begin a life whose numbers are above those of all earlier ones.

        With a number of an earlier life the server would take a new command for a repetition, and
        answer it with the result of the old one.

        The number of this life is saved under ``"life"``.
        """
        earlier_lives: int = self.saved.get("life", 0)
        self.last_number = NUMBERS_OF_A_LIFE * earlier_lives
        self.save("life", earlier_lives + 1)

    @on(Deposit, Withdraw, Statement)
    def begin(self, asked: Deposit | Withdraw | Statement, call: CallId) -> None:
        """Give the operation a number and send it for the first time.

        While another one is under way it is not sent at all, and so Failed is certain: the server's
        table remembers one number per client, and with two under way could forget one.
        """
        if self.waiting is not None:
            self.finish(call, Failed("not sent: this client has an operation under way"))
            return
        self.last_number += 1
        self._attempt(Waiting(call, Request(self.last_number, asked)))

    @on(Reply)
    def reply_received(self, reply: Reply, sender: NodeId) -> None:
        """The server knows how the operation ended, if this answers the one under way.

        An answer to an earlier request, or a second one to the same, says nothing about this one.
        """
        waiting = self.waiting
        if waiting is None or waiting.request.number != reply.number:
            return
        self.waiting = None
        self.cancel_timer(waiting.timer)
        self.finish(waiting.call, outcome_of(reply.result))

    @on(NoAnswer)
    def no_answer(self, timer: NoAnswer) -> None:
        """Send the same request again; after the last attempt say what is true: nobody knows."""
        waiting = self.waiting
        if waiting is None or waiting.request.number != timer.number:
            return
        if waiting.attempts < self.attempts:
            self._attempt(waiting)
        else:
            self.waiting = None
            self.finish(waiting.call, Unknown(f"no answer to {waiting.attempts} attempts"))

    def _attempt(self, waiting: Waiting) -> None:
        """Send the request, and remember it with one attempt more and the timer of this one.

        The wait is ``first_timeout``, doubled once for each attempt before this one. It is longer
        by up to a quarter of that, drawn each time: so clients that lost the server at the same
        instant do not come back at the same instant (Ethernet's backoff: Metcalfe and Boggs 1976).
        """
        self.send(self.server, waiting.request)
        wait = self.first_timeout << waiting.attempts
        wait += self.random.randrange(wait // 4 + 1)
        timer = self.set_timer(wait, NoAnswer(waiting.request.number))
        self.waiting = replace(waiting, attempts=waiting.attempts + 1, timer=timer)


def outcome_of(result: Result) -> Outcome:
    """What to tell the user when the server's answer is this.

    >>> outcome_of(Done(7)), outcome_of(Refused("the balance is 3"))
    (Ok(value=7), Failed(reason='the balance is 3'))
    """
    match result:
        case Done(balance):
            return Ok(balance)
        case Entries(entries):
            return Ok(entries)
        case Refused(reason):
            return Failed(reason)
