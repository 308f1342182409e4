"""The work on a map task: read, map, combine, and write a piece for each partition."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

from stage6_compute.mapreduce.front.blocks import write_blocks
from stage6_compute.mapreduce.front.counters import count
from stage6_compute.mapreduce.front.job import Job, Ones, Pairs
from stage6_compute.mapreduce.front.job import partition as by_hash
from stage6_compute.mapreduce.front.problems import TaskFailed, TimedOut, raised, shown
from stage6_compute.mapreduce.front.splits import Block, Range, blocks
from stage6_compute.mapreduce.front.tables import Combined, Listed, pair_bytes

MEMORY_PER_BYTE = 2.5
"""What is estimated to be a byte of pairs takes so many in truth, while pairs are being written."""


def map_task(
    job: Job,
    ranges: Sequence[Range],
    partitions: int,
    directory: Path,
    *,
    memory: int,
    skip: frozenset[int] = frozenset(),
    told: Callable[[int], None] = lambda size: None,
) -> None:
    """Do a map task: leave a piece for each partition in ``directory``, called by its number.

    Args:
        job: its functions.
        ranges: the split.
        partitions: how many there are.
        directory: made here.
        memory: how many bytes pairs may take.
        skip: the numbers of the records to be left out.
        told: called with the size of each block before it is mapped.

    Raises:
        TaskFailed: it cannot be done.
        OSError: the disk is full, say.
    """
    directory.mkdir(parents=True)
    table: Combined | Listed = Listed(job) if job.combine is None else Combined(job)
    with ExitStack() as stack:
        files = [
            stack.enter_context(open(directory / str(number), "wb")) for number in range(partitions)
        ]
        for pairs in mapped(job, ranges, skip, told):
            table.add(pairs)
            each = pair_bytes(pairs) + table.entry_bytes
            if len(table) * each * MEMORY_PER_BYTE > memory:
                spill(job, table, files)
        spill(job, table, files)


def mapped(
    job: Job, ranges: Sequence[Range], skip: frozenset[int], told: Callable[[int], None]
) -> Iterator[Pairs]:
    """What a job's map makes of a split, block by block."""
    number = 0  # of the first record of a block
    for block in blocks(ranges):
        told(len(block.data))
        lines = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
        if any(number <= bad < number + lines for bad in skip):
            yield by_record(job, block, number, skip)
        else:
            yield at_once(job, block, number, told)
        number += lines
        count("input records", lines)
        count("input bytes", len(block.data))


def at_once(job: Job, block: Block, number: int, told: Callable[[int], None]) -> Pairs:
    """Map a block whose records all seem to be good."""
    try:
        text = block.data.decode()
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        if job.map_block is not None:
            made = job.map_block(block.name, text)
            return made if isinstance(made, dict | Ones) else list(made)
        pairs: list[Any] = []
        for line in text.removesuffix("\n").split("\n"):
            pairs.extend(job.map(block.name, line))
        return pairs
    except (Exception, TimedOut) as error:  # whatever a job may raise
        told(0)  # a second chance to come back
        by_record(job, block, number)  # which says in which record
        why = raised("map_block", error, job.path)
        raise TaskFailed(
            f"{why}, in the lines of {block.name} from byte {block.offset} on; map takes them all"
        ) from None


def by_record(job: Job, block: Block, number: int, skip: frozenset[int] = frozenset()) -> list[Any]:
    """Map a block record by record, without those to be skipped.

    Raises:
        TaskFailed: on which record, and why.
    """
    pairs: list[Any] = []
    offset = block.offset
    for place, line in enumerate(block.data.removesuffix(b"\n").split(b"\n"), number):
        if place in skip:
            count("skipped records")
        else:
            pairs.extend(_map_record(job, block.name, offset, place, line))
        offset += len(line) + 1
    return pairs


def _map_record(job: Job, name: str, offset: int, place: int, line: bytes) -> list[Any]:
    try:
        text = line.removesuffix(b"\r").decode()
        return list(job.map(name, text))
    except UnicodeDecodeError as error:
        if error.object == line.removesuffix(b"\r"):
            at = offset + error.start
            why = (
                f"{name} is not UTF-8: byte 0x{line[error.start]:02x} at byte {at}, in the line "
                f"{shown(line)}: convert the file, or leave out such lines by --skip-bad-records"
            )
            raise TaskFailed(why, place) from None
        why = raised("map", error, job.path)
    except (Exception, TimedOut) as error:  # whatever a job may raise
        why = raised("map", error, job.path)
    shown_line = shown(line.decode(errors="replace"))
    raise TaskFailed(f"{why} on the line at byte {offset} of {name}: {shown_line}", place) from None


def spill(job: Job, table: Combined | Listed, files: Sequence[BinaryIO]) -> None:
    """Add what a table holds to the pieces, and forget it."""
    keys, values = table.columns()
    table.clear()
    if len(files) == 1 and job.partition is by_hash:
        write_blocks(files[0], keys, values)
        return
    parts: list[tuple[list[Any], list[Any]]] = [([], []) for _ in files]
    for key, value, number in zip(keys, values, numbers(job, keys, len(files)), strict=True):
        part = parts[number]
        part[0].append(key)
        part[1].append(value)
    for file, part in zip(files, parts, strict=True):
        write_blocks(file, *part)


def numbers(job: Job, keys: Sequence[Any], partitions: int) -> list[int]:
    """The partition of each key.

    Raises:
        TaskFailed: the job's ``partition`` fails, or gives none of the partitions.
    """
    if job.partition is by_hash:
        try:  # the same as below, faster
            return [code % partitions for code in map(crc32, map(str.encode, keys))]
        except (TypeError, UnicodeEncodeError):
            return [by_hash(key, partitions) for key in keys]
    found = []
    for key in keys:
        try:
            number = job.partition(key, partitions)
        except (Exception, TimedOut) as error:  # whatever a job may raise
            why = raised("partition", error, job.path)
            raise TaskFailed(f"{why} on the key {shown(key)}") from None
        if not isinstance(number, int) or not 0 <= number < partitions:
            raise TaskFailed(
                f"partition gave {number!r} for the key {shown(key)}: give a number from 0 to "
                f"{partitions - 1}"
            )
        found.append(number)
    return found
