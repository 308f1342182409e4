"""What to expect of a round trip, and whether what was measured is that.

Two things can happen to a request over TCP and its answer. Both arrive the first time: then the
round trip takes the two delays, with their jitter, and whatever the machine adds. Or one of them is
lost: TCP hides that, by sending it again after its retransmission time-out, which is never under
200 ms on Linux (RFC 6298 even says a second). So loss shows as *lateness*, and the two kinds
of round trip are told apart by a threshold between them.

No measurement can show that a distribution *is* the expected one. It can show that it is not, or
that it is within what chance and the machine explain; both are said with the error that they have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt

from common.values.report import Judged
from common.values.units import MS, show_time
from stage1_foundations.netem.shape import Shape

LEAST_RETRANSMISSION_US = 200 * MS
"""Linux sends nothing again earlier than this (``TCP_RTO_MIN``)."""
ERROR = 0.001
"""The probability with which each judgement may be wrong about a network that is as configured."""
ERROR_Z = 3.2905
"""So many standard deviations leave 0.1% of a normal distribution outside, both sides together."""
CLOCK_US = 1 * MS
"""Timers fire, and clocks are read, up to so much too early."""
FEWEST_SAMPLES = 50
"""Fewer round trips than this say nothing worth saying."""


def fraction_within(there: Shape, back: Shape, time: int) -> float:
    """The probability that a round trip that loses nothing takes at most ``time``.

    Each way takes a time drawn evenly from ``delay - jitter`` to ``delay + jitter``. The sum of two
    such times has the density of a trapezium: its distribution function is, with ``t`` for the time
    beyond the two delays, ``a`` and ``b`` for the jitters and ``p(x) = max(x, 0)**2``::

        (p(t + a + b) - p(t + a - b) - p(t - a + b) + p(t - a - b)) / (8 a b)

    Where one jitter is 0 it is that of the other alone; where both are, a step.

    Args:
        there: what happens to the request.
        back: what happens to the answer.
        time: microseconds.

    Returns:
        A probability, 0 to 1.
    """
    t = time - there.delay - back.delay
    a, b = there.jitter, back.jitter
    if a == b == 0:
        return 1.0 if t >= 0 else 0.0
    if a == 0 or b == 0:
        return min(max((t + a + b) / (2 * (a + b)), 0.0), 1.0)

    def p(x: int) -> int:
        return max(x, 0) ** 2

    return (p(t + a + b) - p(t + a - b) - p(t - a + b) + p(t - a - b)) / (8 * a * b)


def late_fraction(there: Shape, back: Shape) -> float:
    """The probability that a round trip is late: the request is lost, or the answer, or both.

    Args:
        there: what happens to the request.
        back: what happens to the answer.

    Returns:
        A probability, 0 to 1.
    """
    return 1 - (1 - there.loss) * (1 - back.loss)


def percentile(times: Sequence[int], percent: float) -> int:
    """The least of the times that at least ``percent`` per cent of them do not exceed.

    This is the *nearest rank*: always a time that was measured, never a mean of two.

    Args:
        times: at least one, in any order.
        percent: above 0, up to 100.

    Returns:
        One of the times.
    """
    return sorted(times)[ceil(len(times) * percent / 100) - 1]


def wilson_interval(hits: int, trials: int, z: float = ERROR_Z) -> tuple[float, float]:
    """The probabilities that explain ``hits`` in ``trials`` (Wilson 1927).

    The textbook's ``p ± z sqrt(p(1-p)/n)`` says "exactly 0" when nothing was hit, however few the
    trials. Wilson's interval asks which probabilities would have made this number of hits likely::

        centre = (hits + z²/2) / (trials + z²)
        reach = z / (trials + z²) * sqrt(hits (trials - hits) / trials + z²/4)

    Args:
        hits: how often it happened, 0 to ``trials``.
        trials: how often it could have; at least 1.
        z: how sure to be, in standard deviations of a normal distribution.

    Returns:
        The least and the greatest such probability, within 0 and 1.
    """
    centre = (hits + z * z / 2) / (trials + z * z)
    reach = z / (trials + z * z) * sqrt(hits * (trials - hits) / trials + z * z / 4)
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


@dataclass(frozen=True, slots=True)
class Summary:
    """Measured round trips in a few numbers; times in microseconds.

    Attributes:
        count: how many there were.
        late: how many of them were late, so that something was lost.
        least: the shortest.
        median: of those that were not late, half took no longer.
        p99: of those that were not late, 99% took no longer.
        late_between: the probabilities of being late that explain ``late``.
        loss_between: the losses each way, if both are alike, that explain ``late``.
    """

    count: int
    late: int
    least: int
    median: int
    p99: int
    late_between: tuple[float, float]
    loss_between: tuple[float, float]


def late_after(there: Shape, back: Shape) -> int:
    """From which time on a round trip counts as late.

    TCP waits for a whole mean round trip and 200 ms more before it sends again, and then the second
    try takes its own time. So there is a gap, and the threshold is towards its end: a machine that
    is busy may hold a round trip up, and nothing makes a retransmission early.
    """
    greatest = there.delay + there.jitter + back.delay + back.jitter
    return greatest + LEAST_RETRANSMISSION_US * 3 // 4


def summarise(times: Sequence[int], late_after: int) -> Summary:
    """Sum measured round trips up.

    A round trip is on time with probability ``(1 - loss)²``, so the loss each way is
    ``1 - sqrt(1 - late)``.

    Args:
        times: microseconds each, in any order; at least one of them on time.
        late_after: a round trip longer than this is late.
    """
    on_time = [time for time in times if time <= late_after]
    late = len(times) - len(on_time)
    low, high = wilson_interval(late, len(times))
    return Summary(
        count=len(times),
        late=late,
        least=min(times),
        median=percentile(on_time, 50),
        p99=percentile(on_time, 99),
        late_between=(low, high),
        loss_between=(1 - sqrt(1 - low), 1 - sqrt(1 - high)),
    )


def farthest_by_chance(samples: int) -> float:
    """How far a measured distribution function may be from the true one, by chance alone.

    The inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant (1990): the two are
    farther apart than ``sqrt(ln(2 / ERROR) / (2 samples))`` with probability ``ERROR`` at most,
    whatever the distribution.
    """
    return sqrt(log(2 / ERROR) / (2 * samples))


def judge_times(there: Shape, back: Shape, on_time: Sequence[int], overhead: int) -> Judged:
    """Whether the round trips that lost nothing took what they should.

    A measured time is that of the network plus what the machine adds: at least ``-CLOCK_US``, at
    most ``overhead``. So the measured distribution function lies between the expected one moved
    that much to the left and the expected one moved ``overhead`` to the right, give or take what
    chance explains (:func:`farthest_by_chance`).

    Args:
        there: what happens to the request.
        back: what happens to the answer.
        on_time: the times of those round trips, in microseconds.
        overhead: what the machine adds at most, in microseconds (measured without any shape).

    Returns:
        ``yes``, ``no`` with the worst place, or ``unknown`` where there are too few.
    """
    about = f"there: {there}; back: {back}"
    count = len(on_time)
    if count < FEWEST_SAMPLES:
        return Judged(about, "unknown", _too_few(count))
    chance = farthest_by_chance(count)
    for rank, time in enumerate(sorted(on_time), 1):
        at_most = fraction_within(there, back, time + CLOCK_US) + chance
        at_least = fraction_within(there, back, time - overhead) - chance
        if rank / count > at_most:
            what = f"{rank} of {count} took {show_time(time)} or less, too many"
            return Judged(about, "no", f"{what}: chance explains {at_most:.1%} at most")
        if (rank - 1) / count < at_least:
            what = f"{rank - 1} of {count} took less than {show_time(time)}, too few"
            why = f"at least {at_least:.1%} should, with {show_time(overhead)} for the machine"
            return Judged(about, "no", f"{what}: {why}")
    band = f"{show_time(overhead)} for the machine and {chance:.1%} for chance"
    return Judged(about, "yes", f"all {count} on time are as expected, with {band}")


def judge_loss(there: Shape, back: Shape, summary: Summary) -> Judged:
    """Whether as many round trips were late as should have lost something.

    Args:
        there: what happens to the request.
        back: what happens to the answer.
        summary: what was measured.

    Returns:
        ``yes``, ``no``, or ``unknown`` where there are too few.
    """
    expected = late_fraction(there, back)
    about = f"{expected:.1%} of the round trips are late"
    if summary.count < FEWEST_SAMPLES:
        return Judged(about, "unknown", _too_few(summary.count))
    low, high = summary.late_between
    said = f"{summary.late} of {summary.count} were; {low:.1%} to {high:.1%} would explain that"
    return Judged(about, "yes" if low <= expected <= high else "no", said)


def _too_few(count: int) -> str:
    return f"{count} round trips are too few to tell: measure {FEWEST_SAMPLES} at least"
