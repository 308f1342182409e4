"""Small nodes for the tests of the simulator: one adds up, one asks, one ticks."""

from common.contract import Node, NodeId, message, on, operation, timer
from common.sim import LinkModel, Simulation
from common.values.faults import (
    Fault,
    Schedule,
)
from common.values.history import Ok
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
