"""The data path of ``mapreduce``, piece by piece: splits, blocks, tables, external sort, jobs."""

import io
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import pytest

from common.values.errors import BadInput
from stage6_compute.mapreduce.front.blocks import HEADER, read_blocks, write_blocks
from stage6_compute.mapreduce.front.command import size
from stage6_compute.mapreduce.front.job import (
    Job,
    Program,
    load_job,
    partition,
    prepared,
    read_program,
)
from stage6_compute.mapreduce.front.mapping import map_task, numbers
from stage6_compute.mapreduce.front.problems import PieceLost, TaskFailed
from stage6_compute.mapreduce.front.reducing import MOST_RUNS, Groups, reduced
from stage6_compute.mapreduce.front.splits import Range, blocks, cut, find_input, sample
from stage6_compute.mapreduce.front.timeline import timeline
from stage6_compute.mapreduce.messages import Span, Task

PLAIN = """
def map(name, line):
    yield line, name

def reduce(key, values):
    yield list(values)
"""


def job_of(source: str = PLAIN, **settings: str) -> Job:
    return load_job(Program("job.py", source, settings))


def random_files(random: Random, folder: Path) -> list[Path]:
    """Some files with lines of any length, empty ones too; the last may have no end."""
    paths = []
    for number in range(random.randint(1, 4)):
        lines = ["x" * random.choice((0, 1, 3, 40)) + str(n) for n in range(random.randint(0, 30))]
        paths.append(folder / f"{number}.txt")
        paths[-1].write_text("\n".join(lines) + random.choice(("", "\n")), encoding="utf-8")
    return paths


# Splits.


def test_however_the_input_is_cut_each_line_is_in_one_split_in_order(tmp_path: Path) -> None:
    for seed in range(200):
        random = Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        paths = random_files(random, folder)
        files = [(str(path), path.stat().st_size) for path in paths]
        if not any(length for _, length in files):
            continue
        splits = cut(files, random.randint(1, 200), random.randint(1, 5))
        read = [
            (block.name, line)
            for split in splits
            for block in blocks(split, block_bytes=random.randint(1, 50))
            for line in block.data.removesuffix(b"\n").split(b"\n")
        ]
        expected = [
            (path.name, line.removesuffix(b"\n"))
            for path in paths
            for line in path.read_bytes().splitlines(keepends=True)
        ]
        assert read == expected, f"seed {seed}"


def test_workers_have_equally_many_splits_of_equal_size() -> None:
    splits = cut([("a", 1000), ("b", 9000)], 1200, 4)
    sizes = [sum(range.end - range.start for range in split) for split in splits]
    assert len(splits) == 12
    assert max(sizes) - min(sizes) <= 1
    assert sum(sizes) == 10_000


def test_the_input_of_a_job_may_be_a_directory_without_hidden_files(tmp_path: Path) -> None:
    for name in ("part-00001", "part-00000", "_SUCCESS", ".hidden"):
        (tmp_path / name).write_text("x\n")
    assert [Path(path).name for path, _ in find_input([str(tmp_path)])] == [
        "part-00000",
        "part-00001",
    ]


def test_a_file_that_became_shorter_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("one\ntwo\n")
    with pytest.raises(TaskFailed, match=r"a ends at byte 8: it had 100 bytes"):
        list(blocks([Range(str(path), 0, 100)]))


# Blocks.


def test_pairs_come_back_as_they_were() -> None:
    keys = ["a", "ü", ("b", 1), b"c", 1 << 80, None]
    values: list[Any] = [1, [2.5, None], {"k": ("v",)}, "", True, -0.0]
    file = io.BytesIO()
    write_blocks(file, keys, values, rows=4)
    file.seek(0)
    read = list(read_blocks(file))
    assert [key for block in read for key in block[0]] == keys
    assert [value for block in read for value in block[1]] == values


def test_whatever_is_damaged_is_lost_and_never_wrong() -> None:
    file = io.BytesIO()
    write_blocks(file, ["key"] * 10, list(range(10)))
    whole = file.getvalue()
    for length in range(1, len(whole)):
        with pytest.raises(PieceLost):
            list(read_blocks(io.BytesIO(whole[:length])))
    for place in range(len(whole)):
        wrong = bytearray(whole)
        wrong[place] ^= 0x41
        with pytest.raises(PieceLost):
            list(read_blocks(io.BytesIO(bytes(wrong))))
    assert HEADER.size == 8


def test_a_value_that_cannot_be_written_is_shown() -> None:
    with pytest.raises(TaskFailed, match=r"the pair \('b', <object .*>\) cannot be sent"):
        write_blocks(io.BytesIO(), ["a", "b"], [1, object()])


# Grouping: in memory, and sorted outside of it.


