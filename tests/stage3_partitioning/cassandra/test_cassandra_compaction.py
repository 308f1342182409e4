"""Graded suite of the lab ``cassandra``, third part: compaction, and when a tombstone may go."""

from itertools import pairwise
from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.stage3_partitioning.cassandra.lab import CassandraLab
from tests.stage3_partitioning.cassandra.room import (
    FIRST,
    LAST,
    LATER,
    name,
    put_into,
    some_cells,
    survives,
    table_of,
    values,
)

LAB = "cassandra"

GRACE = 500


def sized(lab: CassandraLab, files: Any, number: int, cells: int) -> Any:
    """A table of about so many lines of one length."""
    return table_of(lab, files, number, {name(n): lab.Cell("v", 1) for n in range(cells)})


def ranged(lab: CassandraLab, files: Any, number: int, level: int, first: int, last: int) -> Any:
    """A table of a level with two names."""
    cells = {name(first): lab.Cell("v", 1), name(last): lab.Cell("v", 1)}
    return table_of(lab, files, number, cells, level)


def numbers(choice: Any) -> tuple[list[int], int]:
    """Which tables were chosen, sorted, and the level."""
    tables, level = choice
    return sorted(int(each.file[-6:]) for each in tables), level


def store_of(lab: CassandraLab, *tables: Any, **options: Any) -> Any:
    """A store with a table for each dictionary of cells."""
    store = lab.CompactingStore(lab.MemoryFiles(), grace=GRACE, **options)
    for cells in tables:
        store.write(cells)
        store.flush()
    return store


@graded(points=2, title="By size", requirement="the first size with enough tables, all of it")
def test_size_tiered_chooses_all_tables_of_the_first_size_that_has_enough(
    lab: CassandraLab,
) -> None:
    files = lab.MemoryFiles()
    small = [sized(lab, files, number, 10) for number in range(1, 4)]
    large = [sized(lab, files, number, 60) for number in range(4, 9)]
    assert numbers(lab.size_tiered([])) == ([], 0)
    assert numbers(lab.size_tiered(small)) == ([], 0), "three are not enough"
    assert numbers(lab.size_tiered([*large, *small])) == ([4, 5, 6, 7, 8], 0)
    more = [*large, *small, sized(lab, files, 9, 18)]
    assert numbers(lab.size_tiered(more)) == ([1, 2, 3, 9], 0), "the smaller size comes first"
    much = [*small, sized(lab, files, 10, 22)]
    assert numbers(lab.size_tiered(much)) == ([], 0), "more than twice the first one"
    assert numbers(lab.size_tiered(small, 3)) == ([1, 2, 3], 0)
    growing = [sized(lab, files, 20 + n, cells) for n, cells in enumerate((10, 18, 30))]
    assert numbers(lab.size_tiered(growing, 3)) == ([], 0), "the last is three times the first one"


@graded(points=2, title="By level", requirement="what has too much goes down with what it overlaps")
def test_levelled_chooses_what_is_too_much_and_what_it_overlaps_below(lab: CassandraLab) -> None:
    files = lab.MemoryFiles()
    new = [ranged(lab, files, number, 0, 30 + number, 40 + number) for number in (1, 2, 3, 4)]
    below = [ranged(lab, files, 10 + n, 1, 10 * n, 10 * n + 9) for n in range(7)]
    assert numbers(lab.levelled([])) == ([], 0)
    assert numbers(lab.levelled([*new[:3], *below])) == ([], 0)
    for fanout in (10, 6):
        first = lab.levelled([*new, *below], fanout=fanout)
        assert numbers(first) == ([1, 2, 3, 4, 13, 14], 1), "the first level that has too much"
    wide = ranged(lab, files, 5, 0, 5, 60)
    unsorted = lab.levelled([new[3], wide, new[0], new[1], *below])
    assert numbers(unsorted) == ([1, 2, 4, 5, *range(10, 17)], 1), "the least and the greatest name"
    deep = [ranged(lab, files, 20 + n, 2, 20 * n, 20 * n + 19) for n in range(3)]
    chosen = lab.levelled([*new[:3], *below, *deep], fanout=6)
    assert numbers(chosen) == ([10, 20], 2), "the oldest of level 1, with what it overlaps"
    assert numbers(lab.levelled([*below, *deep], fanout=7)) == ([], 0), "seven are not too much"
    assert numbers(lab.levelled(deep, fanout=1)) == ([20], 3), "below it there is nothing"
    nine = [ranged(lab, files, 40 + n, 2, 10 * n, 10 * n + 9) for n in range(9)]
    assert numbers(lab.levelled(nine, fanout=3)) == ([], 0), "three times three are not too much"


