"""Graded suite of the lab ``netem``, first part: what is asked of the kernel."""

from typing import Any

import pytest

from common.course.suites.grading import graded
from common.values.errors import BadInput
from common.values.units import MS
from tests.stage1_foundations.netem.lab import NetemLab

LAB = "netem"


@graded(points=2, title="Delay, jitter, loss", requirement="man tc-netem: delay, loss")
def test_a_shape_is_said_in_whole_microseconds_and_per_cent(lab: NetemLab) -> None:
    def said(**parts: Any) -> tuple[str, ...]:
        return tuple(lab.netem_arguments(lab.Shape(**parts)))

    assert said(delay=50 * MS) == ("netem", "delay", "50000us")
    assert said(delay=1500, jitter=500) == ("netem", "delay", "1500us", "500us")
    assert said(delay=3600_000_001) == ("netem", "delay", "3600000001us")
    assert said(loss=0.025) == ("netem", "loss", "2.5%")
    for loss, per_cent in ((0.0004, "0.04%"), (0.1234, "12.34%"), (0.99995, "99.995%")):
        assert said(loss=loss) == ("netem", "loss", per_cent), "a rare loss is a loss"
    assert said(delay=9 * MS, jitter=1, loss=1.0) == (
        ("netem", "delay", "9000us", "1us", "loss", "100%")
    )


@graded(points=1, title="Nothing to ask for", requirement="parts that are 0 are left out")
def test_a_shape_without_parts_asks_for_nothing(lab: NetemLab) -> None:
    assert tuple(lab.netem_arguments(lab.Shape())) == ("netem",)
    (only,) = lab.tc_commands("eth0", lab.Shape())
    assert "netem" not in only, "a kernel without netem can have no shape too"


@graded(points=1, title="No such shape", requirement="bad input is one sentence")
def test_a_packet_does_not_arrive_before_it_was_sent_nor_get_lost_twice(lab: NetemLab) -> None:
    for parts in ({"delay": 1 * MS, "jitter": 2 * MS}, {"loss": 1.5}, {"loss": -0.1}):
        with pytest.raises(BadInput):
            lab.Shape(**parts)
    all_lost = lab.netem_arguments(lab.Shape(delay=1 * MS, jitter=1 * MS, loss=1.0))
    assert all_lost[-1] == "100%", "the bounds themselves are allowed"


@graded(points=2, title="Shape a device", requirement="nothing of an earlier shape is left")
def test_a_device_gets_a_plain_queue_first_and_then_its_shape(lab: NetemLab) -> None:
    plain, shaped = lab.tc_commands("eth7", lab.Shape(delay=5 * MS))
    root = ("tc", "qdisc", "replace", "dev", "eth7", "root")
    assert tuple(plain) == (*root, "pfifo")
    assert tuple(shaped) == (*root, "netem", "delay", "5000us")


@graded(points=3, title="Cut a device off", requirement="man tc-prio, man tc-u32")
def test_packets_to_cut_addresses_go_where_everything_is_lost_and_others_do_not(
    lab: NetemLab,
) -> None:
    commands = lab.tc_commands("eth0", lab.Shape(delay=5 * MS), ["10.0.0.2", "10.0.0.3"])
    words = [" ".join(command) for command in commands]
    assert words[0].endswith("root pfifo"), "what was there before has to go first"
    assert "root handle 1: prio bands 2 priomap" + " 0" * 16 in words[1], "all to the first band"
    assert words[2].endswith("parent 1:1 netem delay 5000us"), "the first band has the shape"
    assert words[3].endswith("parent 1:2 netem loss 100%"), "the second band loses everything"
    filters = words[4:]
    assert len(filters) == 2
    for address, rule in zip(("10.0.0.2", "10.0.0.3"), filters, strict=True):
        assert f"u32 match ip dst {address}/32 flowid 1:2" in rule
