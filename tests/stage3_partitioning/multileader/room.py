"""Writes of three leaders by hand, and leaders in the simulator, for all suites of the lab."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from common.contract.events import NodeId
from common.course.suites.kit import ask_ok, names, trouble
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Block, Fault, Heal, Schedule
from common.values.history import Ok
from common.values.units import MS, SECOND
from tests.stage3_partitioning.multileader.lab import MultileaderLab

if TYPE_CHECKING:
    from stage3_partitioning.multileader.versions import Vector, Write

FOUR = names(4)
KEYS = ("menu", "price")
Topology = Literal["all", "ring", "star"]
TOPOLOGIES: tuple[Topology, ...] = ("all", "ring", "star")
STEADY = LinkModel(latency=(10 * MS, 10 * MS))
ROUGH = LinkModel(latency=(1 * MS, 60 * MS), loss=0.2, duplicate=0.2, reorder=0.2)
NEVER = 3600 * SECOND
SEVERAL = 4
"""Seeds of a sweep, for each of the topologies where it goes through them."""

Dot = tuple[NodeId, int]
"""A write, by its leader and number."""


def vector_of(dots: Iterable[Dot]) -> "Vector":
    """The vector that has heard of exactly these; they have no gaps."""
    found = sorted(dots)
    names = sorted({leader for leader, _ in found})
    return tuple((name, max(each for leader, each in found if leader == name)) for name in names)


def write(lab: MultileaderLab, leader: NodeId, number: int, **fields: Any) -> "Write":
    """One write by hand; its value names it."""
    given = {"after": (), "seen": (), "key": "x", "value": f"{leader}.{number}", "at": 0, **fields}
    return lab.Write(leader, number, **given)


def random_writes(lab: MultileaderLab, seed: int, length: int = 14) -> "dict[Write, set[Dot]]":
    """Three leaders write to one key, and hear of all that another one knows, by chance.

    Returns:
        Each write, with all that its author had seen as a plain set: the definition.
    """
    random = Random(f"multileader/{seed}")
    known: dict[NodeId, set[Dot]] = {id: set() for id in FOUR[:3]}
    found: dict[Write, set[Dot]] = {}
    for _ in range(length):
        here, other = random.sample(sorted(known), 2)
        if random.random() < 0.4:
            known[here] |= known[other]
            continue
        number = 1 + sum(leader == here for leader, _ in known[here])
        seen = vector_of(known[here])
        made = write(lab, here, number, seen=seen, after=seen, at=random.randrange(100))
        found[made] = set(known[here])
        known[here].add((here, number))
    return found


# In the simulator.


def leaders(
    lab: MultileaderLab,
    leader: Callable[..., Any],
    seed: int | str = 0,
    faults: Sequence[Fault] = (),
    **options: Any,
) -> Simulation:
    """Four leaders of a class."""
    options = {"link": STEADY, "schedule": Schedule(faults), **options}
    return lab.simulation(dict.fromkeys(FOUR, leader), seed=seed, **options)


def busy(
    lab: MultileaderLab, simulation: Simulation, count: int = 8, looks: float = 0.4
) -> Workload:
    """Let everybody write and look at home, by chance: no value is written twice."""

    def choose(random: Random, person: NodeId, number: int) -> object:
        key = random.choice(KEYS)
        return lab.Get(key) if random.random() < looks else lab.Put(key, f"{person}.{number}")

    return Workload(simulation, choose, clients=FOUR, count=count, think=(0, 80 * MS))


def stormy(
    lab: MultileaderLab,
    leader: Callable[..., Any],
    topology: Topology,
    seed: int,
    faults: Sequence[Fault] = (),
    looks: float = 0.4,
) -> Simulation:
    """Messages are lost, leaders crash and are cut off by chance, and what is given; then calm."""
    kinds = ("partition", "crash", "block", "pause", "link")
    bad = trouble(f"{topology}/{seed}", kinds, hit=FOUR, until=800 * MS)
    made = partial(leader, topology=topology)
    simulation = leaders(lab, made, f"{topology}/{seed}", [*bad, *faults], link=ROUGH)
    busy(lab, simulation, looks=looks)
    simulation.run(4 * SECOND)
    return simulation


def cut_off(one: NodeId, at: int, until: int) -> list[Fault]:
    """Nobody hears ``one`` and it hears nobody, for a while."""
    faults: list[Fault] = [Heal(until)]
    for other in FOUR:
        if other != one:
            faults += [Block(at, one, other), Block(at, other, one)]
    return faults


def log_of(simulation: Simulation, id: NodeId) -> "list[Write]":
    """The log that a leader has on disk."""
    saved: Mapping[Any, Any] = simulation.on_disk(id)
    return [saved["log", place] for place in range(len(saved))]


def dots(log: "Iterable[Write]") -> list[Dot]:
    """Which writes these are."""
    return [(each.leader, each.number) for each in log]


def shown(lab: MultileaderLab, simulation: Simulation, key: str) -> dict[NodeId, Any]:
    """What each leader shows of a key now."""
    return {id: ask_ok(simulation, id, lab.Get(key)) for id in FOUR}


def was_written(simulation: Simulation, key: str) -> bool:
    """Whether somebody was told that a write of this key is done."""
    asked = (each for each in simulation.history if (each.function, each.key) == ("put", key))
    return any(isinstance(each.outcome, Ok) for each in asked)


def must_have_causes_first(log: "Sequence[Write]", where: str) -> None:
    """Check that each write comes after all that its leader had, none twice and none left out."""
    had: set[Dot] = set()
    for each in log:
        missing = {
            (leader, number)
            for leader, most in (*each.after, (each.leader, each.number - 1))
            for number in range(1, most + 1)
        } - had
        assert not missing, f"{where} has {each.leader}'s write {each.number} without {missing}"
        assert (each.leader, each.number) not in had, f"{where} has {each} twice"
        had.add((each.leader, each.number))
