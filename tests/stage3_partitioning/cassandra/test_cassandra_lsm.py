"""Graded suite of the lab ``cassandra``, first part: a log, a memtable, sorted tables."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product
from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.stage3_partitioning.cassandra.lab import CassandraLab
from tests.stage3_partitioning.cassandra.room import (
    FIRST,
    LAST,
    name,
    newest_of,
    put_into,
    some_cells,
    survives,
    values,
)

LAB = "cassandra"


@graded(points=1, title="The newest holds", requirement="by timestamp; replicas choose alike")
def test_of_two_cells_the_newer_holds_and_in_either_order_the_same(lab: CassandraLab) -> None:
    cells = [None, *(lab.Cell(v, t) for v, t in product((None, "", "a", "aa", "b"), (1, 2)))]
    for one, other in product(cells, cells):
        assert lab.newer(one, other) == newest_of(one, other), (one, other)
        assert lab.newer(one, other) == lab.newer(other, one)


@graded(points=2, title="A merge", requirement="Bigtable 5.3: sorted, of each name the newest")
def test_a_merge_is_sorted_and_has_of_each_name_the_newest_cell(
    lab: CassandraLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        random = Random(f"merge/{seed}")
        sources = []
        expected: dict[Any, Any] = {}
        for _ in range(random.randrange(5)):
            cells: dict[Any, Any] = {}
            for _ in range(random.randrange(6)):
                put_into(cells, some_cells(lab, random))
            sources.append(sorted(cells.items()))
            put_into(expected, cells)
        assert list(lab.merged(sources)) == sorted(expected.items()), f"seed {seed}"
    read = 0

    def long_source() -> Iterator[Any]:
        nonlocal read
        for read in range(1, 10**4):
            yield (f"part{read:04}", "row", "city"), lab.Cell(f"{read}", read)

    first = next(iter(lab.merged([long_source()])))
    assert first[1].value == "1"
    assert read < 10, f"{read} cells of a long source were read for the first one"


@graded(points=3, title="A get", requirement="P1: the newest of memtable and all tables")
def test_a_get_finds_the_newest_cell_in_whatever_order_writes_arrive(
    lab: CassandraLab, sweep: Sweep
) -> None:
    for seed in sweep(6):
        random = Random(f"get/{seed}")
        store = lab.Store(lab.MemoryFiles(), memtable_cells=6)
        model: dict[Any, Any] = {}
        for _ in range(40):
            cells = some_cells(lab, random)
            store.write(cells)
            put_into(model, cells)
            if store.full:
                store.flush()
            for each in (*cells, name(random.randrange(20))):
                assert store.get(each) == model.get(each), f"seed {seed}: {each}"
        assert len(store.tables) > 3, "it was flushed now and then"


@graded(points=2, title="A scan", requirement="P6: the merge, from first on and before last")
def test_a_scan_is_what_looking_at_every_name_finds_tombstones_included(
    lab: CassandraLab, sweep: Sweep
) -> None:
    for seed in sweep(8):
        random = Random(f"scan/{seed}")
        store = lab.Store(lab.MemoryFiles(), memtable_cells=8)
        model: dict[Any, Any] = {}
        for _ in range(25):
            cells = some_cells(lab, random)
            store.write(cells)
            put_into(model, cells)
            if store.full:
                store.flush()
        for first, last in ((FIRST, LAST), (name(3), name(12)), (name(7), name(7))):
            wanted = sorted(each for each in model.items() if first <= each[0] < last)
            assert list(store.scan(first, last)) == wanted, (first, last)


@graded(points=1, title="A deletion", requirement="a write like others: it hides what is older")
def test_a_tombstone_hides_what_older_tables_have_and_a_newer_write_is_visible_again(
    lab: CassandraLab,
) -> None:
    store = lab.Store(lab.MemoryFiles())
    for cell in (lab.Cell("Oslo", 10), lab.Cell(None, 20)):
        store.write({name(1): cell})
        store.flush()
        assert store.get(name(1)) == cell
        assert list(store.scan(FIRST, LAST)) == [(name(1), cell)]
    store.write({name(1): lab.Cell("late", 15)})
    assert store.get(name(1)) == lab.Cell(None, 20)
    store.write({name(1): lab.Cell("Rome", 30)})
    assert values(dict(store.scan(FIRST, LAST))) == {name(1): "Rome"}


@graded(points=2, title="All or none", requirement="a write is one line: a crash leaves all of it")
def test_a_write_that_a_crash_cuts_is_there_as_a_whole_or_not_at_all(lab: CassandraLab) -> None:
    before = lab.MemoryFiles()
    lab.Store(before).write({name(0): lab.Cell("safe", 1)})
    cells = {name(number): lab.Cell(f"v{number}", 2) for number in range(3)}
    whole = lab.MemoryFiles(before.contents())
    lab.Store(whole).write(cells)
    for power in range(whole.written + 1):
        files = lab.MemoryFiles(before.contents(), power)
        acknowledged = True
        try:
            lab.Store(files).write(cells)
        except lab.PowerCut:
            acknowledged = False
        found = dict(lab.Store(lab.MemoryFiles(files.contents())).scan(FIRST, LAST))
        assert found == (cells if acknowledged else {name(0): lab.Cell("safe", 1)}), power


@graded(points=2, title="A flush", requirement="one sorted table; the log it came from is gone")
def test_a_flush_makes_one_table_and_leaves_no_old_log_or_manifest(lab: CassandraLab) -> None:
    files = lab.MemoryFiles()
    store = lab.Store(files)
    store.flush()
    assert files.names() == (), "an empty memtable makes no table"
    small = lab.Store(lab.MemoryFiles(), memtable_bytes=100)
    for _ in range(2):
        for text, full in (("a" * 30, False), ("b" * 90, True)):
            small.write({name(1): lab.Cell(text, 1)})
            assert small.full == full, "a hundred bytes of texts are enough, since the last flush"
        small.flush()
    for number in range(3):
        cells = {name(each): lab.Cell(f"{number}.{each}", number) for each in (5, 2, 9)}
        store.write(cells)
        store.flush()
        assert store.memtable == {}
        kinds = [each.partition("-")[0] for each in files.names()]
        assert kinds == ["manifest", *["table"] * (number + 1)], files.names()
        table = store.tables[-1]
        assert list(table.entries()) == sorted(cells.items())
        assert (table.first, table.last, table.level) == (name(2), name(9), 0)


@graded(points=3, title="No byte is lost", requirement="P3: a crash at any byte of write and flush")
def test_whatever_byte_a_crash_comes_at_nothing_acknowledged_is_lost(
    lab: CassandraLab, sweep: Sweep
) -> None:
    def work(store: Any, cells: Any) -> None:
        store.write(cells)
        if store.full:
            store.flush()

    for seed in sweep(2):
        survives(lab, lambda files: lab.Store(files, memtable_cells=6), work, seed, 30)
    whole = lab.MemoryFiles()
    two = {name(number): lab.Cell(f"v{number}", 1) for number in range(2)}
    flush_each(lab.Store(whole), two)
    for power in range(whole.written - 1, whole.written + 4):
        files = lab.MemoryFiles(None, power)
        with suppress(lab.PowerCut):
            flush_each(lab.Store(files), two)
        again = lab.MemoryFiles(files.contents())
        found = dict(lab.Store(again).scan(FIRST, LAST))
        assert found == two, f"the power failed while old files were removed: {files.names()}"
        assert len(again.names()) == 3, f"two tables and a manifest count: {again.names()}"


def flush_each(store: Any, cells: Mapping[Any, Any]) -> None:
    """Write some cells, each to a table of its own."""
    for each, cell in cells.items():
        store.write({each: cell})
        store.flush()


@graded(points=2, title="Again and again", requirement="a crash after a crash, behind a torn end")
def test_what_is_written_behind_a_torn_line_is_found_by_the_next_life_and_leftovers_are_gone(
    lab: CassandraLab,
) -> None:
    contents: dict[str, bytes] = {}
    model: dict[Any, Any] = {}
    for life in range(6):
        files = lab.MemoryFiles(contents, 700)
        try:
            store = lab.Store(files, memtable_cells=5)
            for number in range(100):
                cells = {name(number % 7): lab.Cell(f"{life}.{number}", life * 100 + number + 1)}
                store.write(cells)
                put_into(model, cells)
                if store.full:
                    store.flush()
        except lab.PowerCut:
            pass
        contents = files.contents()
        again = lab.MemoryFiles(contents)
        store = lab.Store(again)
        found = dict(store.scan(FIRST, LAST))
        for each, cell in model.items():
            assert newest_of(found.get(each), cell) == found.get(each), (life, each)
        model = dict(found)
        tables = [each for each in again.names() if each.startswith("table")]
        assert len(tables) == len(store.tables), "what no manifest names is removed"
        assert sum(each.startswith("manifest") for each in again.names()) <= 1
    assert len(store.tables) > 3
    contents, model = {}, {}
    for life in range(3):
        files = lab.MemoryFiles(contents)
        cells = {name(life): lab.Cell(f"of life {life}", life)}
        lab.Store(files).write(cells)
        model |= cells
        contents = files.contents()
    found = dict(lab.Store(lab.MemoryFiles(contents)).scan(FIRST, LAST))
    assert found == model, "each life has a log of its own"
