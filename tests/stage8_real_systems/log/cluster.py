"""Clusters of the lab ``log`` in virtual time: of replicas alone, and of whole brokers."""

from collections.abc import Sequence
from typing import Any

from common.contract.events import NodeId
from common.contract.observer import Observer
from common.contract.wrapped import unwrapped
from common.course.suites.kit import SOON, ask, ask_ok, names, run_until
from common.sim import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import Schedule
from common.values.history import Ok, Operation
from common.values.units import MS, SECOND
from tests.stage8_real_systems.log.lab import LogLab

CALM = 1 * SECOND
"""When all faults of a sweep are over."""

LIMIT = CALM + 9 * SECOND
"""When everybody must have got through."""

QUICK = LinkModel(latency=(1 * MS, 2 * MS))


class Said(Observer):
    """Watches what nodes say, with the names of subnodes taken off.

    Attributes:
        all: time, sender, receiver and message of each.
    """

    def __init__(self) -> None:
        self.all: list[tuple[int, NodeId, NodeId, Any]] = []

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """Something is said."""
        self.all.append((at, node, to, unwrapped(message)[1]))

    def of(self, kind: type) -> list[tuple[int, NodeId, NodeId, Any]]:
        """What is of a class."""
        return [each for each in self.all if isinstance(each[3], kind)]


# Replicas alone.


def replicas(
    lab: LogLab,
    count: int = 3,
    *,
    seed: int = 1,
    schedule: Sequence[Any] = (),
    observers: Sequence[Observer] = (),
    link: LinkModel = QUICK,
    **config: Any,
) -> Simulation:
    """Replicas of one partition that are nodes of their own, and a controller ``ctl``.

    The first one leads, once all have arrived.
    """

    def replica(id: NodeId, peers: tuple[NodeId, ...]) -> Any:
        return lab.LoneReplica(id, peers, **config)

    simulation = lab.simulation(
        dict.fromkeys(names(count), replica),
        {"ctl": lab.LoneController},
        seed=seed,
        link=link,
        schedule=Schedule(list(schedule)),
        observers=observers,
    )
    if not schedule:
        simulation.run(150 * MS)
    return simulation


def append(
    lab: LogLab,
    simulation: Simulation,
    node: NodeId,
    text: str,
    acks: int = -1,
    within: int = SOON,
) -> int:
    """Have a text appended; returns its offset."""
    offset = ask_ok(simulation, node, lab.Append(text, acks), within)
    assert isinstance(offset, int)
    return offset


def texts(lab: LogLab, simulation: Simulation, node: NodeId) -> list[str]:
    """What can be read at a replica."""
    return [text for _, text in ask_ok(simulation, node, lab.Contents())]


def fence(lab: LogLab, simulation: Simulation, node: NodeId) -> None:
    """Let the controller take a broker for dead, and let everybody hear of it."""
    ask_ok(simulation, "ctl", lab.FenceBroker(node))
    simulation.run(simulation.now + 60 * MS)


def leads(lab: LogLab, simulation: Simulation, node: NodeId, text: str, within: int) -> bool:
    """Whether a replica takes a text soon, and all in-sync replicas get it."""
    until = simulation.now + within
    while simulation.now < until:
        if isinstance(ask(simulation, node, lab.Append(text)).outcome, Ok):
            return True
        simulation.run(simulation.now + 10 * MS)
    return False


# Whole brokers.


def brokers(
    lab: LogLab,
    *,
    seed: int = 1,
    client: Any = None,
    clients: int = 2,
    schedule: Sequence[Any] = (),
    observers: Sequence[Observer] = (),
    **config: Any,
) -> Simulation:
    """Three brokers, with clients."""

    def broker(id: NodeId, peers: tuple[NodeId, ...]) -> Any:
        return lab.Broker(id, peers, **{"snapshot_every": 30, **config})

    client = client or lab.LogClient
    return lab.simulation(
        dict.fromkeys(names(3), broker),
        {f"c{number}": client for number in range(1, clients + 1)},
        seed=seed,
        schedule=Schedule(list(schedule)),
        observers=observers,
    )


def described(lab: LogLab, simulation: Simulation, node: NodeId = "n1") -> Any:
    """What a broker says of the cluster."""
    return ask_ok(simulation, node, lab.DescribeCluster())


def with_topic(lab: LogLab, simulation: Simulation, partitions: int = 1) -> None:
    """Wait until all brokers are there, and have the topic made."""
    run_until(simulation, lambda: len(described(lab, simulation).brokers) == 3)
    assert ask_ok(simulation, "n1", lab.CreateTopic("t", partitions)) == lab.Done()
    run_until(
        simulation,
        lambda: all(described(lab, simulation, node).topics for node in names(3)),
    )


def leader_of(lab: LogLab, simulation: Simulation, node: NodeId = "n1", partition: int = 0) -> str:
    """Who leads a partition of the topic, says a broker."""
    topic = next(each for each in described(lab, simulation, node).topics if each.name == "t")
    leader = topic.partitions[partition].leader
    assert isinstance(leader, str)
    return leader


def ended_ok(history: Sequence[Operation], function: str) -> list[Operation]:
    """The operations of this kind that ended with Ok."""
    return [each for each in history if each.function == function and isinstance(each.outcome, Ok)]
