"""The simulator: time, network, disk, crashes, clocks, Byzantine nodes, replay."""

import subprocess
import sys
from collections.abc import Iterable
from random import Random

import pytest

from common.contract import Node, NodeId, message, on, operation, timer
from common.sim import EventLimit, LinkModel, Simulation, Workload
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.errors import BadInput, ContractError
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
)
from common.values.history import Ok, Unknown
from common.values.units import MS, SECOND

FIXED = LinkModel(latency=(2 * MS, 2 * MS))


@message
class Number:
    value: int


@message
class Ack:
    value: int


@timer
class Tick:
    pass


@operation
class Add:
    value: int


class Counter(Node):
    """Saves the sum before it answers; a client's Add is answered with the sum."""

    def on_start(self) -> None:
        self.sum: int = self.saved.get("sum", 0)
        self.got: list[tuple[int, int]] = []

    @on(Number)
    def number(self, number: Number, sender: NodeId) -> None:
        self.sum += number.value
        self.got.append((self.now, number.value))
        self.save("sum", self.sum)
        self.send(sender, Ack(self.sum))


class Asker(Node):
    """Sends each Add to its first peer and ends it with the next Ack."""

    def on_start(self) -> None:
        self.call = 0

    @on(Add)
    def add(self, add: Add, call: int) -> None:
        self.call = call
        self.send(self.peers[0], Number(add.value))

    @on(Ack)
    def ack(self, ack: Ack, sender: NodeId) -> None:
        if self.call:
            self.finish(self.call, Ok(ack.value))
            self.call = 0


class Ticker(Node):
    """Notes the times of its own clock at which it ticks, once a second."""

    def on_start(self) -> None:
        self.ticks: list[int] = []
        self.set_timer(SECOND, Tick())

    @on(Tick)
    def tick(self, tick: Tick) -> None:
        self.ticks.append(self.now)
        self.set_timer(SECOND, Tick())


def pair(*faults: Fault, link: LinkModel = FIXED, **options: object) -> Simulation:
    schedule = Schedule(faults)
    return Simulation({"n1": Counter}, {"c1": Asker}, link=link, schedule=schedule, **options)  # type: ignore[arg-type]


def counter(simulation: Simulation) -> Counter:
    node = simulation.nodes["n1"]
    assert isinstance(node, Counter)
    return node


def test_an_operation_takes_two_latencies_and_a_flush() -> None:
    simulation = pair(disk_latency=3 * MS)
    asked = simulation.call("c1", Add(5))
    simulation.run(SECOND)
    assert asked.outcome == Ok(5)
    assert asked.returned_at == 2 * MS + 3 * MS + 2 * MS


def test_an_operation_without_an_answer_stays_unknown() -> None:
    simulation = pair(Crash(0, "n1"))
    asked = simulation.call("c1", Add(5))
    simulation.run(SECOND)
    assert asked.returned_at is None
    assert isinstance(asked.outcome, Unknown)


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


def test_loss_and_duplication_happen_about_as_often_as_told() -> None:
    class Shouter(Node):
        def on_start(self) -> None:
            for value in range(10_000):
                self.send("n2", Number(value))

        @on(Ack)
        def ack(self, ack: Ack, sender: NodeId) -> None: ...

    for model, expected in ((LinkModel(loss=0.3), 7_000), (LinkModel(duplicate=0.2), 12_000)):
        simulation = Simulation({"n1": Shouter, "n2": Counter}, link=model, seed=4)
        simulation.run(SECOND)
        node = simulation.nodes["n2"]
        assert isinstance(node, Counter)
        assert abs(len(node.got) - expected) < 200


def test_messages_overtake_each_other_only_where_the_latency_differs() -> None:
    class Shouter(Node):
        def on_start(self) -> None:
            for value in range(50):
                self.send("n2", Number(value))

        @on(Ack)
        def ack(self, ack: Ack, sender: NodeId) -> None: ...

    def order(model: LinkModel) -> list[int]:
        simulation = Simulation({"n1": Shouter, "n2": Counter}, link=model, seed=1)
        simulation.run(SECOND)
        node = simulation.nodes["n2"]
        assert isinstance(node, Counter)
        return [value for _, value in node.got]

    assert order(FIXED) == list(range(50))
    assert order(LinkModel(latency=(1 * MS, 9 * MS))) != list(range(50))
    assert sorted(order(LinkModel(latency=(2 * MS, 2 * MS), reorder=0.5))) == list(range(50))
    assert order(LinkModel(latency=(2 * MS, 2 * MS), reorder=0.5)) != list(range(50))


