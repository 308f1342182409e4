"""Pairs on disk and on wires: blocks of keys and values, each with its length and checksum.

Many pairs are written at once, as one list of keys and one of values, by ``marshal``: that is what
makes a pair cheap. What ``marshal`` cannot write, no key or value may be. Its bytes are read by
processes of one cluster alone, which know each other by a secret.
"""

import marshal
import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Protocol
from zlib import crc32

from stage6_compute.mapreduce.front.problems import PieceLost, TaskFailed, shown

HEADER = struct.Struct("<II")
"""The length of what follows, and its CRC-32."""
FORMAT = 2
"""Of marshal. Later ones look for objects that occur twice, which takes as long as all else."""
ROWS = 20_000
"""So many pairs are in a block at most."""
MAX_BLOCK_BYTES = 1 << 31


class Source(Protocol):
    """Whatever bytes can be read from: a file, an answer by HTTP."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; fewer at the end only."""


def write_blocks(
    file: BinaryIO, keys: Sequence[Any], values: Sequence[Any], rows: int = ROWS
) -> None:
    """Add pairs to a file.

    Raises:
        TaskFailed: a key or a value is of a kind that cannot be written.
        OSError: the disk is full, say.
    """
    for start in range(0, len(keys), rows):
        columns: Any = (keys[start : start + rows], values[start : start + rows])
        try:
            body = marshal.dumps(columns, FORMAT)
        except ValueError:
            raise TaskFailed(_not_written(*columns)) from None
        file.write(HEADER.pack(len(body), crc32(body)))
        file.write(body)


def read_blocks(source: Source) -> Iterator[tuple[list[Any], list[Any]]]:
    """The pairs of a file, block by block.

    Raises:
        PieceLost: it ends too early, or is damaged.
    """
    while header := source.read(HEADER.size):
        if len(header) < HEADER.size:
            raise PieceLost("it ends within a header")
        length, checksum = HEADER.unpack(header)
        body = source.read(length) if length <= MAX_BLOCK_BYTES else b""
        if len(body) < length or crc32(body) != checksum:
            raise PieceLost("a block of it is damaged")
        yield marshal.loads(body)


def _not_written(keys: Sequence[Any], values: Sequence[Any]) -> str:
    for key, value in zip(keys, values, strict=True):
        try:
            marshal.dumps((key, value), FORMAT)
        except ValueError:
            return (
                f"the pair {shown((key, value))} cannot be sent to a reduce: keys and values are "
                "text, numbers, bytes, None, and tuples, lists and dictionaries of these"
            )
    return "these pairs cannot be sent to a reduce: they are nested too deeply"
