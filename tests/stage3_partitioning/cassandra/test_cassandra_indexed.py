"""Graded suite of the lab ``cassandra``, second part: a Bloom filter and a sparse index."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from common.course.suites.grading import Sweep, graded
from tests.stage3_partitioning.cassandra.lab import CassandraLab
from tests.stage3_partitioning.cassandra.room import FIRST, LAST, table_of

LAB = "cassandra"


def key(number: int) -> tuple[str, str, str]:
    """One of many names, sorted as the numbers are."""
    return ("ann", f"row {number:05}", "city")


def many(lab: CassandraLab, numbers: Any) -> dict[Any, Any]:
    """A long line for each number."""
    return {key(number): lab.Cell(f"value {number} " * 4, number + 1) for number in numbers}


@graded(points=2, title="No is certain", requirement="P4: what was added is never denied")
def test_a_filter_never_denies_what_was_added(lab: CassandraLab, sweep: Sweep) -> None:
    for seed in sweep(5):
        random = Random(f"bloom/{seed}")
        for size in (1, 2, 3, 4, 5, 10, 200):
            bloom = lab.Bloom(size)
            names = [key(random.randrange(10**5)) for _ in range(size)]
            for each in names:
                bloom.add(each)
            assert all(bloom.might_hold(each) for each in names)
            again = lab.Bloom(bytes(bloom.bits))
            assert all(again.might_hold(each) for each in names), "from its bits, too"
            others = [key(number) for number in range(10**5, 10**5 + 500)]
            assert not all(bloom.might_hold(each) for each in others), "it says yes to everything"


@graded(points=2, title="Yes is a good guess", requirement="Bloom 1970: one in a hundred wrong")
def test_a_filter_denies_nearly_all_that_was_not_added(lab: CassandraLab) -> None:
    bloom = lab.Bloom(300)
    assert not bloom.might_hold(key(1)), "nothing was added"
    for number in range(300):
        bloom.add(key(number))
    wrong = sum(bloom.might_hold(key(number)) for number in range(10_000, 12_000))
    assert 1 <= wrong <= 60, f"{wrong} of 2000 wrong guesses, about 16 are expected"


@graded(points=1, title="A sparse index", requirement="the first, and one every so many bytes")
def test_an_index_has_the_first_name_and_then_one_every_so_many_bytes(
    lab: CassandraLab, sweep: Sweep
) -> None:
    assert list(lab.sparse_index([], 10)) == []
    assert lab.sparse_index([(key(1), 10), (key(2), 10), (key(3), 9), (key(4), 1)], 20) == [
        (key(1), 0),
        (key(3), 20),
    ]
    sevens = [(key(number), 7) for number in range(5)]
    assert [at for _, at in lab.sparse_index(sevens, 10)] == [0, 14, 28], "from the entry before on"
    for seed in sweep(10):
        random = Random(f"index/{seed}")
        lengths = [(key(number), random.randrange(1, 50)) for number in range(40)]
        every = random.choice((1, 60, 300))
        index = lab.sparse_index(lengths, every)
        places = {each: sum(n for _, n in lengths[:at]) for at, (each, _) in enumerate(lengths)}
        assert all(places[each] == position for each, position in index)
        found = [position for _, position in index]
        assert all(b - a >= every for a, b in pairwise(found))
        for each, position in places.items():
            before = max(at for at in found if at <= position)
            assert position - before < every or each in dict(index), "none is left out"


@graded(points=2, title="One piece", requirement="a get reads at most one piece of the table")
def test_a_get_finds_what_reading_the_whole_table_finds_and_reads_one_piece(
    lab: CassandraLab,
) -> None:
    files = lab.MemoryFiles()
    cells = many(lab, range(0, 600, 2))
    cells |= {key(number): lab.Cell(None, number + 1) for number in range(0, 600, 20)}
    table = table_of(lab, files, 1, cells, kind="IndexedTable")
    dumb = table_of(lab, lab.MemoryFiles(), 1, cells)
    assert list(table.entries()) == list(dumb.entries()) == sorted(cells.items())
    assert (table.first, table.last, table.cells) == (dumb.first, dumb.last, dumb.cells)
    assert (table.oldest, table.newest) == (dumb.oldest, dumb.newest)
    reads = without = 0
    for number in range(-1, 602):
        before = files.reads
        assert table.get(key(number)) == cells.get(key(number))
        took = files.reads - before
        assert took <= 1, f"{key(number)} took {took} reads"
        if key(number) in cells:
            reads += took
        else:
            without += took
    assert reads == 300, "what is there is read"
    assert [table.get(key(n)) for n in (8, 9)] == [dumb.get(key(n)) for n in (8, 9)]
    assert without < 30, f"{without} of 303 names that are not there were looked for in the file"


@graded(points=1, title="Small pieces", requirement="about 4 kB at a time")
def test_a_get_reads_a_small_part_of_a_large_table(lab: CassandraLab) -> None:
    table = table_of(lab, lab.MemoryFiles(), 1, many(lab, range(500)), kind="IndexedTable")
    whole: Any = table
    assert 5 <= len(whole.index) <= 20, "some names are in the index, and not all"
    for number in (0, 1, 250, 499):
        piece = whole.piece_of(key(number))
        assert key(number) in dict(whole.piece(piece))
    assert whole.piece_of(FIRST) == -1
    assert whole.piece_of(LAST) == len(whole.index) - 1
    for number, (begin, _) in enumerate(whole.index):
        assert whole.piece_of(tuple(begin)) == number, "a piece begins with its entry"


@graded(points=2, title="A range", requirement="from first on and before last, few pieces")
def test_a_scan_finds_what_reading_the_whole_table_finds(lab: CassandraLab, sweep: Sweep) -> None:
    files = lab.MemoryFiles()
    cells = many(lab, range(0, 600, 2))
    cells |= {key(number): lab.Cell(None, number + 1) for number in range(0, 600, 20)}
    table = table_of(lab, files, 1, cells, kind="IndexedTable")
    for seed in sweep(15):
        random = Random(f"range/{seed}")
        first, last = sorted(key(random.randrange(-5, 610)) for _ in range(2))
        wanted = [each for each in sorted(cells.items()) if first <= each[0] < last]
        assert list(table.scan(first, last)) == wanted, (first, last)
    assert list(table.scan(FIRST, LAST)) == sorted(cells.items())
    for first, last, most in ((key(300), key(310), 2), (key(0), key(2), 1), (key(0), key(0), 0)):
        before = files.reads
        assert len(list(table.scan(first, last))) == (last != first and (5 if most == 2 else 1))
        assert files.reads - before <= most, (first, last)


def changed(lab: CassandraLab, whole: bytes, place: int) -> Any:
    """Files with one bit changed."""
    data = bytearray(whole)
    data[place] ^= 1
    return lab.MemoryFiles({"table-000001": bytes(data)})


@graded(points=1, title="Damage is told", requirement="never serve what a disk has changed")
def test_a_damaged_table_is_reported_and_never_served(lab: CassandraLab) -> None:
    files = lab.MemoryFiles()
    table_of(lab, files, 1, many(lab, range(200)), kind="IndexedTable")
    (whole,) = files.contents().values()
    for place in (len(whole) - 100, len(whole) - 3):
        with pytest.raises(lab.DamagedTable, match="its foot does not fit its checksum"):
            lab.IndexedTable(changed(lab, whole, place), 1)
    table = lab.IndexedTable(changed(lab, whole, 50), 1)
    assert table.get(key(199)) is not None, "the other pieces are whole"
    with pytest.raises(lab.DamagedTable, match="a line behind byte 0 does not fit"):
        table.get(key(0))
