"""Nodes on a ring, clients, and what is on their disks, for all suites of the lab."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from common.contract.events import NodeId
from common.course.suites.kit import ask_ok, names
from common.sim.host import Factory
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Schedule
from common.values.history import Ok, Unknown
from common.values.units import MS, SECOND
from tests.stage3_partitioning.dynamo.lab import DynamoLab

if TYPE_CHECKING:
    from stage3_partitioning.dynamo.versions import Version, Versions

FIVE = names(5)
CLIENTS = ("c1", "c2", "c3")
KEYS = ("cart", "list")
STEADY = LinkModel(latency=(5 * MS, 5 * MS))
ROUGH = LinkModel(latency=(1 * MS, 30 * MS), loss=0.05, duplicate=0.1, reorder=0.2)
NEVER = 3600 * SECOND
SEVERAL = 5


def cluster(
    lab: DynamoLab,
    node: Factory,
    seed: int | str = 0,
    faults: Sequence[Fault] = (),
    client: Mapping[str, Any] | None = None,
    **options: Any,
) -> Simulation:
    """Five nodes of a class, and three clients; all have begun."""
    options = {"link": STEADY, "schedule": Schedule(faults), **options}
    clients = dict.fromkeys(CLIENTS, partial(lab.Shopper, **(client or {})))
    simulation = lab.simulation(dict.fromkeys(FIVE, node), clients, seed=seed, **options)
    simulation.run(1 * MS)
    return simulation


def busy(lab: DynamoLab, simulation: Simulation, count: int = 6) -> Workload:
    """Let the clients write and look, by chance: no value is written twice."""

    def choose(random: Random, person: NodeId, number: int) -> object:
        key = random.choice(KEYS)
        return lab.Put(key, f"{person}.{number}") if random.random() < 0.5 else lab.Get(key)

    return Workload(simulation, choose, clients=CLIENTS, count=count, think=(0, 60 * MS))


def finish(simulation: Simulation, work: Workload) -> None:
    """Let the clients do all of their work."""
    simulation.run_until(lambda: work.done, 60 * SECOND)


def homes(lab: DynamoLab, key: str, nodes: Sequence[NodeId] = FIVE) -> tuple[NodeId, ...]:
    """The three homes of a key."""
    return lab.Ring(nodes).homes(key, 3)


def values_at(simulation: Simulation, node: NodeId, key: str) -> list[str] | None:
    """The values of a key on a node's disk; None where there is no such key."""
    held: Any = simulation.on_disk(node).get(("held", key))
    return None if held is None else [each.value for each in held.versions]


def with_key(simulation: Simulation, key: str) -> set[NodeId]:
    """On whose disks a key is."""
    return {node for node in FIVE if ("held", key) in simulation.on_disk(node)}


def shown(lab: DynamoLab, simulation: Simulation, client: NodeId, key: str) -> tuple[str, ...]:
    """What a client is shown."""
    values: tuple[str, ...] = ask_ok(simulation, client, lab.Get(key))
    return values


def must_not_be_gone(simulation: Simulation, key: str, found: Iterable[str]) -> None:
    """Check that each value that was taken is there in the end, or was shown to somebody.

    Only one to whom it was shown can have replaced it.
    """
    asked = [each for each in simulation.history if each.key == key]
    taken = {each.argument for each in asked if each.function == "put" and each.outcome == Ok()}
    looks = [each.outcome for each in asked if each.function == "get"]
    seen = {value for told in looks if isinstance(told, Ok) for value in values_of(told)}
    gone = taken - {*found, *seen}
    late = any(isinstance(told, Unknown) for told in looks)  # it has shown something as well
    assert late or not gone, f"{sorted(map(str, gone))} were taken, never shown, and are gone"


def values_of(told: Ok) -> tuple[object, ...]:
    """The values that a look has shown."""
    return told.value if isinstance(told.value, tuple) else ()


def version(lab: DynamoLab, actor: str, number: int, **fields: Any) -> "Version":
    """One version by hand; its value names it."""
    given = {"value": f"{actor}.{number}", "seen": (), **fields}
    return lab.Version(actor=actor, number=number, **given)


def dots(versions: "Sequence[Version]") -> list[tuple[str, int]]:
    """Which versions these are."""
    return [(each.actor, each.number) for each in versions]


Dot = tuple[str, int]


def random_versions(lab: DynamoLab, seed: int) -> "dict[Version, set[Dot]]":
    """Versions of one key, each with all that its author had seen as a plain set.

    An author is shown some of what is there, with all that these had seen, as far as no version of
    an actor is without the ones before.
    """
    random = Random(f"dynamo/{seed}")
    found: dict[Version, set[Dot]] = {}
    numbers = dict.fromkeys("abc", 0)
    for _ in range(9):
        seen: set[Dot] = set()
        for each in list(found):
            if random.random() < 0.3:
                seen.add((each.actor, each.number))
        seen = all_behind(found, seen)
        actor = random.choice("abc")
        numbers[actor] += 1
        most = {name: max(n for who, n in seen if who == name) for name in {who for who, _ in seen}}
        made = version(lab, actor, numbers[actor], seen=tuple(sorted(most.items())))
        found[made] = seen
    return found


def all_behind(found: "dict[Version, set[Dot]]", dots: set[Dot]) -> set[Dot]:
    """These, the earlier ones of their actors, and all that any of them had seen."""
    seen: set[Dot] = set()
    for each, behind in found.items():
        if any(who == each.actor and number >= each.number for who, number in dots):
            seen |= {(each.actor, each.number), *behind}
    return seen


def join_all(lab: DynamoLab, several: "Sequence[Version]") -> "Versions":
    """Join one after the other."""
    together: Versions = ()
    for each in several:
        together = lab.joined(together, (each,))
    return together
