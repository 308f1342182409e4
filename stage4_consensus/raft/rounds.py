"""Rounds of heartbeats, and what a leader may conclude from their answers (thesis, 6.4). Pure.

Each time a leader asks everybody for a sign of life is a *round*, with a number. A follower that
answers round 7 took this server for its leader at some moment after round 7 began.
"""


class Rounds:
    """The rounds of one leader in one term, and the lease that answered rounds give it.

    Args:
        lease_us: how long a lease lasts, in microseconds; 0 for no leases.

    Attributes:
        latest: the number of the latest round; 0 before the first. Only grows.
    """

    def __init__(self, lease_us: int) -> None:
        self.latest = 0
        self._lease_us = lease_us
        self._began: dict[int, int] = {}
        """When the rounds began that no quorum has answered yet, by the own clock."""
        self._lease_until: int | None = None
        """Until when, by the own clock, no other leader can be; None for no lease."""
        self._may_lease = lease_us > 0
        """Whether leases are to be relied on in this term."""

    def begin(self, now: int) -> None:
        """The next round begins."""
        self.latest += 1
        if self._may_lease:
            self._began[self.latest] = now

    def record_answered(self, round: int) -> None:
        """A quorum has answered this round: the lease counts from when it began, not from now."""
        began = self._began.get(round)
        if began is not None:
            self._began = {at: when for at, when in self._began.items() if at > round}
            self._lease_until = began + self._lease_us

    def has_lease(self, now: int) -> bool:
        """Whether no other leader can be just now, if clocks run nearly alike."""
        return self._lease_until is not None and now < self._lease_until

    def end_lease(self) -> None:
        """Rely on no clock for the rest of this term: a request to take over may arrive late."""
        self._began, self._lease_until, self._may_lease = {}, None, False