@graded(points=3, title="Nothing changes", requirement="a compaction is not to be seen by readers")
def test_a_compaction_changes_nothing_that_can_be_read_and_leaves_fewer_tables(
    lab: CassandraLab, sweep: Sweep
) -> None:
    for seed in sweep(4):
        for strategy in ("size-tiered", "levelled"):
            random = Random(f"compact/{seed}")
            files = lab.MemoryFiles()
            store = lab.CompactingStore(
                files, strategy=strategy, memtable_cells=5, table_cells=4, grace=0
            )
            model: dict[Any, Any] = {}
            done = 0
            for step in range(60):
                cells = {
                    each: lab.Cell(cell.value, step * 10 + cell.timestamp % 10)
                    for each, cell in some_cells(lab, random).items()
                }
                store.write(cells)
                put_into(model, cells)
                if store.full:
                    store.flush()
                    while store.compact(LATER):
                        done += 1
                        assert values(dict(store.scan(FIRST, LAST))) == values(model), (seed, step)
            assert done > 2, "it compacts"
            assert len(store.tables) < 15
            again = lab.CompactingStore(lab.MemoryFiles(files.contents()))
            assert values(dict(again.scan(FIRST, LAST))) == values(model)
            levels = [(each.level, each.file) for each in again.tables]
            assert levels == [(each.level, each.file) for each in store.tables]


