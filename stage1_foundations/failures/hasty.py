"""The broken client, to be seen failing first: silence is a failure, and each try a new request.

Three mistakes that real programs make every day:

* when no answer comes, it says Failed. But the request may have arrived, or may arrive yet;
* when it tries again, it makes a *new* request with a number of its own, as a user does who presses
  the button twice. The server cannot know that the two are one, and carries out both;
* it takes any answer for the answer, also a late one to an operation that has ended.

It works on every calm day. ``demo.py`` shows it on the other days.
"""

from common.contract import CallId, Node, NodeId, on, timer
from common.values.history import Failed, Outcome
from common.values.units import MS
from stage1_foundations.failures.account import Deposit, Reply, Request, Statement, Withdraw
from stage1_foundations.failures.client import outcome_of


@timer
class GiveUp:
    """The request ``number`` was not answered in time."""

    number: int


class HastyClient(Node):
    """Tries twice, and then says Failed, whatever happened.

    Args:
        id: the name of this node.
        peers: the servers; the first is asked.
        timeout: how long to wait for each answer, in microseconds.
        attempts: how many requests to make.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        timeout: int = 50 * MS,
        attempts: int = 2,
    ) -> None:
        super().__init__(id, peers)
        self.timeout = timeout
        self.attempts = attempts
        self.last_number = 0
        """The number of the latest request; after a crash it begins at 0 again."""
        self.tried = 0
        """How many requests were made for the operation under way."""
        self.under_way: tuple[CallId, Deposit | Withdraw | Statement] | None = None
        """The operation under way."""

    @on(Deposit, Withdraw, Statement)
    def begin(self, asked: Deposit | Withdraw | Statement, call: CallId) -> None:
        """Ask the server."""
        if self.under_way is not None:
            self.finish(call, Failed("busy"))
            return
        self.under_way = (call, asked)
        self.tried = 0
        self._try(asked)

    @on(Reply)
    def reply_received(self, reply: Reply, sender: NodeId) -> None:
        """Any answer will do."""
        self._end(outcome_of(reply.result))

    @on(GiveUp)
    def give_up(self, timer: GiveUp) -> None:
        """Try again as if nothing had been sent; after the last time call it failed."""
        if self.under_way is None or timer.number != self.last_number:
            return
        if self.tried < self.attempts:
            self._try(self.under_way[1])
        else:
            self._end(Failed("timed out"))

    def _try(self, asked: Deposit | Withdraw | Statement) -> None:
        self.tried += 1
        self.last_number += 1
        self.send(self.peers[0], Request(self.last_number, asked))
        self.set_timer(self.timeout, GiveUp(self.last_number))

    def _end(self, outcome: Outcome) -> None:
        if self.under_way is not None:
            call, self.under_way = self.under_way[0], None
            self.finish(call, outcome)
