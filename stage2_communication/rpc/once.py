"""Part 2: a call may be put many times, and happens at most once.

Without an answer the caller can only send the same request again. It cannot know what was lost: the
request, or the answer to a call that has happened. So the callee must know a repetition. Its
*table* keeps, for each caller, the results that somebody may still ask for:

* **One row for each caller, of one incarnation.** A caller that has started again begins at number
  1. Without the incarnation its first call would be taken for a repetition, and be given the result
  of another call. With a higher incarnation the row begins again, empty. A request of a lower one
  is an *orphan*: nobody waits for it, and it does not happen any more (Nelson 1981,
  "extermination").
* **A result is kept until the caller says that it has an end** (``oldest``), not for some minutes.
  A table that forgets by time is wrong for each request that was longer under way.
* **Account and table are one write**, before the answer leaves (the world sees to that). So the
  table survives a crash of the callee, together with what it speaks of.

A call that ends as ok has happened exactly once, any other at most once: Birrell and Nelson 1984,
section 3.2.
"""

from dataclasses import dataclass, field

from common.contract import NodeId, on, timer
from common.values.units import MS
from stage1_foundations.failures.account import Result
from stage2_communication.rpc.calls import WINDOW, Callee, Caller, Reply, Request

MOST_CALLERS = 10_000
"""Rows of the table. Everything is bounded."""

FIRST_WAIT = 60 * MS
LONGEST_WAIT = 500 * MS


@timer
class PutAgain:
    """There is no answer to the last attempt of call ``number``."""

    number: int


class RetryingCaller(Caller):
    """Puts each call again and again until it has an end."""

    def put(self, number: int) -> None:
        """Send the request, and wait for the next attempt."""
        super().put(number)
        self.wait(number)

    def wait(self, number: int) -> None:
        """Count an attempt, and set the timer (``again``) of the next one.

        The first wait is FIRST_WAIT. Each further one is twice as long, up to LONGEST_WAIT; and
        each is longer by up to a quarter, by chance, so that callers that lost a server at the same
        instant do not all come back at the same instant.
        """
        asked = self.under_way[number]
        wait = min(FIRST_WAIT << asked.attempts, LONGEST_WAIT)
        wait += self.random.randrange(wait // 4 + 1)
        asked.attempts += 1
        asked.again = self.set_timer(wait, PutAgain(number))

    @on(PutAgain)
    def put_again(self, timer: PutAgain) -> None:
        """The next attempt: the same number, and the same everything."""
        self.put(timer.number)


@dataclass(slots=True)
class Row:
    """What the callee keeps of one caller.

    Attributes:
        incarnation: which life of the caller it is about; it only grows.
        oldest: all calls below it have their end at the caller; it only grows.
        results: by number, from ``oldest`` on, how calls have ended here.
    """

    incarnation: int
    oldest: int = 1
    results: dict[int, Result] = field(default_factory=dict)


class OnceCallee(Callee):
    """Runs each call at most once, over repetitions and crashes of either side."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.rows: dict[NodeId, Row] = {}
        """The table: a row for each caller."""

    def on_start(self) -> None:
        """Take up account and table as the last life left them, under ``"service"``."""
        saved = self.saved.get("service")
        if saved is None:
            return
        assert isinstance(saved, tuple), "account and table are saved as a pair"
        self.account.restore(saved[0])
        for caller, incarnation, oldest, results in saved[1]:
            self.rows[caller] = Row(incarnation, oldest, dict(results))

    def keep(self) -> None:
        """Save account and table as one value, under ``"service"``."""
        rows = tuple(
            (caller, row.incarnation, row.oldest, tuple(row.results.items()))
            for caller, row in self.rows.items()
        )
        self.save("service", (self.account.snapshot(), rows))

    @on(Request)
    def request_received(self, request: Request, sender: NodeId) -> None:
        """Answer a repetition with the first result, word for word; accept what is new.

        What nobody waits for has no row (:meth:`row_for`), and no answer.
        """
        row = self.row_for(sender, request.incarnation, request.number, request.oldest)
        if row is None:
            return
        if request.number in row.results:
            self.answer(sender, request.incarnation, request.number, row.results[request.number])
        else:
            self.accept(request, sender)

    def row_for(self, caller: NodeId, incarnation: int, number: int, oldest: int) -> Row | None:
        """The row in which this call belongs, brought up to what the request tells.

        There is none for an orphan, whose incarnation is below the row's, and for a call that has
        had its end, whose number is below ``oldest``. With a higher incarnation the row begins
        again, empty. ``oldest`` only grows (requests overtake each other), and results below it
        are forgotten.
        There is also none for a number that no caller uses, WINDOW or more above ``oldest``, nor
        for a caller too many.
        """
        row = self.rows.get(caller)
        if row is None and len(self.rows) >= MOST_CALLERS:
            return None
        if row is None or row.incarnation < incarnation:
            row = self.rows[caller] = Row(incarnation)
        if row.incarnation > incarnation:
            return None
        row.oldest = max(row.oldest, oldest)
        row.results = {n: result for n, result in row.results.items() if n >= row.oldest}
        is_waited_for = row.oldest <= number < row.oldest + WINDOW
        return row if is_waited_for else None

    def accept(self, request: Request, sender: NodeId) -> None:
        """Run a new call, at once."""
        result = self.run(request.procedure, request.arguments)
        self.conclude(sender, request.incarnation, request.number, result)

    def conclude(self, caller: NodeId, incarnation: int, number: int, result: Result) -> None:
        """A call has its end here: keep it in the table, save, and answer.

        A refusal is kept as any other result: a repetition that comes later must not find the
        account in a better mood.
        """
        self.rows[caller].results[number] = result
        self.keep()
        self.answer(caller, incarnation, number, result)

    def answer(self, caller: NodeId, incarnation: int, number: int, result: Result) -> None:
        """Tell a caller how its call has ended."""
        self.send(caller, Reply(incarnation, number, result))
