"""Clusters of the lab ``etcd`` in virtual time, and what their histories must keep to."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from common.check.verdict import Answer
from common.contract.events import NodeId
from common.sim.chaos import random_schedule
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Schedule
from common.values.history import Ok, Operation
from common.values.units import MS, SECOND
from stage5_fault_tolerance.etcd.checks import linearizable
from tests.stage4_consensus.raft.cluster import must_be_ok, names, run_until

SERVERS = names(3)
CLIENTS = ("c1",)
FAST = {
    "election_timeout": (150 * MS, 300 * MS),
    "heartbeat_every": 50 * MS,
    "snapshot_every": 8,
}
SLOW = {"heartbeat_every": 400 * MS, "election_timeout": (900 * MS, 1300 * MS)}
"""Servers that say little by themselves."""
CALM = 3 * SECOND
"""When all faults of a sweep are over."""
LIMIT = CALM + 15 * SECOND

Choose = Callable[[Random, NodeId, int], object]


def cluster(lab: Any, seed: int | str, count: int = 3, **options: Any) -> Simulation:
    """Servers that compact often; they are asked themselves, as a facade does it."""
    config = {**FAST, **options.pop("config", {})}
    options = {"max_events": 400_000, **options}
    made: Simulation = lab.simulation(
        dict.fromkeys(names(count), lambda id, peers: lab.EtcdServer(id, peers, **config)),
        dict.fromkeys(CLIENTS, lab.EtcdClient),
        seed=seed,
        **options,
    )
    return made


def leader_of(simulation: Simulation) -> str | None:
    """Who leads in the highest term."""
    nodes: list[Any] = [node for id, node in simulation.nodes.items() if id in SERVERS]
    leading = [node for node in nodes if node.full_status()["role"] == "leader"]
    terms = {node.id: node.full_status()["term"] for node in leading}
    return max(terms, key=lambda id: terms[id], default=None)


def others_than(leader: str) -> list[str]:
    """The servers but one."""
    return [server for server in SERVERS if server != leader]


def elected(
    simulation: Simulation, among: Sequence[str] = SERVERS, within: int = 5 * SECOND
) -> str:
    """Go on until one of these leads; returns which."""
    run_until(simulation, lambda: leader_of(simulation) in among, within)
    return leader_of(simulation) or ""


def told(simulation: Simulation, operation: object, server: str = "n1") -> Any:
    """What a server answers when nothing stands in the way."""
    return must_be_ok(simulation, operation, server)


def value_of(asked: Operation) -> Any:
    """What an operation was answered; it must have been."""
    assert isinstance(asked.outcome, Ok), f"{asked}, though nothing stands in its way"
    return asked.outcome.value


def shown(simulation: Simulation, server: str, field: str) -> Any:
    """What a server's status says."""
    node: Any = simulation.nodes[server]
    return node.full_status()[field]


def sweep_once(
    lab: Any, seed: int, choose: Choose, kinds: Sequence[str], each: int = 25
) -> Simulation:
    """Every server is asked while these kinds of trouble happen, and in the calm."""
    random = Random(f"{seed}/{kinds}")
    schedule = random_schedule(random, SERVERS, CALM, kinds=kinds, others=CLIENTS)
    simulation = cluster(lab, seed, schedule=Schedule(list(schedule)))
    workload = Workload(
        simulation,
        choose,
        count=each,
        think=(0, 150 * MS),
        patience=8 * SECOND,
        clients=(*SERVERS, *CLIENTS),
    )
    must_end_somehow(simulation, workload)
    for server in SERVERS:  # the calm
        simulation.call(server, lab.Put(b"calm"))
        told(simulation, lab.Range(b"x"), server)
    return simulation


def must_end_somehow(simulation: Simulation, workload: Workload) -> None:
    """Check that all end; those that are asked of a server that is down, or crashes, are not ok."""
    ended = simulation.run_until(lambda: workload.done, LIMIT)
    assert ended, "long after the last fault, somebody still waits"
    fine = sum(isinstance(each.outcome, Ok) for each in simulation.history)
    assert fine >= len(simulation.history) * 0.4, "most operations were given up"
    simulation.run(max(simulation.now, CALM + SECOND))


def must_be_linearizable(simulation: Simulation) -> None:
    """Check each key: what was told is what one single copy would have said."""
    verdict = linearizable(simulation.history)
    assert verdict.answer is Answer.YES, verdict.sentence


def single_keys(lab: Any) -> Choose:
    """Operations on one key each; no value is put twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        key, value = random.choice((b"x", b"y")), f"{client}.{number}".encode()
        put = lab.Put(key, value)
        kinds = [
            lab.Range(key),
            lab.Range(key),
            put,
            put,
            lab.DeleteRange(key),
            lab.Txn((lab.Compare(key, "version", "=", 0),), (put,)),
        ]
        return random.choice(kinds)

    return choose
