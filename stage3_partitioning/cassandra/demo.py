"""The demonstration of the lab: what tables cost, levels, the deleted that come back, a name."""

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from common.sim import LinkModel
from common.values.faults import Crash, Fault, Restart, Schedule
from common.values.history import Ok, Operation
from common.values.report import Report
from common.values.units import MS, SECOND
from common.worlds import Scene
from stage3_partitioning.cassandra.checks import COLUMN, ROW, one_after_the_other, reads_see_writes
from stage3_partitioning.cassandra.compaction import STRATEGIES, CompactingStore
from stage3_partitioning.cassandra.files import MemoryFiles
from stage3_partitioning.cassandra.indexed import IndexedTable
from stage3_partitioning.cassandra.light import Cassandra
from stage3_partitioning.cassandra.lsm import Cell, Table, line_of_entry
from stage3_partitioning.cassandra.replica import ALL, ONE, QUORUM, Get, Put, PutIf, Value

THREE = ("n1", "n2", "n3")
STEADY = LinkModel(latency=(5 * MS, 5 * MS))
WRITES, NAMES, LOOKS = 2000, 500, 200


def demo(seed: int) -> Report:
    """Four short stories."""
    report = Report("Cassandra: tables that never change, and as many replicas as you ask for")
    _tables(report, seed)
    _levels(report, seed)
    _back(report, seed)
    _claim(report, seed)
    return report


def _tables(report: Report, seed: int) -> None:
    """What writes, reads and space cost, without compaction and with either kind."""
    kinds: list[tuple[str, str, type[Table]]] = [
        ("none", "size-tiered", Table),
        ("none", "size-tiered", IndexedTable),
        *((name, name, IndexedTable) for name in STRATEGIES),
    ]
    rows = []
    for name, strategy, table in kinds:
        random, files = Random(seed), MemoryFiles()
        store = CompactingStore(
            files, strategy=strategy, table=table, memtable_cells=50, table_cells=50
        )
        given = 0
        for number in range(WRITES):
            cell_name = ("ann", f"row {random.randrange(NAMES):04}", COLUMN)
            cell = Cell(f"value {number}", number)
            store.write({cell_name: cell})
            given += len(line_of_entry(cell_name, cell))
            if store.full:
                store.flush()
                while name != "none" and store.compact(number):
                    pass
        before = files.reads
        for _ in range(LOOKS):
            store.get(("ann", f"row {random.randrange(NAMES):04}", COLUMN))
        looks = (files.reads - before) / LOOKS
        filtered = "yes" if table is IndexedTable else "no"
        cost = f"{files.written / given:.1f}"
        rows.append((name, filtered, str(len(store.tables)), f"{looks:.1f}", cost))
    columns = ("compaction", "filters", "tables", "reads for a get", "bytes for a byte")
    report.table(f"{WRITES} writes of {NAMES} names", columns, rows)


def _scene(seed: int, faults: Sequence[Fault] = (), **options: Any) -> Scene:
    nodes = dict.fromkeys(THREE, partial(Cassandra, memtable_cells=2, **options))
    return Scene("cassandra", nodes, seed=seed, link=STEADY, schedule=Schedule(faults))


def _put(key: str, value: str | None, level: str = QUORUM) -> Put:
    return Put(key, (Value(ROW, COLUMN, value),), level)


def _told(asked: Operation) -> str:
    """How it ended, in a word or two."""
    if not isinstance(asked.outcome, Ok):
        return "unknown" if asked.function == "put" else "failed"
    told = asked.outcome.value
    if isinstance(told, tuple):
        return (told[0].value if told else None) or "nothing"
    return "done"


def _levels(report: Report, seed: int) -> None:
    """Writes and reads at each level, with one replica down, and with two."""
    rows = []
    for level in (ONE, QUORUM, ALL):
        row = [level]
        for down in (1, 2):
            scene = _scene(seed)
            scene.ask("n1", _put("ann", "Oslo", ALL))
            for node in THREE[3 - down :]:
                scene.inject(Crash(scene.now, node))
            row.append(_told(scene.ask("n1", _put("ann", "Rome", level))))
            for node in THREE[3 - down :]:
                scene.inject(Restart(scene.now, node))
            scene.inject(Crash(scene.now, "n1"))
            row.append(_told(scene.ask("n2", Get("ann", level=level))))
        rows.append(tuple(row))
    columns = ("level", "write, one down", "then a read", "write, two down", "then a read")
    report.say(
        "ann's city is Oslo. n1 writes Rome while others are down. They come back, n1 goes, and n2 "
        "reads. What is unknown may be there, or not."
    )
    report.table("How many replicas are waited for", columns, rows)


def _back(report: Report, seed: int) -> None:
    """A replica is away while a key is deleted; the grace passes, or not, before it is back."""
    rows = []
    for name, grace in (("too short", 100 * MS), ("long enough", 60 * SECOND)):
        scene = _scene(seed, grace=grace)
        scene.ask("n1", _put("ann", "Oslo", ALL))
        scene.inject(Crash(scene.now, "n3"))
        scene.ask("n1", _put("ann", None))
        deleted = _told(scene.ask("n1", Get("ann")))
        for number in range(24):
            scene.ask("n1", _put(f"other {number}", "v"))
            scene.run(scene.now + 20 * MS)
        scene.inject(Restart(scene.now, "n3"))
        after = [_told(scene.ask(node, Get("ann", level=ALL))) for node in ("n2", "n1")]
        verdict = scene.judged("reads see writes", reads_see_writes(scene.history))
        rows.append((name, deleted, " and ".join(after), verdict.answer.value))
        title = "the deleted comes back" if grace < SECOND else "the tombstone is still there"
        scene.trace(report, f"cassandra-{'back' if grace < SECOND else 'gone'}", title)
    report.say("n3 is away while ann's city is deleted; the others compact meanwhile.")
    columns = ("grace", "a read before", "and when n3 is back", "reads see writes")
    report.table("The deleted that come back", columns, rows)


def _claim(report: Report, seed: int) -> None:
    """Two claim a name at once: by reading first, and by a lightweight transaction."""
    free = Value(ROW, COLUMN, None)
    scene = _scene(seed)
    looks = [scene.call(node, Get("ann")) for node in ("n1", "n2")]
    scene.run(scene.now + 100 * MS)
    claims = [scene.call(node, _put("ann", node)) for node in ("n1", "n2")]
    scene.run(scene.now + 100 * MS)
    found = _told(scene.ask("n3", Get("ann")))
    rows = [("look, then write", *map(_told, looks), *map(_told, claims), found)]
    scene = _scene(seed)
    claims = []
    for node in THREE[:2]:
        claims.append(scene.call(node, PutIf("ann", (free,), (Value(ROW, COLUMN, node),))))
        scene.run(scene.now + 12 * MS)  # n1 has proposed, and is not through
    scene.run(scene.now + SECOND)
    found = _told(scene.ask("n3", Get("ann")))
    verdict = scene.judged("one after the other", one_after_the_other(scene.history))
    told = ["done" if each.outcome == Ok(True) else f"held by {_told(each)}" for each in claims]
    rows.append(("write if free", "", "", *told, found))
    scene.trace(report, "cassandra-claim", "two claim a name, and one gets it")
    columns = ("way", "n1 finds", "n2 finds", "n1 is told", "n2 is told", "it is")
    report.table("Two claim one name at once", columns, rows)
    report.judged("one after the other", verdict.answer.value, verdict.sentence)
