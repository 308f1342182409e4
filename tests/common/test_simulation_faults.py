"""The simulator: partitions, disks, crashes, pauses, clocks, Byzantine nodes."""

from collections.abc import Iterable

import pytest

from common.contract import Node, NodeId, message, on, timer
from common.contract.lies import Liar
from common.sim import Simulation
from common.values.errors import BadInput
from common.values.faults import (
    Block,
    Clock,
    Corrupt,
    Crash,
    Disk,
    Heal,
    Partition,
    Pause,
    Restart,
    Resume,
    Schedule,
)
from common.values.history import Ok, Unknown
from common.values.units import MS, SECOND
from tests.common.simulated import FIXED, Ack, Add, Asker, Counter, Ticker, counter, pair


@timer
class Due:
    """It is time."""


@message
class Said:
    """A text."""

    text: str


def test_a_full_partition_cuts_both_ways_and_healing_ends_it() -> None:
    simulation = pair(Partition(0, (("n1",), ("c1",))), Heal(SECOND))
    lost = simulation.call("c1", Add(1))
    simulation.run(SECOND)
    assert lost.returned_at is None
    assert counter(simulation).sum == 0
    fresh = simulation.call("c1", Add(2))
    simulation.run(2 * SECOND)
    assert fresh.outcome == Ok(2)


def test_a_one_way_block_lets_the_request_through_and_loses_the_answer() -> None:
    simulation = pair(Block(0, "n1", "c1"))
    asked = simulation.call("c1", Add(1))
    simulation.run(SECOND)
    assert counter(simulation).sum == 1
    assert asked.returned_at is None


def test_what_was_durable_survives_a_crash_and_everything_else_is_gone() -> None:
    simulation = pair(Crash(SECOND, "n1"), Restart(2 * SECOND, "n1"))
    simulation.call("c1", Add(5))
    simulation.run(3 * SECOND)
    assert counter(simulation).sum == 5
    assert counter(simulation).got == []


def test_a_crash_during_the_flush_loses_the_write_and_its_answer_never_left() -> None:
    sums = set()
    for seed in range(40):
        simulation = pair(
            Crash(3 * MS, "n1"), Restart(SECOND, "n1"), disk_latency=5 * MS, seed=seed
        )
        asked = simulation.call("c1", Add(5))
        simulation.run(2 * SECOND)
        assert asked.returned_at is None
        sums.add(counter(simulation).sum)
    assert sums == {0, 5}  # not acknowledged: it may be there or not


def test_without_the_rule_an_acknowledged_write_can_be_lost() -> None:
    lost = 0
    for seed in range(40):
        simulation = pair(
            Crash(6 * MS, "n1"), Restart(SECOND, "n1"),
            disk_latency=50 * MS, seed=seed, sends_wait_for_disk=False,
        )  # fmt: skip
        asked = simulation.call("c1", Add(5))
        simulation.run(2 * SECOND)
        assert asked.outcome == Ok(5)
        lost += counter(simulation).sum == 0
    assert lost > 0


def test_writes_that_arrive_during_a_flush_share_the_next_one() -> None:
    simulation = Simulation(
        {"n1": Counter}, {f"c{n}": Asker for n in range(9)}, link=FIXED, disk_latency=10 * MS
    )
    asked = [simulation.call(f"c{n}", Add(1)) for n in range(9)]
    simulation.run(SECOND)
    assert {operation.returned_at for operation in asked} == {14 * MS, 24 * MS}


def test_a_slow_disk_delays_answers() -> None:
    simulation = pair(Disk(0, "n1", 300 * MS))
    asked = simulation.call("c1", Add(1))
    simulation.run(SECOND)
    assert asked.returned_at == 304 * MS


def test_nothing_overtakes_what_waits_for_the_disk_not_even_as_it_is_written() -> None:
    class Saver(Node):
        def on_start(self) -> None:
            if self.id == "n1":
                self.set_timer(5 * MS, Due())  # just when the disk has written
                self.save("key", 1)
                self.send("n2", Said("saved"))

        @on(Due)
        def due(self, timer: Due) -> None:
            self.send("n2", Said("later"))

        @on(Said)
        def said(self, said: Said, sender: NodeId) -> None:
            heard.append(said.text)

    heard: list[str] = []
    nodes = {"n1": Saver, "n2": Saver}
    simulation = Simulation(nodes, seed=1, link=FIXED, disk_latency=5 * MS)
    simulation.run(SECOND)
    assert heard == ["saved", "later"]


def test_a_paused_node_takes_its_messages_when_it_resumes() -> None:
    simulation = pair(Pause(0, "n1"), Resume(SECOND, "n1"), disk_latency=0)
    asked = simulation.call("c1", Add(1))
    simulation.run(2 * SECOND)
    assert asked.returned_at == SECOND + 2 * MS


def test_a_message_to_a_crashed_node_is_gone() -> None:
    simulation = pair(Crash(0, "n1"), Restart(SECOND, "n1"))
    asked = simulation.call("c1", Add(1))
    simulation.run(3 * SECOND)
    assert asked.returned_at is None
    assert counter(simulation).sum == 0


def test_a_crashed_client_leaves_its_operation_unknown() -> None:
    simulation = pair(Crash(1 * MS, "c1"))
    asked = simulation.call("c1", Add(1))
    simulation.run(SECOND)
    assert asked.outcome == Unknown("the client crashed")


def test_timers_of_an_earlier_life_do_not_fire() -> None:
    faults = (Crash(500 * MS, "n1"), Restart(600 * MS, "n1"))
    simulation = Simulation({"n1": Ticker}, schedule=Schedule(faults))
    simulation.run(2 * SECOND)
    node = simulation.nodes["n1"]
    assert isinstance(node, Ticker)
    assert node.ticks == [1_600 * MS]


def test_skew_shifts_what_the_clock_shows_and_drift_stretches_timers() -> None:
    skewed = Simulation({"n1": Ticker}, schedule=Schedule([Clock(0, "n1", skew=7 * SECOND)]))
    skewed.run(1 * SECOND)
    node = skewed.nodes["n1"]
    assert isinstance(node, Ticker)
    assert node.ticks == [8 * SECOND]
    fast = Simulation({"n1": Ticker}, schedule=Schedule([Clock(0, "n1", drift=100_000)]))
    fast.run(11 * SECOND)
    node = fast.nodes["n1"]
    assert isinstance(node, Ticker)
    assert len(node.ticks) == 12  # one of its seconds is 1/1.1 of a real one; the first was set
    assert abs(node.ticks[-1] - 12 * SECOND) < 200 * MS


def test_a_byzantine_node_sends_what_its_behaviour_makes_of_its_messages() -> None:
    def lie(liar: Liar, to: NodeId, honest: object) -> Iterable[object]:
        assert isinstance(honest, Ack)
        return [Ack(honest.value + 1_000)]

    simulation = pair(
        Corrupt(0, "n1", "lie"), Corrupt(SECOND, "n1", "honest"), behaviours={"lie": lie}
    )
    lied = simulation.call("c1", Add(1))
    simulation.run(SECOND)
    honest = simulation.call("c1", Add(1))
    simulation.run(2 * SECOND)
    assert (lied.outcome, honest.outcome) == (Ok(1_001), Ok(2))


def test_an_unknown_behaviour_and_an_unknown_node_are_refused() -> None:
    with pytest.raises(BadInput, match="no Byzantine behaviour 'lie'"):
        pair(Corrupt(0, "n1", "lie"))
    with pytest.raises(BadInput, match="names the node 'n9'.*its nodes are n1, c1"):
        pair(Crash(0, "n9"))
