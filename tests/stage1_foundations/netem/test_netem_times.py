"""Graded suite of the lab ``netem``, third part: what to expect, and whether it came.

Formulas are checked against second versions that are dumb on purpose: all sums of two evenly spread
times, all losses counted one by one.
"""

from math import comb
from random import Random
from typing import Any

import pytest

from common.course.suites.grading import Sweep, graded
from common.values.units import MS
from tests.stage1_foundations.netem.lab import NetemLab

LAB = "netem"


def drawn(random: Random, shape: Any) -> int:
    return random.randint(shape.delay - shape.jitter, shape.delay + shape.jitter)


def round_trips(lab: NetemLab, shape: Any, count: int, seed: str, overhead: int = 0) -> list[int]:
    """Round trips as the network makes them: on time, or late by a retransmission."""
    random = Random(seed)
    made = []
    for _ in range(count):
        time = drawn(random, shape) + drawn(random, shape) + random.randint(0, overhead)
        if random.random() < shape.loss or random.random() < shape.loss:
            time += 2 * lab.LEAST_RETRANSMISSION_US
        made.append(time)
    return made


@graded(points=2, title="Without jitter", requirement="two fixed delays are a step")
def test_without_jitter_a_round_trip_takes_the_two_delays_and_no_less(lab: NetemLab) -> None:
    there, back = lab.Shape(delay=50 * MS), lab.Shape(delay=30 * MS)
    assert lab.fraction_within(there, back, 80 * MS - 1) == 0
    assert lab.fraction_within(there, back, 80 * MS) == 1
    assert lab.fraction_within(lab.Shape(), lab.Shape(), 0) == 1


@graded(points=2, title="With jitter one way", requirement="one even spread is a ramp")
def test_with_jitter_on_one_way_the_fraction_grows_evenly(lab: NetemLab) -> None:
    fixed, spread = lab.Shape(delay=50 * MS), lab.Shape(delay=30 * MS, jitter=10 * MS)
    for ways in ((fixed, spread), (spread, fixed)):
        found = [lab.fraction_within(*ways, time * MS) for time in (69, 70, 75, 80, 85, 90, 91)]
        assert found == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1, 1])


@graded(points=3, title="With jitter both ways", requirement="the sum of two even spreads")
def test_with_jitter_on_both_ways_the_fraction_is_that_of_all_sums(lab: NetemLab) -> None:
    for a, b in ((40, 40), (40, 15), (3, 30)):
        there, back = lab.Shape(delay=50, jitter=a), lab.Shape(delay=60, jitter=b)
        steps = 200
        spread_there = [50 - a + 2 * a * (i + 0.5) / steps for i in range(steps)]
        spread_back = [60 - b + 2 * b * (i + 0.5) / steps for i in range(steps)]
        sums = [one + other for one in spread_there for other in spread_back]
        for time in range(110 - a - b - 3, 110 + a + b + 4, 7):
            counted = sum(each <= time for each in sums) / len(sums)
            found = lab.fraction_within(there, back, time)
            assert found == pytest.approx(counted, abs=0.01), f"within {time}, jitters {a} and {b}"


@graded(points=2, title="Late", requirement="either way may lose")
def test_a_round_trip_is_late_if_the_request_or_the_answer_is_lost(lab: NetemLab) -> None:
    def late(there: float, back: float) -> float:
        fraction: float = lab.late_fraction(lab.Shape(loss=there), lab.Shape(loss=back))
        return fraction

    assert late(0, 0) == 0
    assert late(0.1, 0) == late(0, 0.1) == pytest.approx(0.1)
    assert late(0.1, 0.1) == pytest.approx(0.19)
    assert late(1, 0) == late(0.5, 1) == 1


@graded(points=2, title="Percentiles", requirement="nearest rank")
def test_a_percentile_is_the_least_measured_time_that_enough_of_them_do_not_exceed(
    lab: NetemLab,
) -> None:
    times = [40, 10, 30, 20, 50]
    percents = (1, 20, 21, 50, 60, 99, 100)
    found = [lab.percentile(times, percent) for percent in percents]
    assert found == [10, 10, 20, 30, 30, 50, 50]
    assert lab.percentile([7], 50) == 7
    assert times == [40, 10, 30, 20, 50], "the times belong to the caller"
    for count in range(1, 40):
        times = list(range(count))
        for percent in (10, 50, 90):
            least = min(t for t in times if sum(u <= t for u in times) * 100 >= percent * count)
            assert lab.percentile(times, percent) == least


@graded(points=2, title="Wilson's interval", requirement="Wilson 1927")
def test_the_interval_has_the_values_of_wilsons_formula(lab: NetemLab) -> None:
    assert lab.wilson_interval(5, 10, 1.96) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert lab.wilson_interval(1, 100, 1.96) == pytest.approx((0.0018, 0.0545), abs=1e-4)
    assert lab.wilson_interval(0, 10, 1.96) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert lab.wilson_interval(10, 10, 1.96) == pytest.approx((0.7225, 1.0), abs=1e-4)


@graded(points=2, title="The interval keeps its word", requirement="as sure as it says")
def test_the_interval_holds_the_true_probability_about_as_often_as_it_promises(
    lab: NetemLab,
) -> None:
    trials = 200
    for probability in (0.02, 0.1, 0.5):
        held = 0.0
        for hits in range(trials + 1):
            low, high = lab.wilson_interval(hits, trials, 1.96)
            if low <= probability <= high:
                chance = probability**hits * (1 - probability) ** (trials - hits)
                held += comb(trials, hits) * chance
        assert 0.92 < held < 0.98, f"95% were promised for {probability}"


