"""Part 3: calls take time. Deadlines that travel, cancelling, and retries within a budget.

A callee that is slower than its callers has a queue, and then three things go wrong together:

* **It works for nobody.** A call waits in the queue until its caller has given up, and is run after
  that. So a deadline travels with the call, as the time that is left: clocks differ, and durations
  hardly do. A call whose time is over is not begun any more.
* **It cannot be stopped.** A user who wants a call no more sends :class:`Cancel`. What was not
  begun ends as refused. What is at work goes on, and its result tells so.
* **Retries are load, too.** Each caller that waits sends again. So a callee that is too slow gets
  more requests, and is slower (a *retry storm*). A *budget* bounds that: each call pays in a part
  of a retry, and each retry takes out a whole one (gRPC's proposal A6, "retry throttling"). So in
  the long run ``1 + percent / 100`` requests are sent for a call. The first one always is.

A refusal is definite, so it is kept in the table as any result (``once.py``): a copy of the request
that comes later finds it there. A deadline at the *caller* is not: it ends as unknown, because a
request may still be under way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from common.contract import CallId, NodeId, message, on, operation, timer
from common.values.history import Failed, Ok
from common.values.units import SECOND
from stage1_foundations.failures.account import Refused
from stage2_communication.rpc.calls import Request
from stage2_communication.rpc.once import OnceCallee, RetryingCaller

LONGEST_QUEUE = 64
"""Calls that wait at a callee; one more is refused at once, which is better than late."""

WHOLE = 100
"""What one retry takes out of the budget, in hundredths of a retry."""


@operation
class CancelOldest:
    """Wants the oldest call under way no more. Ends with Ok(its number); Failed where none is."""


@message
class Cancel:
    """To the callee: do not begin this call, if it has not begun. Fields as in ``Request``."""

    incarnation: int
    number: int
    oldest: int


@timer
class Worked:
    """The call at the head of the queue has taken its time."""


class Budget:
    """How many retries may be sent.

    Args:
        percent: what each call pays in, in hundredths of a retry.
        most: how many retries can be saved up; so many there are at first.

    Attributes:
        hundredths: what is in it, 0 to ``most * WHOLE``.
    """

    def __init__(self, percent: int = 20, most: int = 10) -> None:
        self.percent = percent
        self.most = most
        self.hundredths = most * WHOLE

    def pay_in(self) -> None:
        """A call was made: add ``percent``, up to the bound."""
        self.hundredths = min(self.hundredths + self.percent, self.most * WHOLE)

    def take_out(self) -> bool:
        """Take out one retry, if there is a whole one; says whether."""
        if self.hundredths < WHOLE:
            return False
        self.hundredths -= WHOLE
        return True


class ThriftyCaller(RetryingCaller):
    """Retries within a budget, and can cancel.

    Args:
        id: the name of this node.
        peers: the servers.
        server: whom to call.
        deadline: how long a call may take.
        retry_percent: how many retries there may be for 100 calls, in the long run.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        server: NodeId = "",
        deadline: int = 2 * SECOND,
        retry_percent: int = 20,
    ) -> None:
        super().__init__(id, peers, server=server, deadline=deadline)
        self.budget = Budget(retry_percent)
        """What retries are paid from. A crash fills it again."""

    def put(self, number: int) -> None:
        """The first attempt is always sent, and pays in; a retry is sent if the budget has one.

        Without one the caller waits as after any attempt. A retry of a call that is cancelled is a
        Cancel, and no request.
        """
        asked = self.under_way[number]
        if not asked.attempts:
            self.budget.pay_in()
            super().put(number)
        elif not self.budget.take_out():
            self.wait(number)
        elif asked.is_cancelled:
            self.send(self.server, Cancel(self.incarnation, number, min(self.under_way)))
            self.wait(number)
        else:
            super().put(number)

    @on(CancelOldest)
    def cancel_oldest(self, operation: CancelOldest, call: CallId) -> None:
        """Tell the callee; the call itself ends by the callee's word, or with its deadline.

        The oldest call that is not cancelled already is meant.
        """
        wanted = [number for number, asked in self.under_way.items() if not asked.is_cancelled]
        if not wanted:
            self.finish(call, Failed("no call is under way"))
            return
        number = wanted[0]
        self.under_way[number].is_cancelled = True
        self.send(self.server, Cancel(self.incarnation, number, min(self.under_way)))
        self.finish(call, Ok(number))