@pytest.mark.parametrize("memory", [1 << 30, 20_000, 2_000, 1], ids=str)
@pytest.mark.parametrize("combine", ["", "combine = lambda a, b: a + b"], ids=["plain", "combined"])
def test_groups_are_those_of_a_dictionary_whatever_the_memory(
    tmp_path: Path, memory: int, combine: str
) -> None:
    random = Random(memory)
    job = job_of(PLAIN + combine)
    groups = Groups(job, tmp_path / "runs", memory)
    expected: dict[str, list[list[int]]] = defaultdict(list)
    for _ in range(2 * MOST_RUNS if memory < 1000 else 20):
        keys = [f"k{random.randint(0, 300)}" for _ in range(random.randint(1, 60))]
        values = [[random.randint(0, 9)] for _ in keys]
        for key, value in zip(keys, values, strict=True):
            expected[key].append(value)
        groups.add(keys, values)
    got = [(key, list(values)) for key, values in groups]
    assert [key for key, _ in got] == sorted(expected)
    flat = {key: [each for value in values for each in value] for key, values in got}
    assert flat == {key: [each for value in values for each in value]
                    for key, values in expected.items()}  # fmt: skip
    assert (tmp_path / "runs").exists() == (memory < 100_000)


def test_merging_many_runs_is_told_so_that_nobody_takes_it_for_a_hang(tmp_path: Path) -> None:
    said: list[int] = []
    groups = Groups(job_of(), tmp_path, 1, said.append)
    for number in range(MOST_RUNS):
        before = len(said)
        groups.add([f"{number}-{n}" for n in range(50)], [0] * 50)
    assert len(said) - before >= MOST_RUNS * 50 // 256, "the last one merged all"
    assert len(list(groups)) == MOST_RUNS * 50


def test_a_reduce_may_leave_values_untaken(tmp_path: Path) -> None:
    job = job_of("def map(name, line): ...\ndef reduce(key, values): yield 'x'")
    groups = Groups(job, tmp_path, 1)
    for _ in range(5):
        groups.add(["b", "a", "b"], [1, 2, 3])
    assert "".join(reduced(job, groups, lambda size: None)) == "a\tx\nb\tx\n"


def test_keys_without_an_order_are_an_error_in_a_sentence(tmp_path: Path) -> None:
    groups = Groups(job_of(), tmp_path, 1 << 20)
    groups.add(["a", 1], [0, 0])
    with pytest.raises(TaskFailed, match="give keys of one kind only"):
        list(groups)


@pytest.mark.parametrize(
    ("reduce", "said"),
    [
        ("yield 'two\\nlines'", "has a line break in it"),
        ("yield object()", "cannot be written to the output"),
        ("yield 1 / 0", r"reduce raised ZeroDivisionError.*line 5 of job.py.*on the key 'k'"),
        ("return 7", r"reduce raised TypeError"),
    ],
)
def test_what_reduce_may_not_give(tmp_path: Path, reduce: str, said: str) -> None:
    job = job_of(
        f"def map(name, line):\n    yield line, 1\n\ndef reduce(key, values):\n    {reduce}"
    )
    groups = Groups(job, tmp_path, 1 << 20)
    groups.add(["k"], [1])
    with pytest.raises(TaskFailed, match=said):
        list(reduced(job, groups, lambda size: None))


# Mapping.


def mapped_parts(
    job: Job, path: Path, folder: Path, partitions: int = 2, **more: Any
) -> list[list[tuple[Any, Any]]]:
    """The pairs of each partition after a map task on a whole file."""
    ranges = [Range(str(path), 0, path.stat().st_size)]
    map_task(job, ranges, partitions, folder, **{"memory": 1 << 20, **more})
    parts = []
    for number in range(partitions):
        with open(folder / str(number), "rb") as file:
            read = list(read_blocks(file))
        parts.append([pair for block in read for pair in zip(*block, strict=True)])
    return parts


def test_a_combiner_is_an_optimisation_and_nothing_else(tmp_path: Path) -> None:
    """OSDI'04, 4.3: whatever the memory, the sums of what reduces get are the same."""
    path = tmp_path / "in.txt"
    path.write_text("a b a c a\n" * 1000)
    words = read_program("word_count", {})
    job = load_job(words)
    for number, memory in enumerate((1, 1 << 20)):
        sums: dict[str, int] = defaultdict(int)
        pairs = [
            pair
            for part in mapped_parts(job, path, tmp_path / str(number), memory=memory)
            for pair in part
        ]
        for key, value in pairs:
            sums[key] += value
        assert sums == {"a": 3000, "b": 1000, "c": 1000}
        assert len(pairs) == 3, "all of it was combined"