@graded(points=2, title="Summary", requirement="late ones tell of loss, the others of delay")
def test_a_summary_keeps_late_round_trips_and_those_on_time_apart(lab: NetemLab) -> None:
    times = [*range(80 * MS, 120 * MS, 100), *[500 * MS] * 20]
    summary = lab.summarise(times, 220 * MS)
    assert (summary.count, summary.late, summary.least) == (420, 20, 80 * MS)
    assert summary.median == 99_900
    assert summary.p99 < 120 * MS, "a late round trip says nothing about the delay"
    low, high = summary.loss_between
    assert low < 0.0241 < high, "1 - sqrt(1 - 20/420)"
    assert high < 0.06
    low, high = lab.summarise([1] * 10 + [9] * 90, 5).loss_between
    assert low < 0.6838 < high, "1 - sqrt(1 - 90/100), and not half of 90 %"
    assert lab.summarise([1, 2, 3], 3).late == 0, "late is what takes longer than that"
    assert lab.summarise([1, 2, 4], 3).late == 1


@graded(points=3, title="As configured", requirement="chance and the machine are allowed for")
def test_round_trips_that_are_as_configured_are_recognised(lab: NetemLab, sweep: Sweep) -> None:
    """Of 300 about 18 are late, give or take 4: here 14 to 22 are. Were it left to chance how many,
    the interval would be wrong once in a thousand times, as it says."""
    for seed in sweep(20):
        late = 14 + seed % 9
        for jitter in (0, 10 * MS):
            shape = lab.Shape(delay=50 * MS, jitter=jitter, loss=0.03)
            nothing_lost = lab.Shape(delay=50 * MS, jitter=jitter)
            times = round_trips(lab, nothing_lost, 300, f"{seed}/{jitter}", overhead=4 * MS)
            on_time = times[late:]
            times[:late] = [time + 2 * lab.LEAST_RETRANSMISSION_US for time in times[:late]]
            said = lab.judge_times(shape, shape, on_time, 5 * MS)
            assert said.result == "yes", said.sentence
            summary = lab.summarise(times, lab.late_after(shape, shape))
            assert summary.late == late
            said = lab.judge_loss(shape, shape, summary)
            assert said.result == "yes", said.sentence


@graded(points=3, title="Not as configured", requirement="a wrong network is told from a right one")
def test_round_trips_of_another_network_are_not_taken_for_the_configured_ones(
    lab: NetemLab,
) -> None:
    shape = lab.Shape(delay=50 * MS, jitter=10 * MS)
    others = {
        "one way only": lab.Shape(delay=25 * MS, jitter=10 * MS),
        "much too slow": lab.Shape(delay=60 * MS, jitter=10 * MS),
        "no jitter": lab.Shape(delay=50 * MS),
        "three times the jitter": lab.Shape(delay=50 * MS, jitter=30 * MS),
    }
    for name, other in others.items():
        times = round_trips(lab, other, 400, name)
        assert lab.judge_times(shape, shape, times, 5 * MS).result == "no", name


@graded(points=2, title="Chance and no more", requirement="Massart 1990: what chance explains")
def test_one_round_trip_more_than_chance_explains_is_one_too_many(lab: NetemLab) -> None:
    """Two fixed delays. Of 400 round trips chance explains 9.747 % beside them: 38, and not 39."""
    shape = lab.Shape(delay=50 * MS)
    for other in (90 * MS, 110 * MS):
        for count, result in ((38, "yes"), (39, "no")):
            times = [100 * MS] * (400 - count) + [other] * count
            said = lab.judge_times(shape, shape, times, 5 * MS)
            assert said.result == result, f"{count} of 400 took {other} µs: {said.sentence}"


@graded(points=2, title="Another loss", requirement="a wrong network is told from a right one")
def test_another_loss_is_not_taken_for_the_configured_one(lab: NetemLab) -> None:
    shape = lab.Shape(delay=50 * MS, loss=0.05)
    for loss in (0.0, 0.2):
        other = lab.Shape(delay=50 * MS, loss=loss)
        times = round_trips(lab, other, 400, f"loss {loss}")
        summary = lab.summarise(times, lab.late_after(shape, shape))
        assert lab.judge_loss(shape, shape, summary).result == "no", f"{loss} for 0.05"
    expected = lab.late_fraction(shape, shape)
    for between, result in {
        (expected, 0.9): "yes",
        (0.0, expected): "yes",
        (expected + 0.001, 0.9): "no",
        (0.0, expected - 0.001): "no",
    }.items():
        summary = lab.Summary(400, 40, 1, 1, 1, late_between=between, loss_between=between)
        assert lab.judge_loss(shape, shape, summary).result == result, f"{between}: {expected}"


@graded(points=1, title="Too few", requirement="unknown is an answer")
def test_a_few_round_trips_prove_nothing_either_way(lab: NetemLab) -> None:
    shape = lab.Shape(delay=50 * MS)
    for times in ([100 * MS] * 10, [500 * MS - 1] * 10):
        assert lab.judge_times(shape, shape, times, 5 * MS).result == "unknown"
    for count, result in ((10, "unknown"), (49, "unknown"), (50, "yes")):
        times = [100 * MS] * count
        assert lab.judge_times(shape, shape, times, 5 * MS).result == result, f"{count} are there"
        summary = lab.summarise(times, 200 * MS)
        assert lab.judge_loss(shape, shape, summary).result == result, f"{count} are there"
