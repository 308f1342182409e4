"""Members by hand and in the simulator, for all suites of the lab."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from common.contract.effects import Save
from common.contract.events import NodeId
from common.contract.node import Node
from common.course.suites.kit import ByHand, effects_of, names
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Block, Fault, Heal, Schedule
from common.values.history import History, Ok
from common.values.units import MS, SECOND
from tests.stage3_partitioning.replication.lab import ReplicationLab

if TYPE_CHECKING:
    from stage3_partitioning.replication.log import Entry

THREE = names(3)
CLIENTS = ("c1", "c2")
KEYS = ("menu", "price")
MODES = ("async", "semi-sync", "sync")
STEADY = LinkModel(latency=(10 * MS, 10 * MS))
ROUGH = LinkModel(latency=(1 * MS, 60 * MS), loss=0.2, duplicate=0.2, reorder=0.2)
NEVER = 3600 * SECOND
PATIENCE = 4 * SECOND
"""Longer than a client asks for one write."""

SEVERAL = 3


def entry(lab: ReplicationLab, number: int, epoch: int = 1, **fields: Any) -> "Entry":
    """A write of c1 by hand; its value names it."""
    given = {"client": "c1", "key": "x", "value": f"{epoch}.{number}", **fields}
    return lab.Entry(epoch=epoch, number=number, **given)


def log_with(lab: ReplicationLab, *epochs: int) -> Any:
    """A log with one write for each epoch that is named: 1, 1, 2 has three."""
    log = lab.Log()
    for number, epoch in enumerate(epochs, 1):
        log.append(entry(lab, number, epoch))
    return log


class Hand(ByHand):
    """One member, by hand; each event comes a microsecond after the one before."""

    def hears(self, sender: NodeId, message: object) -> list[Any]:
        """Let a message arrive; returns the messages that it sends now, to whom, in order."""
        self.now += 1
        return [(each.to, each.message) for each in self.receive(sender, message)]

    def log(self) -> "list[Entry]":
        """The writes on its disk behind the base."""
        return entries_of(self.disk)


def entries_of(disk: Mapping[Any, Any]) -> "list[Entry]":
    """The writes on a disk behind the base, in order."""
    found = sorted(key[1] for key in disk if isinstance(key, tuple) and key[0] == "entry")
    base = disk.get("base")
    start = base.lineage[-1][1] if base is not None and base.lineage else 0
    assert found == list(range(start + 1, start + 1 + len(found))), f"a gap on disk: {found}"
    return [disk["entry", offset] for offset in found]


def hand(
    lab: ReplicationLab,
    kind: Callable[..., Node],
    id: NodeId = "n1",
    saved: Mapping[Any, Any] | None = None,
    **config: Any,
) -> Hand:
    """A member of three that has begun."""
    peers = tuple(each for each in THREE if each != id)
    return Hand(kind(id, peers, **config), saved)


def follower_with(lab: ReplicationLab, kind: Callable[..., Node], *epochs: int) -> Hand:
    """n2, a follower of n1, with these writes."""
    made = hand(lab, kind, "n2")
    after = (0, 0)
    for number, epoch in enumerate(epochs, 1):
        made.hears("n1", lab.Ship(epoch, after, (entry(lab, number, epoch),)))
        after = (epoch, number)
    return made


# In the simulator.


def cluster(
    lab: ReplicationLab,
    kind: Callable[..., Node],
    client: Callable[..., Node],
    seed: int | str = 0,
    faults: Sequence[Fault] = (),
    *,
    config: Mapping[str, Any] | None = None,
    client_config: Mapping[str, Any] | None = None,
    **options: Any,
) -> Simulation:
    """Three members, two clients and an operator."""
    options = {"link": STEADY, "schedule": Schedule(faults), **options}
    member = partial(kind, **(config or {}))
    asker = partial(client, **(client_config or {}), servers=THREE)
    clients = dict.fromkeys((*CLIENTS, "op"), asker)
    return lab.simulation(dict.fromkeys(THREE, member), clients, seed=seed, **options)


def busy(
    lab: ReplicationLab,
    simulation: Simulation,
    count: int = 12,
    looks: float = 0.5,
    clients: Sequence[NodeId] = CLIENTS,
) -> Workload:
    """Let clients write and look by chance; no value is written twice."""

    def choose(random: Random, client: NodeId, number: int) -> object:
        key = random.choice(KEYS)
        if random.random() < looks:
            return lab.Get(key)
        return lab.Put(key, f"{client}.{number}")

    pauses = (0, 60 * MS)
    return Workload(
        simulation, choose, clients=clients, count=count, think=pauses, patience=PATIENCE
    )


def cut_off(one: NodeId, at: int, until: int, others: Sequence[NodeId] = THREE) -> list[Fault]:
    """``one`` and the others do not hear each other for a while."""
    faults: list[Fault] = [Heal(until)]
    for other in others:
        if other != one:
            faults += [Block(at, one, other), Block(at, other, one)]
    return faults


def log_of(simulation: Simulation, id: NodeId) -> "list[Entry]":
    """The writes that a member has on disk."""
    return entries_of(simulation.on_disk(id))


def acknowledged(history: History) -> set[str]:
    """The values of all writes of which a client was told that they are done."""
    puts = (each for each in history if each.function == "put")
    return {str(each.argument) for each in puts if isinstance(each.outcome, Ok)}


def values_of(log: "Sequence[Entry]") -> set[str]:
    """The values in a log."""
    return {each.value for each in log if each.value is not None}


def lost_of(simulation: Simulation) -> set[str]:
    """The values of all writes that members have taken back, as they list them."""
    found: set[str] = set()
    for id in simulation.members:
        disk: Mapping[Any, Any] = simulation.on_disk(id)
        for key, gone in disk.items():
            if isinstance(key, tuple) and key[0] == "lost":
                found |= values_of(gone)
    return found


def to(sent: Sequence[Any], kind: type) -> list[Any]:
    """Those messages that are of one class."""
    return [message for _, message in sent if isinstance(message, kind)]


def saves(made: Hand) -> list[Any]:
    """What its last step saved."""
    return effects_of(Save, made.effects)