def test_bandwidth_spaces_messages_out_and_a_full_queue_drops() -> None:
    class Shouter(Node):
        def on_start(self) -> None:
            for value in range(200):
                self.send("n2", Number(value))

        @on(Ack)
        def ack(self, ack: Ack, sender: NodeId) -> None: ...

    model = LinkModel(latency=(0, 0), bandwidth=1_000)
    simulation = Simulation({"n1": Shouter, "n2": Counter}, link=model)
    simulation.run(5 * SECOND)
    node = simulation.nodes["n2"]
    assert isinstance(node, Counter)
    assert 20 < len(node.got) < 60  # about 24 bytes each, a thousand bytes a second, one second
    gaps = {later - sooner for (sooner, _), (later, _) in zip(node.got, node.got[1:], strict=False)}
    assert min(gaps) >= 20 * MS


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
    def lie(random: Random, to: NodeId, honest: object) -> Iterable[object]:
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


def test_sending_to_a_stranger_is_the_nodes_error() -> None:
    class Lost(Node):
        def on_start(self) -> None:
            self.send("n9", Number(1))

    with pytest.raises(ContractError, match="node n1 sends to 'n9', which is not in this cluster"):
        Simulation({"n1": Lost}).run(SECOND)


def test_a_call_ends_once() -> None:
    class Twice(Node):
        @on(Add)
        def add(self, add: Add, call: int) -> None:
            self.finish(call, Ok())
            self.finish(call, Ok())

    simulation = Simulation({"n1": Counter}, {"c1": Twice})
    simulation.call("c1", Add(1))
    with pytest.raises(ContractError, match="not under way: each call ends once"):
        simulation.run(SECOND)


def test_a_protocol_that_never_rests_is_stopped_with_a_sentence() -> None:
    class Babbler(Node):
        def on_start(self) -> None:
            self.send(self.id, Number(1))

        @on(Number)
        def number(self, number: Number, sender: NodeId) -> None:
            self.send(self.id, number)
            self.send(self.id, number)

    with pytest.raises(EventLimit, match="more than 10,000 events.*sends or retries without end"):
        Simulation({"n1": Babbler}, max_events=10_000).run(SECOND)


def recorded(seed: int) -> str:
    lines: list[str] = []
    recorder = Recorder(
        lines.append, Meta(lab="test", nodes=("n1", "n2"), clients=("c1",), seed=seed)
    )
    faults = (
        Link(0, loss=0.2, duplicate=0.1, reorder=0.1),
        Crash(200 * MS, "n1"),
        Restart(300 * MS, "n1"),
        Clock(100 * MS, "n2", drift=500),
    )
    simulation = Simulation(
        {"n1": Counter, "n2": Ticker}, {"c1": Asker},
        seed=seed, schedule=Schedule(faults), observers=[recorder],
    )  # fmt: skip
    Workload(simulation, lambda random, client, number: Add(random.randrange(9)), count=30)
    simulation.run(5 * SECOND)
    return "".join(lines)


def test_the_same_seed_replays_the_same_bytes_and_another_seed_does_not() -> None:
    assert recorded(1) == recorded(1)
    assert recorded(1) != recorded(2)


def test_watching_a_run_does_not_change_it() -> None:
    def history(**options: object) -> str:
        simulation = pair(link=LinkModel(loss=0.1), seed=3, **options)
        Workload(simulation, lambda random, client, number: Add(random.randrange(9)))
        simulation.run(60 * SECOND)
        return simulation.history.to_jsonl()

    lines: list[str] = []
    recorder = Recorder(lines.append, Meta(lab="test", nodes=("n1",), clients=("c1",), seed=3))
    assert history() == history(observers=[recorder]) == history(check_handlers=1)


def test_a_client_that_gives_up_goes_on_as_another_process() -> None:
    simulation = pair(Block(0, "n1", "c1"), Heal(3 * SECOND))
    workload = Workload(simulation, lambda random, client, number: Add(1), count=5, patience=SECOND)
    assert simulation.run_until(lambda: workload.done, 60 * SECOND)
    processes = [operation.process for operation in simulation.history]
    assert len(processes) == 5
    assert len(set(processes)) > 1
    for process in set(processes):
        mine = [one for one in simulation.history if one.process == process]
        assert all(isinstance(one.outcome, Ok) for one in mine[:-1])


@pytest.mark.slow
def test_a_million_events_traced_to_a_file_do_not_grow_the_process() -> None:
    script = [sys.executable, "-m", "tests.support.long_run", "1000000"]
    ran = subprocess.run(script, capture_output=True, text=True, check=True, timeout=300)
    events, grown_kib = map(int, ran.stdout.split())
    assert events > 1_000_000
    assert grown_kib < 4_096
