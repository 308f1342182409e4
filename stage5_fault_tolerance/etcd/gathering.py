"""Larger batches for a busy server, and no waiting for one that is not. Pure: it sends nothing.

Each batch costs every server an entry, a message each way and a flush, however few commands are in
it. A batch that leaves with the first request that comes is a small one, again and again, though
many clients ask: their requests take a moment to get here, one after the other. So a busy server
waits until as many are here as it *expects*, but no longer than a moment.

How many to expect, it finds out. Now and then it waits for twice as many as before. If they come,
it expects that many from now on, and soon tries again. If they do not, it expects as many as came,
and the next try is twice as far away. So a client that is alone is kept waiting once in hundreds of
requests, and for many at once the batches double until more of them do not come in time. (TCP finds
the capacity of a path in the same way, by trying; and waiting for more before a packet leaves is
Nagle's idea, RFC 896.)
"""

from common.values.units import MS

GATHER_FOR = 4 * MS
"""No request waits longer than this for others to come."""
FIRST_TRY_AFTER = 8
"""So many batches leave before the first try to gather more ..."""
NEXT_TRY_WITHIN = 256
"""... and at most so many between two tries."""


class Gathering:
    """How many requests are to be here before the next batch leaves.

    Args:
        most: how many a batch can hold.

    Attributes:
        expected: how many to wait for; at least 1, at most a batch.
    """

    def __init__(self, most: int) -> None:
        self.expected = 1
        self._most = most
        self._is_trying = False
        """Whether these are twice as many as have come before."""
        self._pause = FIRST_TRY_AFTER
        """How many batches lie between two tries; doubled by each that was in vain."""
        self._until_try = FIRST_TRY_AFTER
        """How many batches leave before the next try."""

    def batch_left(self) -> None:
        """As many were here as expected. If that was a try, another one may follow soon."""
        if self._is_trying:
            self._is_trying, self._until_try, self._pause = False, 1, 1
        self._until_try -= 1
        if self._until_try <= 0:
            self._is_trying, self._until_try = True, self._pause
            self.expected = min(2 * self.expected, self._most)

    def time_is_up(self, here: int) -> None:
        """Only so many have come: expect no more than that. A try was in vain."""
        self.expected = max(1, here)
        if self._is_trying:
            self._is_trying, self._pause = False, min(2 * self._pause, NEXT_TRY_WITHIN)
            self._until_try = self._pause
