"""Clusters, and one node by hand, for all suites of the lab."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from common.check.linearizability import check_linearizability
from common.check.models import KEY_VALUE
from common.contract.effects import Return, Save
from common.contract.events import Event, NodeId
from common.course.suites import kit
from common.course.suites.kit import Sent, ask_ok, effects_of, must_hold, names, sent
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.faults import Fault, Schedule
from common.values.history import History, Ok, Operation, Outcome
from common.values.units import MS, SECOND
from tests.stage3_partitioning.shards.lab import ShardsLab

if TYPE_CHECKING:
    from stage3_partitioning.shards.chunks import Table

THREE = names(3)
CLIENTS = ("c1", "c2")
KEYS = tuple(f"k{number}" for number in range(8))
STEADY = LinkModel(latency=(5 * MS, 5 * MS))
ROUGH = LinkModel(latency=(1 * MS, 30 * MS), loss=0.05, duplicate=0.1, reorder=0.2)
SEVERAL = 4


def table(lab: ShardsLab, *parts: tuple[str, NodeId, tuple[int, int]]) -> "Table":
    """A table by hand: where each chunk begins, whose it is, its version."""
    highs = [low for low, _, _ in parts[1:]] + ["\U0010ffff"]
    return lab.Table(
        tuple(
            lab.Chunk(low, high, shard, version)
            for (low, shard, version), high in zip(parts, highs, strict=True)
        )
    )


class Bench(kit.Alone):
    """One node by hand, with its disk.

    Args:
        make: makes it.
        disk: what earlier lives saved.

    Attributes:
        ends: how calls have ended, by number.
    """

    def __init__(self, make: Callable[[], Any], disk: Mapping[Any, object] | None = None) -> None:
        self.make = make
        self.ends: dict[int, Outcome] = {}
        super().__init__(make(), disk)

    def step(self, event: Event) -> list[Sent]:
        """Let something happen; what is sent then."""
        told = super().step(event)
        self.ends |= {each.call: each.outcome for each in effects_of(Return, self.effects)}
        return told

    def restart(self) -> list[tuple[NodeId, Any]]:
        """It crashes and comes back; what is sent then, and to whom."""
        self.begin(self.make())
        return sent(self.effects)

    def hears(self, sender: NodeId, message: object) -> list[tuple[NodeId, Any]]:
        """A message arrives; what is sent then, and to whom."""
        return sent(self.gets(sender, message))

    def ticks(self, kind: type) -> list[tuple[NodeId, Any]]:
        """The timer of this class that was set last fires."""
        id = max(id for id, (_, timer) in self.timers.items() if type(timer) is kind)
        return sent(self.fires(self.timers[id][1]))

    def asks(self, operation: object) -> list[tuple[NodeId, Any]]:
        """A person asks."""
        return sent(self.does(operation))

    def saved(self) -> list[Any]:
        """Under which keys the last step has saved something."""
        return [effect.key for effect in effects_of(Save, self.effects)]


def documents(disk: Mapping[Any, object]) -> dict[str, object]:
    """The documents on a disk, by place."""
    return {
        key[1]: value
        for key, value in disk.items()
        if isinstance(key, tuple) and key[0] == "document"
    }


def cluster(
    lab: ShardsLab,
    node: Callable[..., Any],
    seed: int | str = 0,
    faults: Sequence[Fault] = (),
    **options: Any,
) -> Simulation:
    """Three servers and two routers; all have begun."""
    options = {"link": STEADY, "schedule": Schedule(faults), **options}
    hashed = options.pop("hashed", False)
    clients = dict.fromkeys(CLIENTS, partial(lab.Router, hashed=hashed))
    made = partial(node, hashed=hashed)
    simulation = lab.simulation(dict.fromkeys(THREE, made), clients, seed=seed, **options)
    simulation.run(1 * MS)
    return simulation


def busy(
    lab: ShardsLab, simulation: Simulation, count: int = 8, moves: bool = True, scans: bool = True
) -> Workload:
    """Let both routers be asked for this and that; no value is written twice."""

    def choose(random: Random, person: NodeId, number: int) -> object:
        key, text = random.choice(KEYS), f"{person}.{number};"
        drawn = random.randrange(12)
        if moves and drawn == 0:
            return lab.MoveTo(key, random.choice(THREE))
        if scans and drawn <= 2:
            return lab.Scan("", "z")
        if drawn <= 5:
            return lab.Get(key)
        if drawn <= 9:
            return lab.Append(key, text)
        return lab.CompareAndSet(key, None, text) if drawn == 10 else lab.Delete(key)

    return Workload(simulation, choose, clients=CLIENTS, count=count, think=(0, 60 * MS))


def must_be_right(history: History) -> None:
    """Check that each key was a register, for scans too, and that scans show each key once."""
    looked_at: list[Operation] = []
    for each in history:
        if each.function == "scan" and isinstance(each.outcome, Ok):
            pairs: Any = each.outcome.value
            found = dict(pairs)
            assert [key for key, _ in pairs] == sorted(found), f"{each} shows a key twice"
            for key in KEYS:
                who, at, until = f"{each.process}/{key}", each.invoked_at, each.returned_at
                shown = Ok(found.get(key))
                looked_at.append(Operation(who, "get", key, None, at, until, shown))
        elif each.function in KEY_VALUE.functions:
            looked_at.append(each)
    must_hold(check_linearizability(History(looked_at), KEY_VALUE))


def fill(lab: ShardsLab, simulation: Simulation, keys: Sequence[str] = KEYS) -> None:
    """Put a document under each key: it says which."""
    for key in keys:
        ask_ok(simulation, "c1", lab.Put(key, f"of {key}"))


def where(simulation: Simulation, key: str) -> list[NodeId]:
    """On whose disks a document is."""
    return [node for node in THREE if key in documents(simulation.on_disk(node))]


def settle(simulation: Simulation, time: int = SECOND) -> None:
    """Let time pass."""
    simulation.run(simulation.now + time)


BEFORE = (("", "n1", (2, 0)), ("d", "n2", (2, 1)), ("m", "n3", (1, 0)))
TWO_MORE = (("", "n2", (2, 0)), ("d", "n2", (2, 1)), ("m", "n3", (1, 0)))


def member(lab: ShardsLab, id: str, *parts: Any, disk: Any = None, **options: Any) -> Bench:
    """A shard that gives and takes chunks, by hand, with this table on its disk."""
    others = tuple(name for name in THREE if name != id)
    made = partial(lab.Migrating, id, others, **options)
    return Bench(made, {"table": table(lab, *(parts or BEFORE)), **(disk or {})})


def held(places: str) -> dict[Any, str]:
    """Documents on a disk."""
    return {("document", place): f"of {place}" for place in places}


def begun(lab: ShardsLab, places: str = "defg", **options: Any) -> Bench:
    """A donor, n2, that has told n3 that its chunk from d to m is about to come."""
    bench = member(lab, "n2", disk=held(places), **options)
    sent = bench.hears("n1", lab.MoveChunk(table(lab, *BEFORE), "d", "n3"))
    assert sent == [("n3", lab.Receive(table(lab, *BEFORE), "d"))]
    return bench


def taken(lab: ShardsLab, number: int) -> Any:
    """What the recipient answers."""
    return lab.Taken((2, 1), number)


def request(
    lab: ShardsLab, command: Any, number: int = 1, version: Any = (2, 1), session: str = "c1/0"
) -> Any:
    """A router's."""
    return lab.Request(number, session, version, command)
