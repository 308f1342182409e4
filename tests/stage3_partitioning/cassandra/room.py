"""Cells, stores, and nodes by hand and in the simulator, for the suites of the lab."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from common.contract.effects import Effect, Return
from common.contract.events import NodeId
from common.course.suites import kit
from common.course.suites.kit import ask_ok, effects_of, names, sent
from common.sim.host import Factory
from common.sim.network import LinkModel
from common.sim.simulation import Simulation
from common.values.faults import Fault, Schedule
from common.values.units import MS, SECOND
from tests.stage3_partitioning.cassandra.lab import CassandraLab

if TYPE_CHECKING:
    from stage3_partitioning.cassandra.compaction import CompactingStore
    from stage3_partitioning.cassandra.files import MemoryFiles
    from stage3_partitioning.cassandra.lsm import Cell, Name, Store, Table

FIVE = names(5)
THREE = names(3)
STEADY = LinkModel(latency=(5 * MS, 5 * MS))
ROUGH = LinkModel(latency=(1 * MS, 30 * MS), loss=0.02, duplicate=0.1, reorder=0.2)
FIRST, LAST = ("", "", ""), ("~", "", "")
"""Names before and behind all others."""
LATER = 10**15
"""A time at which every grace has passed."""
NAME = ("ann", "profile", "city")
"""A cell's name."""


# Cells and stores.


def name(number: int) -> "Name":
    """A name; their order is that of the numbers."""
    return (f"part{number // 10}", f"row{number % 10}", "city")


def some_cells(lab: CassandraLab, random: Random, many: int = 20) -> "dict[Name, Cell]":
    """One to three cells, some of them tombstones, with timestamps in any order."""
    return {
        name(random.randrange(many)): lab.Cell(
            None if random.random() < 0.25 else f"v{random.randrange(10**6)}",
            random.randrange(1, 1000),
        )
        for _ in range(random.randrange(1, 4))
    }


def newest_of(one: "Cell | None", other: "Cell | None") -> "Cell | None":
    """Which of two cells holds, said in another way than the lab does."""
    if one is None or other is None:
        return one or other
    if one.timestamp != other.timestamp:
        return one if one.timestamp > other.timestamp else other
    if one.value is None or other.value is None:
        return one if one.value is None else other
    return one if one.value >= other.value else other


def put_into(model: "dict[Name, Cell]", cells: "Mapping[Name, Cell]") -> None:
    """Write cells into a dictionary that is dumb on purpose."""
    for each, cell in cells.items():
        newest = newest_of(model.get(each), cell)
        assert newest is not None
        model[each] = newest


def table_of(
    lab: CassandraLab,
    files: "MemoryFiles",
    number: int,
    cells: "Mapping[Name, Cell]",
    level: int = 0,
    kind: str = "Table",
) -> "Table":
    """A table of these cells."""
    return lab.write_table(files, number, level, sorted(cells.items()), getattr(lab, kind))


def values(cells: "Mapping[Name, Cell]") -> "dict[Name, str]":
    """What is visible of some cells."""
    return {each: cell.value for each, cell in cells.items() if cell.value is not None}


def survives(
    lab: CassandraLab,
    open_store: "Callable[[MemoryFiles], Store | CompactingStore]",
    work: "Callable[[Any, Mapping[Name, Cell]], None]",
    seed: int,
    points: int,
) -> None:
    """Let the power fail at some bytes of a run; what was acknowledged must be there afterwards.

    Args:
        open_store: opens a store on files.
        work: writes cells, and may do more; what it has done when it returns is acknowledged.
        points: at how many bytes, drawn from the seed; the last byte but one is among them.
    """
    whole = lab.MemoryFiles()
    _run(lab, open_store(whole), work, seed)
    random = Random(f"points/{seed}")
    total = whole.written
    for power in sorted({*random.sample(range(total), points), total - 1}):
        files = lab.MemoryFiles(None, power)
        acknowledged: dict[Name, Cell] = {}
        under_way: Mapping[Name, Cell] = {}
        try:
            store = open_store(files)
            for under_way in _cells(lab, seed):
                work(store, under_way)
                put_into(acknowledged, under_way)
                under_way = {}
        except lab.PowerCut:
            pass
        there = dict(open_store(lab.MemoryFiles(files.contents())).scan(FIRST, LAST))
        after = dict(acknowledged)
        put_into(after, under_way)
        unsure = set(under_way)
        for each, cell in acknowledged.items():
            found = there.get(each)
            fine = found in (cell, after[each]) if each in unsure else found == cell
            assert fine, f"the power failed after {power} bytes: {each} holds {found}, not {cell}"
        changed = [each for each in unsure if after[each] != acknowledged.get(each)]
        new = [there.get(each) == after[each] for each in changed]
        assert all(new) or not any(new), f"a write is there in part, after {power} bytes"


