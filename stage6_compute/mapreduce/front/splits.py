"""The input: which files, how they are cut into splits, and reading a split in blocks of lines.

A split is a list of ranges of files, so one big file has many splits, and many small files share
one. Cuts are made anywhere; a line belongs to the range that it begins in.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from common.values.errors import BadInput
from stage6_compute.mapreduce.front.problems import TaskFailed

BLOCK_BYTES = 2 << 20
"""So much is read at once."""
MAX_LINE_BYTES = 16 << 20
"""The longest line."""


SAMPLES, SAMPLE_BYTES = 64, 4 << 10
"""From so many places at most a sample is taken, of so many bytes each."""


class Range(NamedTuple):
    """The lines of a file that begin from ``start`` on, and before ``end``."""

    path: str
    start: int
    end: int


class Block(NamedTuple):
    """Some whole lines of a file, with the last line's end unless the file ends without one.

    Attributes:
        name: the file's name.
        offset: where in the file the first line begins.
        data: the lines.
    """

    name: str
    offset: int
    data: bytes


# What the input is.


def find_input(names: Iterable[str]) -> list[tuple[str, int]]:
    """The files that a person names, with their sizes; for a directory, the files in it.

    Files in a directory whose names begin with ``.`` or ``_`` are left out, as Hadoop does: so the
    output of a job is the input of another.

    Raises:
        BadInput: one is missing, cannot be read, or there is nothing to read.
    """
    found: list[tuple[str, int]] = []
    for name in names:
        path = Path(name)
        try:
            inside = sorted(path.iterdir()) if path.is_dir() else [path]
            for file in inside:
                if file is path or (file.is_file() and file.name[0] not in "._"):
                    found.append((str(file.absolute()), file.stat().st_size))
        except FileNotFoundError:
            raise BadInput(f"there is no input {name}: name a file or a directory") from None
        except OSError as error:
            raise BadInput(f"the input {name} cannot be read: {error.strerror}") from None
    if not any(size for _, size in found):
        raise BadInput(f"there is nothing to read in {', '.join(names)}")
    return found


def cut(files: Sequence[tuple[str, int]], split_bytes: int, workers: int) -> list[list[Range]]:
    """Cut the input into splits of at most ``split_bytes``, equal in size.

    There are as many for each worker, if there is enough to do, so that all end at about one time.
    """
    total = sum(size for _, size in files)
    rounds = max(1, -(-total // (split_bytes * workers)))
    count = min(rounds * workers, total)
    splits: list[list[Range]] = [[] for _ in range(count)]
    before = 0
    for path, size in files:
        place = 0
        while place < size:
            index = (before + place) * count // total
            end_of_split = -(-(index + 1) * total // count)
            end = min(size, end_of_split - before)
            splits[index].append(Range(path, place, end))
            place = end
        before += size
    return [split for split in splits if split]


def sample(files: Sequence[tuple[str, int]]) -> list[str]:
    """Some lines from many places of the input, the same each time.

    Raises:
        BadInput: a file cannot be read any more.
    """
    total = sum(size for _, size in files)
    lines: list[str] = []
    before, place = 0, 0
    for path, size in files:
        try:
            with open(path, "rb") as file:
                while place < before + size:
                    file.seek(place - before)
                    read = file.read(SAMPLE_BYTES).splitlines()
                    lines += [line.decode(errors="replace") for line in read[1:-1] or read]
                    place += max(SAMPLE_BYTES, total // SAMPLES)
        except OSError as error:
            raise BadInput(f"the input {path} cannot be read: {error.strerror}") from None
        before += size
    return lines


# Reading it.


def blocks(ranges: Iterable[Range], block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The lines of a split, in order.

    Raises:
        TaskFailed: a file has vanished, is shorter than it was, or has too long a line.
    """
    for range in ranges:
        try:
            yield from _blocks_of(range, block_bytes)
        except FileNotFoundError:
            raise TaskFailed(
                f"the input {range.path} has vanished since the job began: put it back, "
                "and run the job again"
            ) from None
        except OSError as error:
            raise TaskFailed(f"the input {range.path} cannot be read: {error.strerror}") from None


def _blocks_of(range: Range, block_bytes: int) -> Iterator[Block]:
    path, start, end = range
    name = Path(path).name
    with open(path, "rb") as file:
        if start > 0:
            file.seek(start - 1)
            file.readline()  # the end of a line that begins in an earlier range
        offset = file.tell()
        while offset < end:
            data = file.read(min(block_bytes, end - offset))
            if not data:
                raise TaskFailed(
                    f"the input {path} ends at byte {offset}: it had {end} bytes at least when the "
                    "job began; leave it as it is while a job runs"
                )
            if not data.endswith(b"\n"):
                last = data.rfind(b"\n") + 1
                rest = file.readline(MAX_LINE_BYTES + 1)
                if len(rest) > MAX_LINE_BYTES:
                    raise TaskFailed(
                        f"{path} has a line of more than {MAX_LINE_BYTES} bytes at byte "
                        f"{offset + last}: is it a text, with lines?"
                    )
                data += rest
            yield Block(name, offset, data)
            offset += len(data)
