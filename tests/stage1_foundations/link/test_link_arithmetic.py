"""Graded suite of the lab ``link``, first part: the retransmission timeout, and the formulas."""

from fractions import Fraction
from random import Random
from typing import Any

import pytest

from common.course.suites.grading import graded
from common.values.units import MS, SECOND

LAB = "link"


@graded(points=1, title="Before any sample", requirement="RFC 6298, section 2.1")
def test_before_the_first_sample_the_timeout_is_the_initial_one(lab: Any) -> None:
    assert lab.RetransmissionTimeout().timeout_us == lab.INITIAL_US


@graded(points=2, title="The first sample", requirement="RFC 6298, section 2.2")
def test_the_first_sample_is_taken_whole_and_half_of_it_as_its_deviation(lab: Any) -> None:
    timeout = lab.RetransmissionTimeout()
    timeout.sample(80 * MS)
    assert timeout.timeout_us == 80 * MS + 4 * 40 * MS


@graded(points=3, title="Later samples", requirement="RFC 6298, section 2.3")
def test_later_samples_move_mean_and_deviation_as_the_rfc_says(lab: Any, sweep: Any) -> None:
    for seed in sweep(20):
        random = Random(f"{seed}/round trips")
        timeout = lab.RetransmissionTimeout()
        mean = deviation = Fraction(0)
        for number in range(60):
            measured = random.randrange(20 * MS, 120 * MS)
            timeout.sample(measured)
            if number == 0:
                mean, deviation = Fraction(measured), Fraction(measured, 2)
            else:
                deviation = deviation * 3 / 4 + abs(mean - measured) / 4
                mean = mean * 7 / 8 + Fraction(measured, 8)
            expected = mean + max(lab.GRANULARITY_US, 4 * deviation)
            assert abs(timeout.timeout_us - expected) < 50, (
                f"after {number + 1} samples the timeout is {timeout.timeout_us} µs, "
                f"RFC 6298 says {float(expected):.0f} µs"
            )


@graded(points=1, title="Bounds", requirement="RFC 6298, sections 2.4 and 2.5")
def test_the_timeout_stays_within_its_bounds(lab: Any) -> None:
    quick, slow = lab.RetransmissionTimeout(), lab.RetransmissionTimeout()
    for _ in range(50):
        quick.sample(100)
        slow.sample(60 * SECOND)
    assert quick.timeout_us == lab.LEAST_US
    assert slow.timeout_us == lab.GREATEST_US


@graded(points=2, title="Backoff", requirement="RFC 6298, section 5.5")
def test_each_timeout_in_a_row_doubles_it_up_to_the_greatest(lab: Any) -> None:
    timeout = lab.RetransmissionTimeout()
    for _ in range(60):
        timeout.sample(50 * MS)
    settled = timeout.timeout_us
    assert settled == 50 * MS + lab.GRANULARITY_US, "50 ms each time: the deviation is down to 0"
    seen = []
    for _ in range(40):
        timeout.back_off()
        seen.append(timeout.timeout_us)
    assert seen[:3] == [2 * settled, 4 * settled, 8 * settled]
    assert set(seen[10:]) == {lab.GREATEST_US}


@graded(points=2, title="The end of backoff", requirement="RFC 6298, section 5.7")
def test_a_new_sample_ends_the_backoff(lab: Any) -> None:
    timeout = lab.RetransmissionTimeout()
    timeout.sample(50 * MS)
    for _ in range(100):
        timeout.back_off()
    timeout.sample(50 * MS)
    assert timeout.timeout_us < 200 * MS


# The formulas.


@graded(points=1, title="A perfect link", requirement="one item in each round trip")
def test_without_loss_stop_and_wait_carries_one_item_in_each_round_trip(lab: Any) -> None:
    assert lab.stop_and_wait_goodput(0.0, 20 * MS, 100 * MS) == pytest.approx(50)


@graded(points=2, title="Loss", requirement="Bertsekas and Gallager 1992, section 2.4.1")
def test_a_lost_frame_or_acknowledgement_costs_stop_and_wait_a_timeout(lab: Any) -> None:
    random = Random("dumb on purpose")
    waited = items = 0
    while items < 20_000:
        if random.random() < 0.1 or random.random() < 0.1:
            waited += 50 * MS
        else:
            waited += 20 * MS
            items += 1
    dumb = items * SECOND / waited
    assert lab.stop_and_wait_goodput(0.1, 20 * MS, 50 * MS) == pytest.approx(dumb, rel=0.02)


@graded(points=2, title="The window or the link", requirement="Bertsekas and Gallager, 2.4.3")
def test_a_sliding_window_is_bounded_by_its_window_or_by_the_link(lab: Any) -> None:
    assert lab.sliding_window_goodput(0.0, 20 * MS, 1 * MS, 8) == pytest.approx(400)
    assert lab.sliding_window_goodput(0.0, 20 * MS, 1 * MS, 80) == pytest.approx(1000)
    assert lab.sliding_window_goodput(0.0, 20 * MS, 0, 80) == pytest.approx(4000)
    assert lab.sliding_window_goodput(0.25, 20 * MS, 1 * MS, 80) == pytest.approx(750)


@graded(points=1, title="The window that fills a link", requirement="bandwidth times delay")
def test_the_least_window_that_fills_a_link_is_its_bandwidth_delay_product(lab: Any) -> None:
    assert lab.window_to_fill(20 * MS, 1 * MS) == 20
    assert lab.window_to_fill(20 * MS + 1, 1 * MS) == 21
    assert lab.window_to_fill(1 * MS, 20 * MS) == 1
