"""The simulator: time, network, replay, and what it says of broken protocols."""

import subprocess
import sys

import pytest

from common.contract import Node, NodeId, on
from common.sim import EventLimit, LinkModel, Simulation, Workload, engine
from common.trace.format import Meta
from common.trace.recorder import Recorder
from common.values.errors import ContractError
from common.values.faults import (
    Block,
    Clock,
    Crash,
    Heal,
    Link,
    Restart,
    Schedule,
)
from common.values.history import Ok, Unknown
from common.values.units import MS, SECOND
from tests.common.simulated import (
    FIXED,
    Ack,
    Add,
    Asker,
    Counter,
    Number,
    Tick,
    Ticker,
    pair,
)


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


def test_sending_to_a_stranger_is_the_nodes_error() -> None:
    class Lost(Node):
        def on_start(self) -> None:
            self.send("n9", Number(1))

    with pytest.raises(ContractError, match="node n1 sends to 'n9', which is not in this cluster"):
        Simulation({"n1": Lost}).run(SECOND)


def test_a_mutable_value_in_a_message_is_the_nodes_error_at_its_first_step() -> None:
    class Sloppy(Node):
        def on_start(self) -> None:
            self.send(self.id, Number([1]))  # type: ignore[arg-type]

    with pytest.raises(ContractError, match=r"a list \(at Number.value\) would leave the node"):
        Simulation({"n1": Sloppy}, check_handlers=97).run(SECOND)


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


def test_a_node_that_asks_for_more_than_can_be_under_way_is_stopped_before_it_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Crier(Node):
        def on_start(self) -> None:
            for number in range(200):
                self.set_timer(SECOND * number, Tick())

        @on(Tick)
        def tick(self, tick: Tick) -> None: ...

    Simulation({"n1": Crier}).run(SECOND)
    monkeypatch.setattr(engine, "MAX_PENDING", 100)
    with pytest.raises(EventLimit, match="or has 100 to come"):
        Simulation({"n1": Crier}).run(SECOND)


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


@pytest.mark.proof
def test_a_million_events_traced_to_a_file_do_not_grow_the_process() -> None:
    script = [sys.executable, "-m", "tests.support.long_run", "1000000"]
    ran = subprocess.run(script, capture_output=True, text=True, check=True, timeout=300)
    events, grown_kib = map(int, ran.stdout.split())
    assert events > 1_000_000
    assert grown_kib < 4_096


def test_thousands_of_nodes_may_share_one_tuple_of_peers() -> None:
    everybody = ("n1", "n2", "n3")
    told: list[tuple[str, ...]] = []

    def made(id: str, peers: tuple[str, ...]) -> Node:
        told.append(peers)
        return Node(id, peers)

    simulation = Simulation(dict.fromkeys(everybody, made), peers=everybody)
    simulation.run(0)
    assert told == [everybody] * 3
    assert all(node.peers is everybody for node in simulation.nodes.values())
    told.clear()
    Simulation(dict.fromkeys(everybody, made)).run(0)
    assert told == [("n2", "n3"), ("n1", "n3"), ("n1", "n2")], "its own, unless told otherwise"
