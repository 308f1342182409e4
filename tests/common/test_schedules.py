"""Schedules: as data, as files, drawn, generated, and shrunk."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings

from common.contract import Node, NodeId, message, on
from common.course.kit.shrinking import schedules, shrink
from common.course.verbs.schedules import read_schedule
from common.sim import Simulation
from common.sim.chaos import KINDS, random_schedule
from common.values.errors import BadInput
from common.values.faults import (
    Block,
    Clock,
    Corrupt,
    Crash,
    Disk,
    Fault,
    Heal,
    Link,
    Partition,
    Pause,
    Restart,
    Resume,
    Schedule,
    parse_time,
)
from common.values.units import MS, SECOND

NODES = ("n1", "n2", "n3")

ONE_OF_EACH = Schedule(
    [
        Crash(1, "n1"),
        Restart(2, "n1"),
        Pause(3, "n2"),
        Resume(4, "n2"),
        Partition(5, (("n1",), ("n2", "n3"))),
        Block(6, "n1", "n2"),
        Heal(7),
        Link(8, "n1", "*", (1, 2), 0.5, 0.25, 0.125, 1000),
        Clock(9, "n1", -5, 100),
        Disk(10, "n3", 50),
        Corrupt(11, "n2", "lie"),
    ]
)


def test_every_fault_survives_the_way_through_plain_data() -> None:
    assert Schedule.from_plain(ONE_OF_EACH.to_plain()) == ONE_OF_EACH


@given(schedules(NODES, SECOND))
def test_any_schedule_survives_the_way_through_plain_data(schedule: Schedule) -> None:
    assert Schedule.from_plain(schedule.to_plain()) == schedule


@given(schedules(NODES, SECOND))
@settings(max_examples=60, deadline=None)
def test_any_schedule_can_be_simulated(schedule: Schedule) -> None:
    simulation = Simulation(dict.fromkeys(NODES, Beacon), schedule=schedule)
    simulation.run(2 * SECOND)


@message
class Beat:
    pass


class Beacon(Node):
    """Broadcasts once, and answers the first beat that it gets from each."""

    def on_start(self) -> None:
        self.heard: list[NodeId] = []
        self.broadcast(Beat())

    @on(Beat)
    def beat(self, beat: Beat, sender: NodeId) -> None:
        if sender not in self.heard:
            self.heard.append(sender)
            self.send(sender, Beat())


@pytest.mark.parametrize(
    ("text", "time"), [("250us", 250), ("10ms", 10 * MS), ("1.5s", 1500 * MS), (7, 7)]
)
def test_times_are_read_with_their_units(text: object, time: int) -> None:
    assert parse_time(text) == time


@pytest.mark.parametrize("text", ["10", "-1s", "soon", -5, 1.5, None])
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(BadInput, match="is not a time: write 250us"):
        parse_time(text)


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("{at: 1s}", "a schedule is a list of faults, not dict"),
        ("- {at: 1s}", "fault 1 of the schedule is .*write at, fault"),
        ("- {at: 1s, fault: meteor}", "'meteor' is no fault; there are crash, restart"),
        ("- {at: 1s, fault: crash}", "crash needs node"),
        ("- {at: 1s, fault: crash, node: n1, why: x}", "crash has no 'why'"),
        ("- {fault: heal}", "heal needs at"),
        ("- {at: now, fault: heal}", "at: 'now' is not a time"),
        ("- {at: 1s, fault: link, loss: 2}", "loss: 2 is not a probability from 0 to 1"),
        ("- {at: 1s, fault: link, latency: [5ms, 1ms]}", "least latency 5000 is above"),
        ("- {at: 1s, fault: partition, groups: n1}", "write a list of lists of nodes"),
        ("- {at: 1s, fault: crash, node: n9}", "names the node 'n9', which this cluster does not"),
        ("- {at: 1s, fault: crash, node: [", "line 1 is not YAML"),
        ("- {at: 1s, fault: disk, node: n1, latency: x}", "latency: 'x' is not a time"),
    ],
)
def test_a_bad_schedule_file_is_refused_with_the_place(
    tmp_path: Path, yaml: str, told: str
) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(yaml, encoding="utf-8")
    with pytest.raises(BadInput, match=told) as caught:
        read_schedule(path, NODES)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_good_schedule_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {at: 2s, fault: heal}\n- {at: 10ms, fault: crash, node: n1}\n")
    assert read_schedule(path, NODES) == Schedule([Crash(10 * MS, "n1"), Heal(2 * SECOND)])


def test_a_missing_schedule_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"the schedule .*none\.yaml cannot be read"):
        read_schedule(tmp_path / "none.yaml")


@pytest.mark.parametrize("kind", KINDS)
def test_chaos_of_each_kind_ends_in_a_calm(kind: str) -> None:
    for seed in range(20):
        schedule = random_schedule(Random(seed), NODES, SECOND, kinds=[kind], others=["c1"])
        schedule.check_nodes([*NODES, "c1"])
        assert max(fault.at for fault in schedule) == SECOND
        assert Heal(SECOND) in schedule.faults
        assert {f.node for f in schedule if f.at == SECOND and isinstance(f, Restart)} == set(NODES)


def test_chaos_often_cuts_off_a_single_node_and_lets_trouble_come_back() -> None:
    five = ["n1", "n2", "n3", "n4", "n5"]
    alone, twice = 0, 0
    for seed in range(100):
        drawn = random_schedule(
            Random(seed), five, SECOND, kinds=["partition"], troubles=1, others=["c1", "c2"]
        )
        cuts = [fault.groups for fault in drawn if isinstance(fault, Partition)]
        sides = [len([node for node in side if node in five]) for side in cuts[0]]
        alone += 1 in sides
        twice += len(cuts) == 2 and cuts[0] == cuts[1]
    assert alone > 40, "one follower of five knows less than all others"
    assert 15 < twice < 50, "what is over comes back, now and then"


def test_chaos_is_decided_by_its_seed() -> None:
    def drawn(seed: int) -> Schedule:
        return random_schedule(Random(seed), NODES, SECOND)

    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)


def test_a_failing_schedule_shrinks_to_what_matters() -> None:
    guilty: list[Fault] = [Partition(100 * MS, (("n1",), ("n2", "n3"))), Crash(200 * MS, "n2")]
    innocent: list[Fault] = [Pause(n * MS, "n3") for n in range(20)]
    innocent += [Heal(n * MS) for n in range(9)]
    whole = Schedule([*guilty, *innocent])

    def fails(schedule: Schedule) -> bool:
        return all(fault in schedule.faults for fault in guilty)

    assert shrink(whole, fails) == Schedule(guilty)


def test_a_schedule_that_does_not_fail_is_left_alone_and_one_that_need_not_be_there_is_empty() -> (
    None
):
    assert shrink(ONE_OF_EACH, lambda schedule: False) == ONE_OF_EACH
    assert shrink(ONE_OF_EACH, lambda schedule: True) == Schedule()