def test_partitions_do_not_depend_on_the_process_and_equal_keys_share_one() -> None:
    found = [partition(key, 1000) for key in ("a", "ü", b"a", ("a", 1), None)]
    assert found == [907, 789, 907, 945, 0]
    assert partition(1, 7) == partition(1.0, 7) == partition(True, 7)
    assert partition((1, "a"), 7) == partition((1.0, "a"), 7)
    keys = [f"word{n}" for n in range(100)]
    assert numbers(job_of(), keys, 7) == [partition(key, 7) for key in keys]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return [line]", r"map gave 'bad': give pairs"),
        ("return [([line], 1)]", r"map gave the key \['bad'\]: a key may be no list"),
        ("return 3", r"map raised TypeError.*on the line at byte 5 of in.txt: 'bad'"),
        (
            "raise ValueError('no')",
            r"map raised ValueError: no \(line 2 of job.py\) on the line at",
        ),
    ],
)
def test_a_map_that_fails_is_told_with_its_record(tmp_path: Path, body: str, said: str) -> None:
    source = f"def map(name, line):\n    if line == 'bad': {body}\n    return []\n"
    path = tmp_path / "in.txt"
    path.write_text("good\nbad\ngood\n")
    job = job_of(source + "combine = max\ndef reduce(key, values): ...")
    with pytest.raises(TaskFailed, match=said):
        mapped_parts(job, path, tmp_path / "out")


def test_records_to_be_skipped_are_skipped_also_those_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(b"one\ntw\xffo\nthree\nfour")
    job = job_of()
    with pytest.raises(TaskFailed, match=r"not UTF-8: byte 0xff at byte 6, in the line") as caught:
        mapped_parts(job, path, tmp_path / "first")
    assert caught.value.record == 1
    parts = mapped_parts(job, path, tmp_path / "second", 1, skip=frozenset({1, 3}))
    assert [key for key, _ in parts[0]] == ["one", "three"]


def test_a_partition_outside_of_all_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_text("x\n")
    job = job_of(PLAIN + "def partition(key, partitions): return partitions")
    with pytest.raises(TaskFailed, match="partition gave 2 for the key 'x': give a number from 0"):
        mapped_parts(job, path, tmp_path / "out")


# Job files.


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def reduce(key, values): ...", r"has no function map: .* defines map\(name, line\)"),
        ("def map(name, line): ...", "has no function reduce"),
        ("map = 3", "map is 3, and should be a function"),
        ("def map(:", "job.py:1: invalid syntax"),
        ("import nothing_of_this_name", "job.py cannot be loaded: it raised ModuleNotFoundError"),
    ],
)
def test_a_job_file_that_is_none(source: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        job_of(source)


def test_settings_that_do_not_fit() -> None:
    with pytest.raises(BadInput, match="has no settings: leave out --set pattern"):
        job_of(PLAIN, pattern="x")
    with pytest.raises(
        BadInput, match=r"do not fit .*grep.py: configure raised .*PatternError|error"
    ):
        load_job(read_program("grep", {"pattern": "("}))


def test_sizes() -> None:
    assert [size(text) for text in ("7", "64KB", "2 MB", "1gb")] == [7, 65536, 2 << 20, 1 << 30]
    with pytest.raises(BadInput, match="'many' is no size: write 200MB"):
        size("many")


# The picture.


def test_a_timeline_shows_each_attempt_and_what_came_of_it() -> None:
    spans = [
        Span(Task(1, "map", 0), 1, "w1", 0, 500_000, "done"),
        Span(Task(1, "map", 1), 2, "w2", 0, 900_000, "lost"),
        Span(Task(1, "reduce", 0), 3, "w1", 900_000, 2_000_000, "done"),
    ]
    svg = timeline(spans, "a <job>")
    assert svg.count("<title>") == 3
    assert "map 1, attempt 2: lost, 0.90 s" in svg
    assert "a &lt;job&gt;" in svg
    assert timeline([], "nothing").startswith("<svg")


def test_a_sample_divides_what_is_to_be_sorted_into_equal_parts(tmp_path: Path) -> None:
    """OSDI'04, 5.3: the bounds come from the input, so no part is much larger than others."""
    random = Random(1)
    files = []
    for name in "ab":
        path = tmp_path / name
        path.write_text("".join(f"{random.paretovariate(1):012.4f}\n" for _ in range(20_000)))
        files.append((str(path), path.stat().st_size))
    lines = sample(files)
    assert lines == sample(files)
    program = read_program("sort", {})
    job = load_job(prepared(program, load_job(program), lines, 4))
    sizes = [0] * 4
    for where, _ in files:
        for line in Path(where).read_text().splitlines():
            sizes[job.partition(line, 4)] += 1
    assert max(sizes) < 2 * min(sizes)
    given = read_program("sort", {"bounds": "b,d"})
    job = load_job(prepared(given, load_job(given), lines, 3))
    assert [job.partition(line, 3) for line in ("a", "b", "c", "d", "e")] == [0, 1, 1, 2, 2]
