"""Clusters of registers in virtual time, their clients, and fault sweeps."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from common.check.models import KEY_VALUE
from common.contract.events import NodeId
from common.course.suites import kit
from common.course.suites.kit import Wire, must_be_linearizable, must_end, names
from common.sim.host import Factory
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Schedule
from common.values.units import MS, SECOND
from stage4_consensus.raft.checks_outside import Seen, watched
from tests.stage4_consensus.raft.lab import RaftLab

CLIENTS = ("c1", "c2", "c3")
ADMIN = "admin"
"""A client that takes no part in the work, and asks for other members or leaders."""

CALM = 3 * SECOND
"""When all faults of a sweep are over."""

LIMIT = CALM + 8 * SECOND
"""When every client must have got through."""


def server(lab: RaftLab, kind: str = "RaftRegisters", **config: Any) -> Factory:
    """Makes servers of registers that compact often, in small pieces."""
    config = {"snapshot_every": 15, "piece_parts": 3, **config}
    made = getattr(lab, kind)
    return lambda id, peers: made(id, peers, **config)


def cluster(
    lab: RaftLab,
    seed: int | str,
    count: int = 3,
    faults: Sequence[Fault] = (),
    config: Mapping[str, Any] | None = None,
    safe: bool = True,
    **options: Any,
) -> Simulation:
    """A cluster with three clients; Raft's safety properties are checked on all that is seen."""
    seen = Seen(safe)
    made = lab.simulation(
        dict.fromkeys(names(count), server(lab, **(config or {}))),
        dict.fromkeys((*CLIENTS, ADMIN), lab.RegistersClient),
        seed=seed,
        schedule=Schedule(faults),
        observers=[seen, *options.pop("observers", ())],
        **options,
    )
    return watched(made, seen)


def entries_sent(lab: RaftLab, wire: Wire) -> int:
    """How many entries leaders have sent, an entry once for each time."""
    return sum(len(each.entries) for each in wire.of(lab.AppendEntries))


def trouble(seed: int, count: int, *kinds: str, until: int = CALM) -> list[Fault]:
    """Faults of these kinds, drawn from the seed, that are over at ``until``."""
    others = (*CLIENTS, ADMIN)
    return kit.trouble(seed, kinds, hit=names(count), others=others, until=until, troubles=7)


def work(lab: RaftLab, simulation: Simulation, count: int = 30, **options: Any) -> Workload:
    """Let each client get, put and append; no text is written twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        key, text = random.choice("xy"), f"{client}.{number};"
        kinds = [lab.Get(key), lab.Append(key, text), lab.Append(key, text), lab.Put(key, text)]
        return random.choice(kinds)

    options = {"clients": CLIENTS, "think": (0, 200 * MS), "patience": 20 * SECOND, **options}
    return Workload(simulation, choose, count=count, **options)


def sweep_once(
    lab: RaftLab, seed: int, count: int, kinds: Sequence[str], **options: Any
) -> Simulation:
    """Clients work while things fail, then in the calm; all must end, and be linearizable."""
    simulation = cluster(lab, seed, count, trouble(seed, count, *kinds), **options)
    must_end(simulation, work(lab, simulation), limit=LIMIT)
    must_be_linearizable(simulation.history, KEY_VALUE)
    return simulation
