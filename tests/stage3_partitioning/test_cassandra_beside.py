"""What shows the lab ``cassandra``: the explorer, and the demonstration."""

import pytest

from common.check.explorer import Answer, explore_instance
from common.values.report import Table
from stage3_partitioning.cassandra import small
from stage3_partitioning.cassandra.compaction import CompactingStore
from stage3_partitioning.cassandra.demo import demo
from stage3_partitioning.cassandra.files import MemoryFiles
from stage3_partitioning.cassandra.indexed import IndexedTable
from stage3_partitioning.cassandra.lsm import Cell, Name


def test_the_explorer_finds_the_look_that_goes_back_where_repairs_are_not_waited_for() -> None:
    found = explore_instance(small.HASTY)
    assert found.answer is Answer.NO
    assert found.counter_example is not None
    assert len(found.counter_example) == 10


def test_the_demonstration_says_what_its_page_says() -> None:
    tables = [part for part in demo(7).parts if isinstance(part, Table)]
    cost, levels, back, claim = ([tuple(row) for row in table.rows] for table in tables)
    reads = [float(row[3]) for row in cost]
    assert reads == sorted(reads, reverse=True), "filters, and then fewer tables"
    written = [float(row[4]) for row in cost]
    assert written[1] < written[2] < written[3], "what compaction costs"
    assert levels == [
        ("ONE", "done", "Rome", "done", "Oslo"),
        ("QUORUM", "done", "Rome", "unknown", "Oslo"),
        ("ALL", "unknown", "failed", "unknown", "failed"),
    ]
    assert [row[2:] for row in back] == [("Oslo and Oslo", "no"), ("nothing and nothing", "yes")]
    assert [row[-1] for row in claim] == ["n2", "n1"]
    assert claim[1][3:5] == ("done", "held by n1")


@pytest.mark.parametrize("strategy", ["size-tiered", "levelled"])
def test_no_step_of_a_store_with_large_cells_writes_much_at_once(strategy: str) -> None:
    """Each flush, and each compaction, is one step of a node. Counted in cells alone, a thousand
    cells of 600 kB would be one flush, and four of those one compaction."""
    files, most = MemoryFiles(), 4_000
    store = CompactingStore(
        files, memtable_bytes=most, table_cells=1000, strategy=strategy, table=IndexedTable
    )
    written: dict[Name, Cell] = {}
    steps: list[int] = []
    for number in range(400):
        name = (f"partition {number % 40}", f"row {number % 200:03}", "column")
        cell = Cell(f"{number} " + "x" * 500, number)
        written[name] = cell
        store.write({name: cell})
        before = files.written
        if store.full:
            store.flush()
            steps.append(files.written - before)
            before = files.written
            while store.compact(0):
                steps.append(files.written - before)
                before = files.written
    assert len(steps) > 50, "it has flushed and compacted"
    if strategy == "size-tiered":
        assert max(steps) < 6 * most
    assert max(table.size for table in store.tables) < 6 * most
    assert dict(store.scan(("", "", ""), ("\U0010ffff", "", ""))) == written
    again = CompactingStore(MemoryFiles(files.contents()), table=IndexedTable)
    assert dict(again.scan(("", "", ""), ("\U0010ffff", "", ""))) == written
