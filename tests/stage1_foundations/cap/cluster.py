"""Clusters, schedules and questions that the suites of both registers share."""

from collections.abc import Sequence
from random import Random
from typing import Any

from common.contract.events import NodeId
from common.course.suites import kit
from common.course.suites.kit import ask_ok, names
from common.sim.host import Factory
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Heal, Partition, Schedule
from common.values.history import Failed, History, Operation
from common.values.units import MS, SECOND
from tests.stage1_foundations.cap.lab import CapLab

REPLICAS = names(3)
CLIENTS = ("c1", "c2", "c3")
HOME = dict(zip(CLIENTS, REPLICAS, strict=True))

CUT, HEALED, END, REST = 400 * MS, 1400 * MS, 3 * SECOND, 3300 * MS
"""When the partition of the scenarios begins and ends; from ``END`` to ``REST`` nothing counts, so
that whatever was asked before has time to end."""

THREE_MS = LinkModel(latency=(3 * MS, 3 * MS))
"""Links on which everything takes the same time, for scenarios that need an exact one."""

INSTANTS = tuple(now * MS for now in range(30) if now % 3 != 2)
"""On :data:`THREE_MS` something happens each 3 ms, if at all: these are just then, and between."""

TRY_AGAIN_AFTER = 25 * MS
"""Of the replicas of :func:`impatient`."""

MINORITY, MAJORITY = ("n1", "c1"), ("n2", "n3", "c2", "c3")


def cluster(
    lab: CapLab, replica: Factory, seed: int | str, faults: Sequence[Fault], **options: Any
) -> Simulation:
    """Three replicas of a class, and a client at each."""
    clients = {client: attached(lab, home) for client, home in HOME.items()}
    nodes = dict.fromkeys(REPLICAS, replica)
    return lab.simulation(nodes, clients, seed=seed, schedule=Schedule(faults), **options)


def attached(lab: CapLab, replica: NodeId) -> Factory:
    """Makes a client that asks this replica."""
    return lambda id, peers: lab.RegisterClient(id, peers, replica=replica)


def partition() -> list[Fault]:
    """c1 and its replica n1 alone on one side, from ``CUT`` to ``HEALED``."""
    return [Partition(CUT, (MINORITY, MAJORITY)), Heal(HEALED)]


def trouble(
    seed: int,
    *kinds: str,
    until: int = 2 * SECOND,
    troubles: int = 6,
    hit: Sequence[NodeId] = REPLICAS,
) -> list[Fault]:
    """Faults of these kinds that hit replicas, or others too, and are over at ``until``."""
    others = (*REPLICAS, *CLIENTS)
    return kit.trouble(seed, kinds, hit=hit, others=others, until=until, troubles=troubles)


def work(lab: CapLab, simulation: Simulation, count: int = 25, **options: Any) -> Workload:
    """Let each client read and write, half and half; no value is written twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        value = 1000 * int(client[1:]) + number
        return lab.Write(value) if random.random() < 0.5 else lab.Read()

    options.setdefault("think", (0, 100 * MS))
    return Workload(simulation, choose, count=count, **options)


def values_read_everywhere(lab: CapLab, simulation: Simulation) -> dict[NodeId, object]:
    """What each client reads now, by client; each must be answered."""
    return {client: ask_ok(simulation, client, lab.Read(), within=1 * SECOND) for client in CLIENTS}


def asked_between(
    history: History, start: int, end: int, *clients: NodeId, function: str = ""
) -> list[Operation]:
    """The operations that these clients began from ``start`` up to but not including ``end``.

    A client that was told unknown goes on as another process, ``c1/31`` for c1.
    """
    return [
        asked
        for asked in history
        if start <= asked.invoked_at < end
        and asked.process.partition("/")[0] in clients
        and function in ("", asked.function)
    ]


def refused(asked: Operation) -> bool:
    """Whether the client was told that this certainly did not happen."""
    return isinstance(asked.outcome, Failed)


def impatient(
    lab: CapLab, attempts: int, faults: Sequence[Fault], ask_again_after: int = 2 * SECOND
) -> Simulation:
    """A cluster whose replicas give up soon, with clients that ask again late, or as told."""
    clients = {
        client: lambda id, peers, home=home: lab.RegisterClient(
            id, peers, replica=home, ask_again_after=ask_again_after
        )
        for client, home in HOME.items()
    }
    return lab.simulation(
        dict.fromkeys(
            REPLICAS,
            lambda id, peers: lab.ConsistentReplica(
                id, peers, attempts=attempts, try_again_after=TRY_AGAIN_AFTER
            ),
        ),
        clients,
        seed=1,
        schedule=Schedule(faults),
        link=THREE_MS,
    )
