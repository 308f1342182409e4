"""Clusters of the lab ``etcd`` in virtual time, and what their histories must keep to."""

from collections.abc import Sequence
from random import Random
from typing import Any

from common.check.models import KEY_VALUE
from common.contract.events import NodeId
from common.course.suites import kit
from common.course.suites.kit import ask_ok, must_end, names, run_until, trouble
from common.sim.simulation import Simulation
from common.sim.workload import Choose, Workload
from common.values.faults import Schedule
from common.values.units import MS, SECOND
from stage5_fault_tolerance.etcd.checks import as_key_value
from tests.stage5_fault_tolerance.etcd.lab import EtcdLab

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


def cluster(lab: EtcdLab, seed: int | str, count: int = 3, **options: Any) -> Simulation:
    """Servers that compact often; they are asked themselves, as a facade does it."""
    config = {**FAST, **options.pop("config", {})}
    return lab.simulation(
        dict.fromkeys(names(count), lambda id, peers: lab.EtcdServer(id, peers, **config)),
        dict.fromkeys(CLIENTS, lab.EtcdClient),
        seed=seed,
        **options,
    )


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


def shown(simulation: Simulation, server: str, field: str) -> Any:
    """What a server's status says."""
    node: Any = simulation.nodes[server]
    return node.full_status()[field]


def sweep_once(
    lab: EtcdLab, seed: int, choose: Choose, kinds: Sequence[str], each: int = 25
) -> Simulation:
    """Every server is asked while these kinds of trouble happen, and in the calm."""
    faults = trouble(seed, kinds, hit=SERVERS, others=CLIENTS, until=CALM)
    simulation = cluster(lab, seed, schedule=Schedule(faults))
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
        ask_ok(simulation, server, lab.Range(b"x"))
    return simulation


def must_end_somehow(simulation: Simulation, workload: Workload) -> None:
    """Check that all end; those that are asked of a server that is down, or crashes, are not ok."""
    must_end(simulation, workload, limit=LIMIT, fine=0.2)
    simulation.run(max(simulation.now, CALM + SECOND))


def must_be_linearizable(simulation: Simulation) -> None:
    """Check each key: what was told is what one single copy would have said."""
    kit.must_be_linearizable(map(as_key_value, simulation.history), KEY_VALUE)


def single_keys(lab: EtcdLab) -> Choose:
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