def _cells(lab: CassandraLab, seed: int, count: int = 30) -> "list[dict[Name, Cell]]":
    random = Random(f"cells/{seed}")
    return [some_cells(lab, random) for _ in range(count)]


def _run(lab: CassandraLab, store: Any, work: Any, seed: int) -> None:
    for cells in _cells(lab, seed):
        work(store, cells)


# Nodes.


class Alone(kit.Alone):
    """One node, to which everything is done by hand. It knows n2 and n3."""

    def __init__(
        self, kind: Any, saved: Mapping[Any, object] | None = None, **options: Any
    ) -> None:
        super().__init__(kind("n1", ("n2", "n3"), **options), saved, now=1000)


def told(effects: Sequence[Effect]) -> list[Any]:
    """How calls have ended."""
    return [each.outcome for each in effects_of(Return, effects)]


def cluster(
    lab: CassandraLab,
    node: Factory,
    seed: int | str = 0,
    faults: Sequence[Fault] = (),
    many: Sequence[NodeId] = FIVE,
    **options: Any,
) -> Simulation:
    """Nodes of a class; all have begun."""
    options = {"link": STEADY, "schedule": Schedule(faults), **options}
    simulation = lab.simulation(dict.fromkeys(many, node), seed=seed, **options)
    simulation.run(1 * MS)
    return simulation


def put(lab: CassandraLab, key: str, value: str | None, **options: Any) -> Any:
    """Write one column."""
    return lab.Put(key, (lab.Value("profile", "city", value),), **options)


def shown(lab: CassandraLab, simulation: Simulation, node: NodeId, key: str, **options: Any) -> Any:
    """What the one column of a partition is shown to hold; None for nothing."""
    rows = ask_ok(simulation, node, lab.Get(key, **options), within=SECOND)
    return rows[0].value if rows else None


# Lightweight transactions.


def claim(lab: CassandraLab, expected: str | None, value: str | None, key: str = "ann") -> Any:
    """Write the one column if it holds what is expected."""
    column = partial(lab.Value, "profile", "city")
    return lab.PutIf(key, (column(expected),), (column(value),))


def look(lab: CassandraLab, key: str = "ann") -> Any:
    """What does the one column hold, as transactions see it?"""
    return lab.PutIf(key, (lab.Value("profile", "city", None),), ())


def proposal(lab: CassandraLab, number: int, value: str | None = "", node: str = "n2") -> Any:
    """A proposal of one cell; of none where the value is empty text."""
    cells = () if value == "" else ((NAME, lab.Cell(value, number)),)
    return lab.Proposal((number, node), cells)


class Asked:
    """A coordinator by hand that has begun a transaction, and what it has asked so far."""

    def __init__(self, lab: CassandraLab, operation: Any, **options: Any) -> None:
        self.lab = lab
        self.node = Alone(lab.Cassandra, **options)
        (_, self.prepare), *_ = sent(self.node.does(operation))

    def promise(
        self, sender: str, accepted: Any = None, committed: int = 0, cells: Any = ()
    ) -> Any:
        """A replica promises; what that brings."""
        lab, round = self.lab, self.prepare.round
        ballot = (committed, "n2") if committed else (0, "")
        return self.node.gets(sender, lab.Promise(round, accepted or lab.NOTHING, ballot, cells))

    def proposed(self, effects: Any) -> Any:
        """What is proposed to all three replicas."""
        messages = sent(effects)
        assert sorted(to for to, _ in messages) == ["n1", "n2", "n3"], messages
        (message,) = {message for _, message in messages}
        assert isinstance(message, self.lab.Propose), message
        return message.proposal


def proposing(lab: CassandraLab, accepted: Any = None) -> Asked:
    """A coordinator that has two promises, and has proposed its own cells, or what was accepted."""
    asked = Asked(lab, claim(lab, None, "Bonn"))
    asked.promise("n2")
    asked.promise("n3", accepted)
    return asked
