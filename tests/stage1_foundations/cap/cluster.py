"""Clusters, schedules and questions that the suites of both registers share."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from common.check.linearizability import check_linearizability
from common.check.models import Register
from common.check.verdict import Answer
from common.contract.events import NodeId
from common.sim.chaos import random_schedule
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Heal, Partition, Schedule
from common.values.history import Failed, History, Ok, Operation
from common.values.units import MS, SECOND, show_time

REPLICAS = ("n1", "n2", "n3")
CLIENTS = ("c1", "c2", "c3")
HOME = dict(zip(CLIENTS, REPLICAS, strict=True))

CUT, HEALED, END, REST = 400 * MS, 1400 * MS, 3 * SECOND, 3300 * MS
"""When the partition of the scenarios begins and ends; from ``END`` to ``REST`` nothing counts, so
that whatever was asked before has time to end."""

MAX_EVENTS = 200_000
"""Ten times what the longest run of these suites takes: a storm of messages ends here."""

MINORITY, MAJORITY = ("n1", "c1"), ("n2", "n3", "c2", "c3")


def cluster(
    lab: Any, replica: Callable[..., Any], seed: int | str, faults: Sequence[Fault], **options: Any
) -> Simulation:
    """Three replicas of a class, and a client at each."""
    clients = {client: attached(lab, home) for client, home in HOME.items()}
    options = {"schedule": Schedule(faults), "max_events": MAX_EVENTS, **options}
    made: Simulation = lab.simulation(
        dict.fromkeys(REPLICAS, replica), clients, seed=seed, **options
    )
    return made


def attached(lab: Any, replica: NodeId) -> Callable[..., Any]:
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
    """Faults of these kinds, drawn from the seed, that are over at ``until``."""
    others = [node for node in (*REPLICAS, *CLIENTS) if node not in hit]
    drawn = random_schedule(
        Random(f"{seed}/{kinds}"), hit, until, kinds=kinds, troubles=troubles, others=others
    )
    return list(drawn)


def work(lab: Any, simulation: Simulation, count: int = 25, **options: Any) -> Workload:
    """Let each client read and write, half and half; no value is written twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        value = 1000 * int(client[1:]) + number
        return lab.Write(value) if random.random() < 0.5 else lab.Read()

    options.setdefault("think", (0, 100 * MS))
    return Workload(simulation, choose, count=count, **options)


def ask(simulation: Simulation, client: NodeId, operation: object, within: int) -> Operation:
    """Let a client ask now, and go on until the answer is there."""
    asked = simulation.call(client, operation)
    limit = simulation.now + within
    answered = simulation.run_until(lambda: asked.returned_at is not None, limit)
    assert answered, f"{asked} had no end after {show_time(within)}"
    return asked


def values_read_everywhere(lab: Any, simulation: Simulation) -> dict[NodeId, object]:
    """What each client reads now, by client; each must be answered."""
    read: dict[NodeId, object] = {}
    for client in CLIENTS:
        asked = ask(simulation, client, lab.Read(), within=1 * SECOND)
        assert isinstance(asked.outcome, Ok), f"nothing is cut any more, but {asked}"
        read[client] = asked.outcome.value
    return read


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


def must_be_ok(operations: Sequence[Operation], bound: int) -> None:
    """Check that there were operations, and that each ended with Ok in time."""
    assert operations, "no operation was asked for in that time: the test shows nothing"
    for asked in operations:
        assert isinstance(asked.outcome, Ok), f"{asked}, though its replica could answer"
        assert asked.returned_at is not None, "what has an outcome has returned"
        took = asked.returned_at - asked.invoked_at
        assert took <= bound, f"{asked} took {show_time(took)}, more than {show_time(bound)}"


def must_be_linearizable(history: History) -> None:
    """Check it with the checker, and that it says something: some reads saw some writes."""
    verdict = check_linearizability(history, Register())
    assert verdict.answer is Answer.YES, verdict.sentence
    seen = [
        asked
        for asked in history
        if asked.function == "read"
        and isinstance(asked.outcome, Ok)
        and asked.outcome.value is not None
    ]
    assert seen, "no read returned any written value: doing nothing is no register"
