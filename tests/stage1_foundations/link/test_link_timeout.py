"""Graded suite of the lab ``link``, first part: how long to wait for an acknowledgement."""

from fractions import Fraction
from random import Random

from common.course.suites.grading import Sweep, graded
from common.values.units import MS, SECOND
from tests.stage1_foundations.link.lab import LinkLab

LAB = "link"


@graded(points=1, title="Before any sample", requirement="RFC 6298, section 2.1")
def test_before_the_first_sample_the_timeout_is_the_initial_one(lab: LinkLab) -> None:
    assert lab.RetransmissionTimeout().timeout_us == lab.INITIAL_US


@graded(points=2, title="The first sample", requirement="RFC 6298, section 2.2")
def test_the_first_sample_is_taken_whole_and_half_of_it_as_its_deviation(lab: LinkLab) -> None:
    timeout = lab.RetransmissionTimeout()
    timeout.sample(80 * MS)
    assert timeout.timeout_us == 80 * MS + 4 * 40 * MS


@graded(points=3, title="Later samples", requirement="RFC 6298, section 2.3")
def test_later_samples_move_mean_and_deviation_as_the_rfc_says(lab: LinkLab, sweep: Sweep) -> None:
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
            expected = mean + max(Fraction(lab.GRANULARITY_US), 4 * deviation)
            assert abs(timeout.timeout_us - expected) < 50, (
                f"after {number + 1} samples the timeout is {timeout.timeout_us} µs, "
                f"RFC 6298 says {float(expected):.0f} µs"
            )


@graded(points=1, title="Bounds", requirement="RFC 6298, sections 2.4 and 2.5")
def test_the_timeout_stays_within_its_bounds(lab: LinkLab) -> None:
    quick, slow = lab.RetransmissionTimeout(), lab.RetransmissionTimeout()
    for _ in range(50):
        quick.sample(100)
        slow.sample(60 * SECOND)
    assert quick.timeout_us == lab.LEAST_US
    quick.back_off()
    assert quick.timeout_us == 2 * lab.LEAST_US, "the least is what is doubled"
    none = lab.RetransmissionTimeout()
    none.sample(0)
    assert none.timeout_us == lab.LEAST_US, "no time at all, by a clock that jumps, is a sample too"
    none.sample(80 * MS)
    assert none.timeout_us == 10 * MS + 4 * 20 * MS, "the second one moves the mean by an eighth"
    assert slow.timeout_us == lab.GREATEST_US


@graded(points=2, title="Backoff", requirement="RFC 6298, section 5.5")
def test_each_timeout_in_a_row_doubles_it_up_to_the_greatest(lab: LinkLab) -> None:
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
def test_a_new_sample_ends_the_backoff(lab: LinkLab) -> None:
    timeout = lab.RetransmissionTimeout()
    timeout.sample(50 * MS)
    for _ in range(100):
        timeout.back_off()
    timeout.sample(50 * MS)
    assert timeout.timeout_us < 200 * MS