@dataclass(slots=True)
class Job:
    """A call in the queue.

    Attributes:
        caller: who has called.
        request: what was called.
        expires_at: when its caller's patience is over, by the callee's clock.
    """

    caller: NodeId
    request: Request
    expires_at: int


class BusyCallee(OnceCallee):
    """Runs calls one after the other, each of which takes its time.

    Args:
        id: the name of this node.
        peers: the other members.
        work: how long a call takes, in microseconds.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], *, work: int = 0) -> None:
        super().__init__(id, peers)
        self.work = work
        self.jobs: list[Job] = []
        """The calls that have no result yet, in their order. The first one is at work."""

    def status(self) -> Mapping[str, object]:
        """How many entries there are, and how many calls wait."""
        return {**super().status(), "waiting": len(self.jobs)}

    def accept(self, request: Request, sender: NodeId) -> None:
        """Put a new call into the queue, and begin it if it is alone there.

        A repetition of a call that waits already is none: nothing happens. Where LONGEST_QUEUE
        calls wait, the call is refused.
        """
        if self.place_of(sender, request.incarnation, request.number) is not None:
            return
        if len(self.jobs) >= LONGEST_QUEUE:
            full = Refused(f"the queue is full: {LONGEST_QUEUE} calls wait")
            self.conclude(sender, request.incarnation, request.number, full)
            return
        self.jobs.append(Job(sender, request, self.now + request.patience))
        if len(self.jobs) == 1:
            self.begin_next()

    def place_of(self, caller: NodeId, incarnation: int, number: int) -> int | None:
        """Where in the queue this call waits; None where it does not."""
        for place, job in enumerate(self.jobs):
            request = job.request
            if (job.caller, request.incarnation, request.number) == (caller, incarnation, number):
                return place
        return None

    def begin_next(self) -> None:
        """Begin the next call in the queue whose caller still waits, if there is any.

        A call whose time is over is refused, in the table and to the caller: it will not happen.
        One that is an orphan by now (its row has a higher incarnation) is dropped.
        """
        while self.jobs:
            job = self.jobs[0]
            is_orphan = self.rows[job.caller].incarnation != job.request.incarnation
            if not is_orphan and self.now < job.expires_at:
                self.set_timer(self.work, Worked())
                return
            self.jobs.pop(0)
            if not is_orphan:
                late = Refused("its time was over before it was begun")
                self.conclude(job.caller, job.request.incarnation, job.request.number, late)

    @on(Worked)
    def worked(self, timer: Worked) -> None:
        """The call at work has taken its time: it happens now, unless it has become an orphan."""
        job = self.jobs.pop(0)
        if self.rows[job.caller].incarnation == job.request.incarnation:
            super().accept(job.request, job.caller)
        self.begin_next()

    @on(Cancel)
    def cancel_received(self, cancel: Cancel, sender: NodeId) -> None:
        """Refuse a call that was not begun; whatever else is true of it, the caller will hear.

        One that has a result already gets this. One that is at work goes on. One that has not even
        come is refused as well: its request may still be under way.
        """
        row = self.row_for(sender, cancel.incarnation, cancel.number, cancel.oldest)
        if row is None:
            return
        place = self.place_of(sender, cancel.incarnation, cancel.number)
        if cancel.number in row.results:
            self.answer(sender, cancel.incarnation, cancel.number, row.results[cancel.number])
        elif place is None or place > 0:
            if place is not None:
                self.jobs.pop(place)
            self.conclude(sender, cancel.incarnation, cancel.number, Refused("it was cancelled"))
