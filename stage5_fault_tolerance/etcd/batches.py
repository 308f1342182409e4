"""Changes on their way through the log: in batches, one at a time. Pure: it sends nothing.

What a server is asked for while a batch is under way makes up the next one. So the busier the
server, the more changes share an entry, a message and a flush. The batch is done when this server
itself has applied it: an answer needs no message, and a client that is answered finds its change
here from then on.
"""

from collections import deque
from dataclasses import dataclass

from common.contract import CallId, CommandBatch
from common.values.history import Failed, Ok, Outcome, Unknown
from stage5_fault_tolerance.etcd.gathering import Gathering
from stage5_fault_tolerance.etcd.messages import Batch
from stage5_fault_tolerance.etcd.problems import MOST_BYTES, size_of
from stage5_fault_tolerance.etcd.requests import LONGEST_PAUSE, REPEAT_AFTER, Asked
from stage5_fault_tolerance.etcd.texts import TIMED_OUT

MOST_COMMANDS = 512
"""Commands in one batch."""


@dataclass(slots=True)
class UnderWay:
    """A batch that is not known to be applied, who waits for each of its results, since when.

    A client that was told that its time is over has None in the place of its request. After
    ``pause`` microseconds the batch is sent again.
    """

    batch: Batch
    asked: list[Asked | None]
    sent_at: int
    pause: int = REPEAT_AFTER


class Batches:
    """The changes that a server was asked for and has not answered.

    Attributes:
        last_number: of the latest batch. Only grows, over crashes too.
        waiting: those for the next batch, in the order in which they came.
        under_way: the batch that was sent, or None.
        gathering: how many to wait for before a batch leaves.
    """

    def __init__(self) -> None:
        self.last_number = 0
        self.waiting: deque[Asked] = deque()
        self.under_way: UnderWay | None = None
        self.gathering = Gathering(MOST_COMMANDS)

    def may_leave(self) -> bool:
        """Whether there is something to send, and nothing under way."""
        return self.under_way is None and bool(self.waiting)

    def is_enough(self) -> bool:
        """Whether as many are here as are expected."""
        return len(self.waiting) >= self.gathering.expected

    def next(self, now: int) -> Batch:
        """Make a batch of what waits, as much as one may hold; from now on it is under way.

        It holds at most MOST_COMMANDS, and MOST_BYTES by ``size_of``; one alone may be larger.
        """
        taken: list[Asked | None] = []
        changes: list[object] = []
        size = 0
        while self.waiting and len(taken) < MOST_COMMANDS:
            size += size_of(self.waiting[0].request)
            if taken and size > MOST_BYTES:
                break
            asked = self.waiting.popleft()
            taken.append(asked)
            changes.append(asked.request)
        self.last_number += 1
        batch = Batch(self.last_number, CommandBatch(tuple(changes)))
        self.under_way = UnderWay(batch, taken, now)
        self.gathering.batch_left()
        return batch

    def end(self, number: int, results: object) -> list[tuple[CallId, Outcome]]:
        """See whether the batch under way is applied; returns how the changes in it ended.

        Each change that still waits gets the result at its own place in the batch; who has given up
        (None) gets nothing more.

        Args:
            number: of this server's latest batch that was applied.
            results: what its changes ended with, a tuple; anything else if nobody knows any more.
                Then they did happen, but clients cannot be told with what result.
        """
        under_way = self.under_way
        if under_way is None or number < under_way.batch.number:
            return []
        self.under_way = None
        if not isinstance(results, tuple):
            return [(each.call, Unknown(TIMED_OUT)) for each in under_way.asked if each is not None]
        pairs = zip(under_way.asked, results, strict=True)
        return [(each.call, Ok(result)) for each, result in pairs if each is not None]

    def expire(self, now: int) -> list[tuple[CallId, Outcome]]:
        """Give up what took too long; returns the ends. What was sent may still happen."""
        ends: list[tuple[CallId, Outcome]] = []
        while self.waiting and self.waiting[0].until <= now:
            ends.append((self.waiting.popleft().call, Failed(TIMED_OUT)))
        if self.under_way is not None:
            for at, asked in enumerate(self.under_way.asked):
                if asked is not None and asked.until <= now:
                    ends.append((asked.call, Unknown(TIMED_OUT)))
                    self.under_way.asked[at] = None
        return ends

    def is_silent(self, now: int) -> bool:
        """Whether the batch is under way for so long that it may be lost."""
        return self.under_way is not None and now - self.under_way.sent_at >= self.under_way.pause

    def again(self, now: int) -> Batch | None:
        """The batch under way, to be sent once more; its number makes that harmless."""
        if self.under_way is None:
            return None
        self.under_way.pause = min(2 * self.under_way.pause, LONGEST_PAUSE)
        self.under_way.sent_at = now
        return self.under_way.batch

    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return self.under_way is None and not self.waiting