@graded(points=2, title="Apart", requirement="tables of a level do not overlap, nor grow too large")
def test_the_tables_of_each_level_but_the_first_stay_apart(lab: CassandraLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        random = Random(f"apart/{seed}")
        store = lab.CompactingStore(
            lab.MemoryFiles(), strategy="levelled", memtable_cells=6, table_cells=4
        )
        for _ in range(70):
            store.write(some_cells(lab, random, 200))
            if store.full:
                store.flush()
                while store.compact(0):
                    pass
        deep = sorted((each.level, each.first, each.last) for each in store.tables if each.level)
        assert len(deep) > 8
        assert max(level for level, _, _ in deep) == 2
        for (level, _, last), (other, first, _) in pairwise(deep):
            assert level != other or last < first, "two tables of a level overlap"
        assert all(each.cells <= 4 for each in store.tables if each.level)


@graded(points=3, title="The deleted key", requirement="P2: leveldb 184, rocksdb 2722, badger 464")
def test_a_tombstone_stays_while_another_table_may_have_what_it_hides(lab: CassandraLab) -> None:
    old, gone = {name(3): lab.Cell("old", 10)}, {name(3): lab.Cell(None, 20)}
    around = {name(1): lab.Cell("a", 15), name(6): lab.Cell("b", 40)}
    for others in ([old], [around], [{name(3): lab.Cell("same", 20)}]):
        store = store_of(lab, *others, gone, {name(8): lab.Cell("c", 30)})
        outside = len(others)
        assert store.compact(LATER, (store.tables[outside:], 0))
        assert store.get(name(3)) == lab.Cell(None, 20), f"beside {others}"
    late = store_of(lab, gone)
    late.write(old)
    assert not late.compact(LATER, ([], 0)), "nothing to do"
    late.compact(LATER, (late.tables[:], 0))
    assert late.get(name(3)) == lab.Cell(None, 20), "the memtable may have what it hides"


@graded(points=2, title="It may go", requirement="nothing older is left, and the grace has passed")
def test_a_tombstone_goes_when_it_hides_nothing_any_more(lab: CassandraLab) -> None:
    old, gone = {name(3): lab.Cell("old", 10)}, {name(3): lab.Cell(None, 20)}
    newer = {name(1): lab.Cell("a", 21), name(6): lab.Cell("b", 40)}
    beside = {name(4): lab.Cell("a", 1), name(6): lab.Cell("b", 2)}
    for others in ([], [newer], [beside], [newer, beside]):
        store = store_of(lab, *others, old, gone)
        assert store.compact(LATER, (store.tables[len(others) :], 0))
        assert store.get(name(3)) is None, f"beside {others}"
        assert len(store.tables) == len(others), "a table of which nothing is left is not made"
    assert lab.CompactingStore(store.files).get(name(3)) is None
    empty = store_of(lab, {name(3): lab.Cell("", 10)}, {name(8): lab.Cell("c", 30)})
    assert empty.compact(LATER, (empty.tables[:], 0))
    assert empty.get(name(3)) == lab.Cell("", 10), "an empty text is a value, and no tombstone"


@graded(points=2, title="The grace", requirement="gc_grace: others may not have heard of it")
def test_a_tombstone_stays_until_its_grace_has_passed(lab: CassandraLab) -> None:
    gone = {name(3): lab.Cell(None, 20)}
    for now, stays in ((0, True), (20 + GRACE - 1, True), (20 + GRACE, False), (LATER, False)):
        store = store_of(lab, {name(3): lab.Cell("old", 10)}, gone)
        store.compact(now, (store.tables[:], 0))
        assert store.get(name(3)) == (lab.Cell(None, 20) if stays else None), f"at {now}"


@graded(points=2, title="No byte is lost", requirement="P3: a crash at any byte of a compaction")
def test_whatever_byte_a_crash_comes_at_a_compaction_loses_nothing(
    lab: CassandraLab, sweep: Sweep
) -> None:
    def work(store: Any, cells: Any) -> None:
        store.write(cells)
        if store.full:
            store.flush()
            while store.compact(0):
                pass

    for seed in sweep(2):
        for strategy in ("size-tiered", "levelled"):
            survives(
                lab,
                lambda files, strategy=strategy: lab.CompactingStore(  # type: ignore[misc]
                    files, memtable_cells=4, strategy=strategy, table_cells=4
                ),
                work,
                seed,
                12,
            )


@graded(points=1, title="What is in no table", requirement="the logs that count still count")
def test_what_was_not_flushed_outlives_a_compaction_and_a_crash(lab: CassandraLab) -> None:
    store = store_of(lab, *({name(n): lab.Cell("v", n + 1)} for n in range(4)))
    store.write({name(9): lab.Cell("not flushed", 50)})
    assert store.compact(0)
    assert len(store.tables) == 1
    again = lab.CompactingStore(lab.MemoryFiles(store.files.contents()))
    assert again.get(name(9)) == lab.Cell("not flushed", 50)
    assert len(dict(again.scan(FIRST, LAST))) == 5
    store = store_of(lab, *({name(n): lab.Cell("v", n + 1)} for n in range(4)))
    store.write({name(9): lab.Cell("first life", 50)})
    files = lab.MemoryFiles(store.files.contents())
    second = lab.CompactingStore(files)
    second.write({name(8): lab.Cell("second life", 60)})
    assert second.compact(0)
    third = lab.CompactingStore(lab.MemoryFiles(files.contents()))
    assert third.get(name(9)) == lab.Cell("first life", 50), "its log is still in no table"
    assert third.get(name(8)) == lab.Cell("second life", 60)


@graded(points=1, title="What stays", requirement="a table that is not merged is left as it is")
def test_a_table_beside_a_compaction_stays_whatever_its_level_is(lab: CassandraLab) -> None:
    store = store_of(lab, *({name(n): lab.Cell("v", n + 1)} for n in range(3)))
    for number, level in ((1, 2), (2, 1), (3, 0)):
        (table,) = (each for each in store.tables if each.first == name(number - 1))
        assert store.compact(0, ([table], level))
        for opened in (store, lab.CompactingStore(lab.MemoryFiles(store.files.contents()))):
            assert len(dict(opened.scan(FIRST, LAST))) == 3, f"one went to level {level}"
    assert sorted(table.level for table in store.tables) == [0, 1, 2]
