"""The two clocks of a live node: the world's, which is right, and its own, which may be wrong."""

import time

from common.values import faults

MILLION = 1_000_000


class Clock:
    """Time in whole microseconds since the cluster began.

    Args:
        epoch_ns: what ``time.monotonic_ns()`` showed when the cluster began. That clock is one for
            all processes of a machine, so that the times of their traces compare.
    """

    def __init__(self, epoch_ns: int) -> None:
        self.epoch_ns = epoch_ns
        self._skew = self._drift = 0
        self._since = self._then = 0
        self._right = True

    @classmethod
    def starting_now(cls) -> "Clock":
        """The clock of a cluster that begins now."""
        return cls(time.monotonic_ns())

    def another(self) -> "Clock":
        """A clock for another node of the same world, without this one's faults."""
        return Clock(self.epoch_ns)

    def world(self) -> int:
        """The true time, for traces and histories."""
        return (time.monotonic_ns() - self.epoch_ns) // 1000

    def local(self) -> int:
        """What the node's own clock shows."""
        now = (time.monotonic_ns() - self.epoch_ns) // 1000
        return now if self._right else self._shown(now)

    def _shown(self, now: int) -> int:
        return self._then + (now - self._since) * (MILLION + self._drift) // MILLION

    def set(self, fault: faults.Clock) -> None:
        """From now on the node's clock is ``skew`` µs ahead of the true one and ``drift`` ppm fast.

        Drift that has added up stays; setting the skew back to 0 takes its jump back.
        """
        now = self.world()
        self._then = self._shown(now) + fault.skew - self._skew
        self._since, self._skew, self._drift, self._right = now, fault.skew, fault.drift, False

    def seconds(self, after: int) -> float:
        """How many true seconds pass while the node's own clock advances ``after`` microseconds."""
        return after / (MILLION + self._drift)
