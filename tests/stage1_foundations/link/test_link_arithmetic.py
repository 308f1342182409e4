"""Graded suite of the lab ``link``, second part: how fast a link can be."""

from random import Random

import pytest

from common.course.suites.grading import graded
from common.values.units import MS, SECOND
from tests.stage1_foundations.link.lab import LinkLab

LAB = "link"


@graded(points=1, title="A perfect link", requirement="one item in each round trip")
def test_without_loss_stop_and_wait_carries_one_item_in_each_round_trip(lab: LinkLab) -> None:
    assert lab.stop_and_wait_goodput(0.0, 20 * MS, 100 * MS) == pytest.approx(50)


@graded(points=2, title="Loss", requirement="Bertsekas and Gallager 1992, section 2.4.1")
def test_a_lost_frame_or_acknowledgement_costs_stop_and_wait_a_timeout(lab: LinkLab) -> None:
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
def test_a_sliding_window_is_bounded_by_its_window_or_by_the_link(lab: LinkLab) -> None:
    assert lab.sliding_window_goodput(0.0, 20 * MS, 1 * MS, 8) == pytest.approx(400)
    assert lab.sliding_window_goodput(0.0, 20 * MS, 1 * MS, 80) == pytest.approx(1000)
    assert lab.sliding_window_goodput(0.0, 20 * MS, 0, 80) == pytest.approx(4000)
    assert lab.sliding_window_goodput(0.25, 20 * MS, 1 * MS, 80) == pytest.approx(750)


@graded(points=1, title="The window that fills a link", requirement="bandwidth times delay")
def test_the_least_window_that_fills_a_link_is_its_bandwidth_delay_product(lab: LinkLab) -> None:
    assert lab.window_to_fill(20 * MS, 1 * MS) == 20
    assert lab.window_to_fill(20 * MS + 1, 1 * MS) == 21
    assert lab.window_to_fill(1 * MS, 20 * MS) == 1
