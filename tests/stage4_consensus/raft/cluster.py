"""Clusters in virtual time, their clients, and what the suites of Raft ask of them."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any
from weakref import WeakKeyDictionary

from common.check.linearizability import check_linearizability
from common.check.models import KeyValue
from common.check.verdict import Answer
from common.contract.events import NodeId
from common.sim.chaos import random_schedule
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Crash, Fault, Restart, Schedule
from common.values.history import History, Ok, Operation
from common.values.units import MS, SECOND, show_time
from tests.stage4_consensus.raft.seen import Seen, Server

CLIENTS = ("c1", "c2", "c3")
ADMIN = "admin"
"""A client that takes no part in the work, and asks for other members or leaders."""

SOON = 2 * SECOND
"""Several elections and several attempts of a client fit into this time."""

STEADY = LinkModel(latency=(2 * MS, 2 * MS))
"""A network in which nothing overtakes anything."""

MAX_EVENTS = 300_000

_seen: WeakKeyDictionary[Simulation, Seen] = WeakKeyDictionary()
"""What is seen of each simulation."""


def names(count: int) -> tuple[NodeId, ...]:
    """n1, n2 ..."""
    return tuple(f"n{number}" for number in range(1, count + 1))


def server(lab: Any, kind: str = "RaftRegisters", **config: Any) -> Callable[..., Any]:
    """Makes servers of registers that compact often, in small pieces."""
    config = {"snapshot_every": 15, "piece_parts": 3, **config}
    made = getattr(lab, kind)
    return lambda id, peers: made(id, peers, **config)


def cluster(
    lab: Any,
    seed: int | str,
    count: int = 3,
    faults: Sequence[Fault] = (),
    config: dict[str, Any] | None = None,
    safe: bool = True,
    **options: Any,
) -> Simulation:
    """A cluster with three clients; Raft's safety properties are checked on all that is seen."""
    seen = Seen(safe)
    observers = [seen, *options.pop("observers", ())]
    made: Simulation = lab.simulation(
        dict.fromkeys(names(count), server(lab, **(config or {}))),
        dict.fromkeys((*CLIENTS, ADMIN), lab.RegistersClient),
        seed=seed,
        schedule=Schedule(faults),
        observers=observers,
        **{"max_events": MAX_EVENTS, **options},
    )
    return remember(made, seen)


def remember(simulation: Simulation, seen: Seen) -> Simulation:
    """Let the functions below know what is seen of a simulation; returns the simulation."""
    _seen[simulation] = seen
    return simulation


def server_of(simulation: Simulation, id: NodeId) -> Server:
    """What is seen of a server."""
    return _seen[simulation].server(id)


def trouble(seed: int, count: int, *kinds: str, until: int = 3 * SECOND) -> list[Fault]:
    """Faults of these kinds, drawn from the seed, that are over at ``until``."""
    random = Random(f"{seed}/{kinds}")
    return list(
        random_schedule(
            random, names(count), until, kinds=kinds, troubles=7, others=(*CLIENTS, ADMIN)
        )
    )


def work(lab: Any, simulation: Simulation, count: int = 30, **options: Any) -> Workload:
    """Let each client get, put and append; no text is written twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        key, text = random.choice("xy"), f"{client}.{number};"
        kinds = [lab.Get(key), lab.Append(key, text), lab.Append(key, text), lab.Put(key, text)]
        return random.choice(kinds)

    options = {"clients": CLIENTS, "think": (0, 200 * MS), "patience": 20 * SECOND, **options}
    return Workload(simulation, choose, count=count, **options)


def sweep_once(lab: Any, seed: int, count: int, kinds: Sequence[str], **options: Any) -> Simulation:
    """Clients work while things fail, then in the calm; all must end, and be linearizable."""
    simulation = cluster(lab, seed, count, trouble(seed, count, *kinds), **options)
    workload = work(lab, simulation)
    must_end(simulation, workload, 3 * SECOND + 4 * SOON)
    must_be_linearizable(simulation)
    return simulation


def must_end(simulation: Simulation, workload: Workload, limit: int) -> None:
    """Check that after all faults each client gets through what it wants to ask."""
    ended = simulation.run_until(lambda: workload.done, limit)
    assert ended, f"at {show_time(limit)}, long after the last fault, clients still wait"
    fine = sum(isinstance(each.outcome, Ok) for each in simulation.history)
    assert fine >= len(simulation.history) * 0.9, "many operations were given up"


def must_be_linearizable(simulation: Simulation) -> None:
    """Check the history: what clients were told is what one single copy would have said."""
    asked = [each for each in simulation.history if each.function in KeyValue.functions]
    verdict = check_linearizability(History(asked), KeyValue())
    assert verdict.answer is Answer.YES, verdict.sentence


def leaders(simulation: Simulation) -> list[Server]:
    """The servers that speak as leaders, in the order of their terms."""
    return _seen[simulation].leaders(simulation.now)


def elect(simulation: Simulation, within: int = SOON) -> Server:
    """Go on until somebody leads and has told that its no-op is committed; returns that server."""
    limit = simulation.now + within

    def elected() -> bool:
        found = leaders(simulation)
        return bool(found) and found[-1].commit_index >= found[-1].first_index_of_term

    assert simulation.run_until(elected, limit), f"nobody leads after {show_time(within)}"
    return leaders(simulation)[-1]


def ask(simulation: Simulation, operation: object, client: str = "c1", within: int = SOON) -> Any:
    """Let a client ask now and go on until it ends; returns the operation."""
    asked = simulation.call(client, operation)
    wait_for(simulation, asked, within)
    return asked


def wait_for(simulation: Simulation, asked: Operation, within: int) -> None:
    """Go on until the operation has ended."""
    ended = simulation.run_until(lambda: asked.returned_at is not None, simulation.now + within)
    assert ended, f"{asked} had no end after {show_time(within)}"


def run_until(simulation: Simulation, goal: Callable[[], bool], within: int = SOON) -> None:
    """Go on until ``goal()`` holds, which must be soon."""
    reached = simulation.run_until(goal, simulation.now + within)
    assert reached, f"it did not come to that within {show_time(within)}"


def must_be_ok(simulation: Simulation, operation: object, client: str = "c1") -> object:
    """Let a client ask now, and check that the answer is Ok; returns its value."""
    asked = ask(simulation, operation, client)
    assert isinstance(asked.outcome, Ok), f"{asked}, though nothing stands in its way"
    return asked.outcome.value


def log_grows(server: Server) -> Callable[[], bool]:
    """Whether the server's log is longer than it is now."""
    before = server.last_index
    return lambda: server.last_index > before


def others(simulation: Simulation, *without: str) -> list[Server]:
    """The servers that are up, but for these."""
    up = [id for id in simulation.nodes if id in simulation.members]
    return [server_of(simulation, id) for id in up if id not in without]


def crash(simulation: Simulation, *nodes: str) -> None:
    """Let these nodes crash now."""
    for node in nodes:
        simulation.inject(Crash(simulation.now, node))


def restart(simulation: Simulation, *nodes: str) -> None:
    """Let these nodes come back now."""
    for node in nodes:
        simulation.inject(Restart(simulation.now, node))


def restart_all(simulation: Simulation) -> None:
    """Let the power fail everywhere at once, and come back."""
    crash(simulation, *simulation.members)
    restart(simulation, *simulation.members)
