"""Graded suite of the lab ``mapreduce``, first part: the whole of it in one process."""

from collections import Counter
from random import Random
from zlib import crc32

import pytest

from common.course.suites.grading import Sweep, graded
from tests.stage6_compute.mapreduce.lab import MapreduceLab

LAB = "mapreduce"

POEM = "The map has no end\nand no map has THE end\n\nthe end"
SUMS = "tea 3\nmilk 4\ntea 5"


def some_splits(seed: int) -> list[str]:
    """Lines of a few words, cut anywhere between lines, some pieces empty."""
    random = Random(f"words/{seed}")
    words = [f"w{number}" for number in range(random.randrange(1, 40))]
    lines = [" ".join(random.choices(words, k=random.randrange(6))) for _ in range(20)]
    cuts = sorted(random.randrange(21) for _ in range(random.randrange(5)))
    return ["\n".join(lines[a:b]) for a, b in zip([0, *cuts], [*cuts, 20], strict=True)]


@graded(points=1, title="A pair for each word", requirement="OSDI'04, 2.1")
def test_the_map_of_word_count_makes_one_pair_of_each_word(lab: MapreduceLab) -> None:
    assert list(lab.count_words("The map,  the  MAP")) == [
        ("the", 1), ("map,", 1), ("the", 1), ("map", 1),
    ]  # fmt: skip
    assert list(lab.count_words("   ")) == []


@graded(points=2, title="Which part a key is in", requirement="OSDI'04, 4.1: hash(key) mod R")
def test_all_processes_agree_on_the_part_of_a_key(lab: MapreduceLab) -> None:
    for key in ("the", "map", "größer", ""):
        for partitions in (1, 2, 7):
            assert lab.part_of(key, partitions) == crc32(key.encode("utf-8")) % partitions


@graded(points=3, title="Runs", requirement="OSDI'04, 3.1 steps 3 and 4, and 4.3")
def test_a_map_makes_a_sorted_run_for_each_part_with_one_pair_for_each_key(
    lab: MapreduceLab,
) -> None:
    runs = lab.run_map("word-count", POEM, 3)
    assert len(runs) == 3
    counts = Counter(POEM.lower().split())
    for part, run in enumerate(runs):
        expected = {key: count for key, count in counts.items() if lab.part_of(key, 3) == part}
        assert list(run) == sorted(expected.items()), f"part {part}"


@graded(points=2, title="Only where it makes no difference", requirement="OSDI'04, 4.3")
def test_what_cannot_be_combined_is_not(lab: MapreduceLab, sweep: Sweep) -> None:
    assert lab.run_map("means", SUMS, 1) == ((("milk", 4), ("tea", 3), ("tea", 5)),)
    for seed in sweep(5):
        random = Random(f"means/{seed}")
        amounts = [("tea", random.randrange(100)) for _ in range(9)]
        splits = [
            "\n".join(f"{key} {value}" for key, value in amounts[a:b])
            for a, b in ((0, 1), (1, 3), (3, 9))
        ]
        mean = sum(value for _, value in amounts) // 9
        assert lab.sequential("means", splits, 1) == ((f"tea\t{mean}",),)


@graded(points=2, title="Lines", requirement="OSDI'04, 3.1 steps 5 and 6")
def test_a_reduce_merges_runs_and_makes_one_line_of_each_key_in_order(lab: MapreduceLab) -> None:
    runs = [(("a", 1), ("c", 2)), (), (("a", 4), ("b", 1), ("d", 1)), (("c", 1),)]
    assert lab.run_reduce("word-count", runs) == ("a\t5", "b\t1", "c\t3", "d\t1")
    assert lab.run_reduce("word-count", []) == ()


@graded(points=3, title="Counted right", requirement="the parts together are the whole")
def test_the_parts_together_count_every_word_however_the_input_is_split(
    lab: MapreduceLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        splits = some_splits(seed)
        partitions = seed % 4 + 1
        parts = lab.sequential("word-count", splits, partitions)
        assert len(parts) == partitions
        counts = Counter(" ".join(splits).split())
        assert sorted(line for part in parts for line in part) == sorted(
            f"{key}\t{count}" for key, count in counts.items()
        )
        for number, part in enumerate(parts):
            keys = [line.split("\t")[0] for line in part]
            assert keys == sorted(keys), f"part {number} is out of order"
            assert all(lab.part_of(key, partitions) == number for key in keys)


@graded(points=2, title="Bad records", requirement="OSDI'04, 4.6")
def test_a_record_that_fails_is_named_and_can_be_skipped(lab: MapreduceLab) -> None:
    text = "tea 3\nmilk\nwater much\ntea 5"
    assert lab.run_map("sums", "tea 3\n", 1) == ((("tea", 3),),), "a line ends there, none begins"
    assert lab.run_map("sums", "", 2) == ((), ()), "a split without a line"
    with pytest.raises(lab.BadRecord, match="^record 1: ."):  # records are counted from 0
        lab.run_map("sums", text, 2)
    with pytest.raises(lab.BadRecord, match="^record 2: .*much"):  # what is skipped counts as well
        lab.run_map("sums", text, 2, (1,))
    assert sorted(pair for run in lab.run_map("sums", text, 2, (1, 2)) for pair in run) == [
        ("tea", 8)
    ]
