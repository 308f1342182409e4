"""What the protocols of this lab can reach at best: goodput as formulas.

*Goodput* counts what the application gets: items a second, each counted once, however often it was
sent. The formulas are the textbooks' (Bertsekas and Gallager 1992, section 2.4; Tanenbaum and
Wetherall 2011, section 3.4; Schwartz 1987, chapter 4). ``plot.py`` holds them against what the
simulator measures.

In all of them ``loss`` is the probability, below 1, that one packet is lost on its way, in either
direction, each packet for itself. Times are in microseconds; ``round_trip_us`` is what passes
between sending a packet and having its acknowledgement when neither is lost: propagation and
transmission of both.
"""

from common.values.units import SECOND


def transmission_us(size_bytes: int, bytes_a_second: int) -> int:
    """How long a packet of ``size_bytes`` occupies a link of this bandwidth; 0 for no limit."""
    return size_bytes * SECOND // bytes_a_second if bytes_a_second else 0


def stop_and_wait_goodput(loss: float, round_trip_us: float, timeout_us: float) -> float:
    """Items a second of stop-and-wait with a fixed timeout.

    An attempt succeeds when neither the frame nor its acknowledgement is lost. Each item takes one
    round trip for the attempt that succeeds, and one timeout for each that does not; there are
    (1 - s) / s of those on average, with s the probability of success.
    """
    success = (1 - loss) ** 2
    failures = (1 - success) / success
    return SECOND / (round_trip_us + failures * timeout_us)


def sliding_window_goodput(
    loss: float, round_trip_us: float, transmission_us: float, window: int
) -> float:
    """Items a second of a sliding window that repeats only what was lost.

    Two things bound it: a window in each round trip, and what the link can carry. A fraction
    ``loss`` of the segments that it carries is lost, and sent again; lost acknowledgements cost
    nothing, because later ones say the same.

    It is an upper bound: a window that is not much larger than :func:`window_to_fill` stands still
    while a lost segment at its lower edge is made good.
    """
    in_a_round_trip = window * SECOND / round_trip_us
    at_most = SECOND / transmission_us if transmission_us else in_a_round_trip
    return min(in_a_round_trip, at_most) * (1 - loss)


def window_to_fill(round_trip_us: int, transmission_us: int) -> int:
    """The least window, in segments, that keeps the link busy without loss.

    The bandwidth-delay product: as many segments as can be sent until the first one's
    acknowledgement is there, rounded up, and one where a segment takes longer than that.
    """
    return max(1, -(-round_trip_us // transmission_us))


def stop_and_wait_goodput_with_backoff(
    loss: float, round_trip_us: float, timeout_us: float, greatest_timeout_us: float
) -> float:
    """Items a second of stop-and-wait whose timeout doubles, and stays doubled under Karn's rule.

    After an item that had to be repeated there is no new sample, so the next one begins with the
    timeout that the last one ended with. How often the timeout is doubled when an item begins is
    then a Markov chain: back to 0 after an item that needed one attempt, up by one for each
    attempt that failed. Its stationary distribution weighs the time that an item takes.
    """
    success = (1 - loss) ** 2
    timeouts = [timeout_us]
    while timeouts[-1] < greatest_timeout_us:
        timeouts.append(min(greatest_timeout_us, 2 * timeouts[-1]))
    begins = _stationary([_next_doublings(success, k, len(timeouts)) for k in range(len(timeouts))])
    mean_us = round_trip_us
    for doublings, probability in enumerate(begins):
        mean_us += probability * _waiting_us(success, timeouts[doublings:])
    return SECOND / mean_us


def _next_doublings(success: float, doublings: int, states: int) -> list[float]:
    """With what probability the next item begins with 0, 1, 2 ... doublings."""
    following = [0.0] * states
    following[0] = success
    still_failing = 1 - success
    for later in range(doublings + 1, states - 1):
        following[later] = still_failing * success
        still_failing *= 1 - success
    following[-1] += still_failing
    return following


def _waiting_us(success: float, timeouts: list[float]) -> float:
    """The expected time that an item waits for timeouts, of which the last one stays."""
    waiting, still_failing = 0.0, 1 - success
    for timeout in timeouts[:-1]:
        waiting += still_failing * timeout
        still_failing *= 1 - success
    return waiting + still_failing * timeouts[-1] / success


def _stationary(chain: list[list[float]], rounds: int = 500) -> list[float]:
    """The distribution that a Markov chain settles in, by following it from state 0."""
    now = [1.0] + [0.0] * (len(chain) - 1)
    for _ in range(rounds):
        now = [
            sum(now[k] * chain[k][later] for k in range(len(chain))) for later in range(len(now))
        ]
    return now
