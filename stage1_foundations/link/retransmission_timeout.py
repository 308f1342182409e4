"""How long to wait for an acknowledgement: the retransmission timeout of TCP.

Too short, and a sender repeats what was only late, which makes a slow network slower; too long, and
every loss costs a pause. Jacobson and Karels 1988 ("Congestion avoidance and control", section 2
and appendix A) measure two things about the round trip, a smoothed mean and a smoothed mean
deviation, and wait for the mean plus four deviations. RFC 6298 (Paxson and others 2011) writes it
down for TCP; the section numbers below are its.

Two rules go with it:

* **Karn's rule** (Karn and Partridge 1987; RFC 6298, section 3): an acknowledgement of something
  that was sent twice tells no round-trip time, since nobody knows which of the two it answers. The
  caller keeps this rule: it calls :meth:`RetransmissionTimeout.sample` only for what was sent once.
* **Backoff** (sections 5.5 to 5.7): each time-out doubles the timeout, up to a bound, and it stays
  doubled until there is a new sample. Without that, Karn's rule alone could never learn that the
  network has become slower than the timeout.

Where we leave the RFC: its bounds (1 s at least, 60 s at most, 1 s before the first sample) are for
the Internet; ours suit round trips of 1 to 500 ms. That is safe, because the bounds decide only how
soon something is sent again, never what is delivered. Linux too has a lower one: 200 ms.
"""

from common.values.units import MS, SECOND

INITIAL_US = 200 * MS
"""The timeout before the first sample (section 2.1)."""

LEAST_US = 10 * MS
"""The timeout is never below this (section 2.4)."""

GREATEST_US = 2 * SECOND
"""The timeout is never above this, however often it was doubled (section 2.5)."""

GRANULARITY_US = 1 * MS
"""The wait beyond the mean is never below this, the G of section 2."""


class RetransmissionTimeout:
    """The timeout of one connection, adapted to what its round trips take.

    Attributes:
        smoothed_us: SRTT, the smoothed round-trip time in microseconds; None before any sample.
        variation_us: RTTVAR, the smoothed mean deviation from it, in microseconds.
        doublings: how often the timeout was doubled since the latest sample.
    """

    def __init__(self) -> None:
        self.smoothed_us: int | None = None
        self.variation_us = 0
        self.doublings = 0

    @property
    def timeout_us(self) -> int:
        """How long to wait for the next acknowledgement, in microseconds.

        Sections 2.2 to 2.5 and 5.5: SRTT + max(G, 4 RTTVAR), not below the least, doubled for each
        time-out since the latest sample, and not above the greatest.
        """
        if self.smoothed_us is None:
            base = INITIAL_US
        else:
            base = max(LEAST_US, self.smoothed_us + max(GRANULARITY_US, 4 * self.variation_us))
        return min(GREATEST_US, base << self.doublings)

    def sample(self, round_trip_us: int) -> None:
        """Learn from a measured round trip, in microseconds (sections 2.2, 2.3 and 5.7).

        The first sample R sets SRTT = R and RTTVAR = R/2. Each later one moves RTTVAR a quarter of
        the way towards the distance of R from the *old* SRTT, and then SRTT an eighth of the way
        towards R. A sample also ends the backoff.
        """
        if self.smoothed_us is None:
            self.smoothed_us = round_trip_us
            self.variation_us = round_trip_us // 2
        else:
            deviation_us = abs(self.smoothed_us - round_trip_us)
            self.variation_us = (3 * self.variation_us + deviation_us) // 4
            self.smoothed_us = (7 * self.smoothed_us + round_trip_us) // 8
        self.doublings = 0

    def back_off(self) -> None:
        """Double the timeout, because it has passed without an acknowledgement (section 5.5)."""
        if self.timeout_us < GREATEST_US:
            self.doublings += 1
