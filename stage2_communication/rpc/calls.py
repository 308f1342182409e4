"""Part 1: a call is two messages, and the caller has to know them again.

Birrell and Nelson 1984, "Implementing remote procedure calls": a call shall look as if it were a
local one. A *stub* packs the name of the procedure and the arguments into a message; the callee's
stub unpacks them, calls, and packs the result. What is left of the illusion is in section 3: a
message may be lost, come twice or come late, and either side may crash.

* **An answer finds its call.** Each call has an identifier that never comes back: the caller, its
  *incarnation* (how often it has started) and a number. A late answer to an earlier call, or to a
  call of an earlier life, ends nothing.
* **A call has a deadline**, and nobody waits longer. After it the call may have happened, may still
  happen, or may never: it ends as *unknown*, never as failed.

The service is the account of the lab ``failures``. Several calls of a caller are under way at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from common.contract import CallId, Node, NodeId, TimerId, message, on, timer
from common.values.history import Failed, Ok, Outcome, Unknown
from common.values.units import SECOND
from stage1_foundations.failures.account import (
    Account,
    Deposit,
    Done,
    Entries,
    Refused,
    Result,
    Statement,
    Withdraw,
)

WINDOW = 64
"""A caller's numbers under way are less than this apart. The callee's table is bounded by it."""

Asked: TypeAlias = Deposit | Withdraw | Statement


@message
class Request:
    """To the callee: run a procedure.

    Attributes:
        incarnation: of the caller, 1 in its first life.
        number: of the call in this incarnation: 1, 2, 3 ...
        oldest: the least number that has no end at the caller. All below it have.
        patience: for how long the caller still waits, in microseconds. (A time of day would mean
            something else at the callee, whose clock is another one.)
        procedure: its name.
        arguments: its arguments.
    """

    incarnation: int
    number: int
    oldest: int
    patience: int
    procedure: str
    arguments: tuple[int, ...]


@message
class Reply:
    """To the caller: how call ``number`` of this incarnation of it has ended."""

    incarnation: int
    number: int
    result: Done | Refused | Entries


@timer
class DeadlinePassed:
    """Nobody waits for call ``number`` any longer."""

    number: int


@dataclass(slots=True)
class UnderWay:
    """A call without an end.

    Attributes:
        call: what its end will be told to.
        procedure: what to run.
        arguments: its arguments.
        ends_at: its deadline, by the caller's clock.
        timer: what brings the deadline.
        attempts: how often it was put so far (part 2).
        again: the timer that brings the next attempt (part 2).
        is_cancelled: the user wants it no more (part 3).
    """

    call: CallId
    procedure: str
    arguments: tuple[int, ...]
    ends_at: int
    timer: TimerId
    attempts: int = 0
    again: TimerId = 0
    is_cancelled: bool = False


class Caller(Node):
    """Calls procedures of one server, each call once.

    Args:
        id: the name of this node.
        peers: the servers.
        server: whom to call; the first peer unless named.
        deadline: how long a call may take, in microseconds.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        server: NodeId = "",
        deadline: int = 2 * SECOND,
    ) -> None:
        super().__init__(id, peers)
        self.server = server or peers[0]
        self.deadline = deadline
        self.incarnation = 0
        """Which life this is, 1 for the first. It only grows."""
        self.last_number = 0
        """The number of the latest call of this life."""
        self.under_way: dict[int, UnderWay] = {}
        """By number, in the order of calling, the calls without an end."""

    def status(self) -> Mapping[str, object]:
        """How many calls are under way, and how many there were."""
        return {"under way": len(self.under_way), "calls": self.last_number}

    def on_start(self) -> None:
        """Begin a new incarnation: one more than the last, which is saved as ``"incarnation"``."""
        before = self.saved.get("incarnation", 0)
        assert isinstance(before, int), "an incarnation is a number"
        self.incarnation = before + 1
        self.save("incarnation", self.incarnation)

    @on(Deposit, Withdraw, Statement)
    def begin(self, asked: Asked, call: CallId) -> None:
        """The stub: give the call a number and a deadline, and put it for the first time.

        The procedure is ``deposit``, ``withdraw`` or ``statement``, and its argument the amount, if
        it has one. Where its number would be WINDOW or more above the oldest call under way, it is
        not sent, and that ends as Failed: it certainly does not happen.
        """
        if self.last_number + 1 - min(self.under_way, default=self.last_number) >= WINDOW:
            self.finish(call, Failed("not sent: an old call is still under way, and many since"))
            return
        self.last_number += 1
        name = type(asked).__name__.lower()
        arguments = () if isinstance(asked, Statement) else (asked.amount,)
        timer = self.set_timer(self.deadline, DeadlinePassed(self.last_number))
        ends_at = self.now + self.deadline
        self.under_way[self.last_number] = UnderWay(call, name, arguments, ends_at, timer)
        self.put(self.last_number)

    def put(self, number: int) -> None:
        """Send the request of a call that is under way."""
        self.send(self.server, self.request_of(number))

    def request_of(self, number: int) -> Request:
        """The request of a call: ``oldest`` and ``patience`` are those of this very moment."""
        asked = self.under_way[number]
        patience = asked.ends_at - self.now
        oldest = min(self.under_way)
        return Request(self.incarnation, number, oldest, patience, asked.procedure, asked.arguments)

    @on(Reply)
    def reply_received(self, reply: Reply, sender: NodeId) -> None:
        """End the call that this answers: of this incarnation, and under way. Else do nothing."""
        if reply.incarnation == self.incarnation and reply.number in self.under_way:
            self.end(reply.number, outcome_of(reply.result))

    @on(DeadlinePassed)
    def deadline_passed(self, timer: DeadlinePassed) -> None:
        """Tell the truth about a call without an answer: nobody knows whether it happened."""
        self.end(timer.number, Unknown("no answer before the deadline"))

    def end(self, number: int, outcome: Outcome) -> None:
        """A call has its end: it is not under way any more, and its timers are none."""
        asked = self.under_way.pop(number)
        self.cancel_timer(asked.timer)
        self.cancel_timer(asked.again)
        self.finish(asked.call, outcome)


class Callee(Node):
    """Runs a procedure for each request that comes."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.account = Account()
        """What the procedures work on."""

    def status(self) -> Mapping[str, object]:
        """How many entries the account has."""
        return {"entries": len(self.account.entries)}

    @on(Request)
    def request_received(self, request: Request, sender: NodeId) -> None:
        """The callee's stub: run the procedure, and send the result back under the same number."""
        result = self.run(request.procedure, request.arguments)
        self.send(sender, Reply(request.incarnation, request.number, result))

    def run(self, procedure: str, arguments: tuple[int, ...]) -> Result:
        """Call a procedure by its name; Refused, in a sentence, where it is none or called wrongly.

        ``deposit`` and ``withdraw`` take an amount and are commands of the account, ``statement``
        takes nothing.
        """
        match procedure, arguments:
            case "deposit", (amount,):
                return self.account.apply(Deposit(amount))
            case "withdraw", (amount,):
                return self.account.apply(Withdraw(amount))
            case "statement", ():
                return Entries(self.account.entries)
        return Refused(f"there is no procedure {procedure[:40]} of {len(arguments)} arguments")


def outcome_of(result: Result) -> Outcome:
    """What the user is told when the callee says this.

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
