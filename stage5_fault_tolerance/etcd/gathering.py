"""Larger batches for a busy server, and no waiting for one that is not.

Each batch costs every server an entry, a message each way and a flush, however few commands are in
it. A batch that leaves with whoever asks first is a small one, again and again, though many ask:
their requests take a moment to get here, one after the other. So a busy server waits until as many
are here as it *expects*, but no longer than a moment.

How many to expect, it finds out. Now and then it waits for twice as many as before. If they come,
it expects that many from now on, and soon tries again. If they do not, it expects as many as came,
and the next try is twice as far away. So whoever is alone is kept waiting once in hundreds of
requests, and for many at once the batches double until more of them do not come in time. (TCP finds
the capacity of a path in the same way, by trying; and waiting for more before a packet leaves is
Nagle's idea, RFC 896.)
"""

from typing import Any

from common.contract import NodeId, TimerId, on, timer
from common.values.units import MS
from stage5_fault_tolerance.etcd.sessions import MOST_COMMANDS, Sessions

GATHER_FOR = 4 * MS
"""No request waits longer than this for others to come."""
FIRST_TRY_AFTER = 8
"""So many batches leave before the first try to gather more ..."""
NEXT_TRY_WITHIN = 256
"""... and at most so many between two tries."""


@timer
class GatheredEnough:
    """Who is not here by now is not waited for."""


class Gathering(Sessions):
    """When the next batch leaves."""

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **config: Any) -> None:
        super().__init__(id, peers, **config)
        self.expected = 1
        """How many requests to wait for; at least 1, at most a batch."""
        self.is_trying = False
        """Whether these are twice as many as have come before."""
        self.pause = FIRST_TRY_AFTER
        """How many batches lie between two tries; doubled by each that was in vain."""
        self.until_try = FIRST_TRY_AFTER
        """How many batches leave before the next try."""
        self.gather_timer: TimerId = 0

    def send_batch(self) -> None:
        """Send a batch once as many are here as are expected, unless one is under way."""
        if self.batch is not None or not self.asked:
            return
        if len(self.asked) < self.expected:
            if not self.gather_timer:
                self.gather_timer = self.set_timer(GATHER_FOR, GatheredEnough())
            return
        self.cancel_timer(self.gather_timer)
        self.gather_timer = 0
        super().send_batch()
        if self.is_trying:
            self.is_trying, self.until_try, self.pause = False, 1, 1
        self.until_try -= 1
        if self.until_try <= 0:
            self.is_trying, self.until_try = True, self.pause
            self.expected = min(2 * self.expected, MOST_COMMANDS)

    @on(GatheredEnough)
    def gathered_enough(self, timer: GatheredEnough) -> None:
        """Send what there is, and expect no more than that."""
        self.gather_timer = 0
        self.expected = max(1, len(self.asked))
        if self.is_trying:
            self.is_trying, self.pause = False, min(2 * self.pause, NEXT_TRY_WITHIN)
            self.until_try = self.pause
        self.send_batch()
