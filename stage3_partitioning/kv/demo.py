"""The demonstration of the lab ``kv``: what moves when a node comes, and that nobody notices."""

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random

from common.charts.drawing import Axis, add_chart, bars, spreads
from common.contract import NodeId
from common.sim import LinkModel, Simulation
from common.values.faults import Crash, Restart
from common.values.history import Ok
from common.values.report import Report
from common.values.units import MS, SECOND, show_time
from common.worlds import Scene, Size, Work
from stage3_partitioning.kv.balance import imbalance, movement, shares
from stage3_partitioning.kv.commands import AddNode, Append, Get
from stage3_partitioning.kv.partitioners import (
    ModuloPartitioner,
    Partitioner,
    RangePartitioner,
    fitted_ranges,
)
from stage3_partitioning.kv.ring import RingPartitioner
from stage3_partitioning.kv.slots import SlotPartitioner
from stage3_partitioning.kv.worlds import WORLDS

NODES, CLIENTS, OPERATOR = ("n1", "n2", "n3", "n4"), ("c1", "c2", "c3"), "operator"
SLOTS, KEYS, APPENDS = 16, 12, 24
COMES, KILLED, BACK = 300 * MS, 315 * MS, 500 * MS
"""When n4 is added, when it is killed in the middle of its first move, and when it is back."""

MEASURED = tuple(b"user:%d" % number for number in range(10_000))


def demo(seed: int) -> Report:
    """Show the balance report, then a node that comes, and is killed, while clients write."""
    report = Report("A sharded store: what moves when a node comes")
    _balance(report)
    _move(report, seed)
    return report


def partitioners(nodes: int) -> dict[str, Partitioner]:
    """One of each kind over so many nodes."""
    names = [f"n{number}" for number in range(1, nodes + 1)]
    return {
        "hash mod n": ModuloPartitioner(names),
        "range": fitted_ranges(names, MEASURED[::10]),
        "ring, 1 point each": RingPartitioner(names, 1),
        "ring, 100 points": RingPartitioner(names, 100),
        "16,384 slots": SlotPartitioner(names),
    }


def with_another(partitioner: Partitioner) -> Partitioner:
    """One node more; ranges are split in the middle of the fullest one."""
    if not isinstance(partitioner, RangePartitioner):
        return partitioner.with_node("n11")
    held = shares(partitioner, MEASURED)
    fullest = max(held, key=lambda node: held[node])
    keys = sorted(key for key in MEASURED if partitioner.owner(key) == fullest)
    return partitioner.split(keys[len(keys) // 2], "n11")


def _balance(report: Report) -> None:
    report.say(
        f"{len(MEASURED):,} keys on ten nodes, and then an eleventh comes. At best one key in "
        "eleven moves, and each of them to the new node."
    )
    rows: list[tuple[str, ...]] = []
    held: dict[str, list[float]] = {}
    moved: dict[str, float] = {}
    for name, before in partitioners(10).items():
        after = with_another(before)
        change = movement(before, after, MEASURED)
        held[name] = list(shares(before, MEASURED).values())
        moved[name] = change.moved
        rows.append(
            (
                name,
                f"{imbalance(shares(before, MEASURED)):.2f}",
                f"{change.moved:,}",
                f"{change.ideal:,.0f}",
                f"{change.needless:,}",
            )
        )
    headers = ("partitioner", "largest share / mean", "moved", "ideal", "between old nodes")
    report.table("What moves when the eleventh node comes", headers, rows)
    add_chart(report, "kv-balance", "keys on each of ten nodes", partial(_balance_chart, held))
    caption = "keys that move when an eleventh node comes; the ideal is 1/11"
    add_chart(report, "kv-moved", caption, partial(_moved_chart, moved))


def _balance_chart(held: Mapping[str, Sequence[float]]) -> str:
    """How many keys each node holds, by partitioner."""
    mean = len(MEASURED) / 10
    axis = Axis("keys on a node: a dot for each of ten nodes, and the number of the fullest one")
    title = f"{len(MEASURED):,} keys on ten nodes"
    return spreads(title, axis, held, (mean, f"even: {mean:,.0f}"))


def _moved_chart(moved: Mapping[str, float]) -> str:
    """How many keys move, by partitioner."""
    ideal = len(MEASURED) / 11
    title = f"What moves of {len(MEASURED):,} keys when an eleventh node comes"
    return bars(title, Axis("keys that move"), moved, (ideal, f"at best: {ideal:,.0f}"))


def _move(report: Report, seed: int) -> None:
    report.say(
        f"Now the store: three nodes hold {SLOTS} slots, three clients append to {KEYS} keys. At "
        f"{show_time(COMES)} n4 is added; its slots move to it two keys at a time. At "
        f"{show_time(KILLED)} it is killed in the middle of that, and comes back at "
        f"{show_time(BACK)}."
    )
    size = Size(
        members=NODES,
        clients=CLIENTS,
        config={"slots": SLOTS, "batch_keys": 2, "run_slots": 4},
        client_config={"slots": SLOTS},
    )
    scene = WORLDS.scene("slots", size, seed=seed, link=LinkModel(latency=(1 * MS, 5 * MS)))
    appends = Work(_next_append, APPENDS, think=(10 * MS, 60 * MS), patience=10 * SECOND)
    scene.begin(appends, CLIENTS)
    scene.run(COMES)
    before = _held(scene)
    scene.call(OPERATOR, AddNode("n4"))
    scene.run(KILLED)
    scene.inject(Crash(scene.now, "n4"))
    scene.run(BACK)
    scene.inject(Restart(scene.now, "n4"))
    scene.work(10 * SECOND)
    scene.run(scene.now + 1 * SECOND)
    after = _held(scene)
    rows = [(node, *before[node], *after[node]) for node in NODES]
    headers = ("node", "slots before", "keys before", "slots after", "keys after")
    report.table("n4 gets its share", headers, rows)
    _compare(report, scene)
    scene.check(report, "linearizable", "each key is linearizable")
    scene.trace(report, "kv-added", "a node comes, and is killed during the move")


def _next_append(random: Random, client: NodeId, number: int) -> Append:
    return Append(b"key-%d" % random.randrange(KEYS), f"{client}.{number} ".encode())


def _held(simulation: Simulation) -> dict[NodeId, tuple[object, object]]:
    """How many slots and keys each node holds."""
    status = {node: simulation.nodes[node].status() for node in NODES}
    return {node: (told["slots"], told["keys"]) for node, told in status.items()}


def _compare(report: Report, scene: Scene) -> None:
    """What was acknowledged, and what is there."""
    asked = [each for each in scene.history if each.function == "append"]
    acknowledged = [each for each in asked if isinstance(each.outcome, Ok)]
    found = b""
    for number in range(KEYS):
        read = scene.ask("c1", Get(b"key-%d" % number), 5 * SECOND)
        if isinstance(read.outcome, Ok) and isinstance(read.outcome.value, bytes):
            found += read.outcome.value
    there = [each for each in acknowledged if found.count(bytes_of(each.argument)) == 1]
    report.say(
        f"Of {len(asked)} appends {len(acknowledged)} were acknowledged; {len(there)} of these are "
        "there, once each."
    )


def bytes_of(argument: object) -> bytes:
    """The bytes that an append adds."""
    assert isinstance(argument, bytes), "appends are of bytes"
    return argument
