"""Part 2: a table that can be asked without reading it.

Bloom 1970, "Space/time trade-offs in hash coding with allowable errors"; Bigtable, section 6. Two
things are written behind the cells, and are kept in memory while the table is open.

**A Bloom filter** answers "may this name be here?". It is a row of bits. A name sets some of them,
chosen by its hash. If one of a name's bits is not set, the name was never added: *no* is certain.
If all are set, other names may have set them: *yes* is a guess, wrong about once in a hundred with
ten bits for a name. So most tables that do not have a name are never read.

**A sparse index** has the place of a cell every few kilobytes. A read goes to the last entry that
is not behind the name, and reads one piece from there::

    index   (ann, 0)             (moe, 4102)
               |                    |
    file    [ann][bob] ... [liz] [moe][ned] ...   foot   place of the foot
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from common.values.errors import LabError
from stage3_partitioning.cassandra.files import content_of, contents_of, line_of
from stage3_partitioning.cassandra.lsm import (
    Cell,
    Entry,
    Name,
    Table,
    entry_of,
    line_of_entry,
    span,
)

INDEX_EVERY = 4096
"""About how many bytes lie between two entries of an index."""

BITS_PER_NAME = 10
HASHES = 7
"""So many bits a name sets: 0.7 times the bits for each name gives the fewest wrong guesses."""

_PLACE = 21
"""How many bytes the last line of a file has: twenty digits."""


class DamagedTable(LabError):
    """A table is damaged. It was whole when its manifest was written, so no crash has done it."""


class Bloom:
    """A set that may say yes to what was never added, and never says no to what was.

    Args:
        size: how many names it is made for, or the bits of an earlier one.
    """

    def __init__(self, size: int | bytes) -> None:
        whole = size if isinstance(size, bytes) else bytes(-(-size * BITS_PER_NAME // 8) or 1)
        self.bits = bytearray(whole)

    def add(self, name: Name) -> None:
        """Set all bits of a name."""
        for place in self.places(name):
            self.bits[place // 8] |= 1 << place % 8

    def might_hold(self, name: Name) -> bool:
        """Whether all bits of a name are set."""
        return all(self.bits[place // 8] >> place % 8 & 1 for place in self.places(name))

    def places(self, name: Name) -> list[int]:
        """The places of a name's bits: :data:`HASHES` of them.

        One hash gives two numbers, and these give all places: the first, and then one step of the
        second after the other, round and round (Kirsch and Mitzenmacher 2006).
        """
        digest = blake2b("\0".join(name).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        place, step = int.from_bytes(digest[:8]), int.from_bytes(digest[8:]) | 1
        return [(place + turn * step) % (len(self.bits) * 8) for turn in range(HASHES)]


def sparse_index(lengths: Iterable[tuple[Name, int]], every: int) -> list[tuple[Name, int]]:
    """Which names are in an index, and where they are: the first, and then one every so often.

    Args:
        lengths: names and the lengths of their lines, in the order of the file.
        every: a name is in the index if its line begins so many bytes or more behind the line of
            the entry before.
    """
    index: list[tuple[Name, int]] = []
    position = 0
    for name, length in lengths:
        if not index or position - index[-1][1] >= every:
            index.append((name, position))
        position += length
    return index


class IndexedTable(Table):
    """A table with a Bloom filter and a sparse index behind its cells."""

    index_every = INDEX_EVERY

    @classmethod
    def encoded(cls, entries: Iterable[Entry]) -> bytes:
        """The cells, then the foot, then the place of the foot."""
        found = list(entries)
        lines = [line_of_entry(*entry) for entry in found]
        bloom = Bloom(len(found))
        for name, _ in found:
            bloom.add(name)
        named = ((name, len(line)) for (name, _), line in zip(found, lines, strict=True))
        foot = {
            "first": found[0][0],
            "last": found[-1][0],
            "times": span(found),
            "cells": len(found),
            "index": sparse_index(named, cls.index_every),
            "bloom": bloom.bits.hex(),
        }
        data = b"".join(lines)
        return data + line_of(foot) + b"%020d\n" % len(data)

    def begin(self) -> None:
        """Read the foot alone."""
        place = self.files.read(self.file, self.size - _PLACE, _PLACE)
        self.end = int(place) if place[:-1].isdigit() else 0
        foot = content_of(
            self.files.read(self.file, self.end, max(self.size - _PLACE - self.end, 0))
        )
        if foot is None:
            raise self.damaged("its foot does not fit its checksum")
        self.first, self.last = tuple(foot["first"]), tuple(foot["last"])
        self.oldest, self.newest = foot["times"]
        self.cells = foot["cells"]
        self.index = [(tuple(name), position) for name, position in foot["index"]]
        self.bloom = Bloom(bytes.fromhex(foot["bloom"]))

    def entries(self) -> Iterator[Entry]:
        """All its cells, piece by piece."""
        for piece in range(len(self.index)):
            yield from self.piece(piece)

    def get(self, name: Name) -> Cell | None:
        """Ask the filter; if it says yes, read the one piece where the name must be."""
        if not self.first <= name <= self.last or not self.bloom.might_hold(name):
            return None
        return dict(self.piece(self.piece_of(name))).get(name)

    def scan(self, first: Name, last: Name) -> Iterator[Entry]:
        """The pieces from the one on where ``first`` would be, up to ``last``."""
        for number in range(max(self.piece_of(first), 0), len(self.index)):
            if self.index[number][0] >= last:
                return
            for name, cell in self.piece(number):
                if first <= name < last:
                    yield name, cell

    def piece_of(self, name: Name) -> int:
        """The piece in which a name is, if it is anywhere: the last that begins with it or before.

        -1 where the table begins behind it.
        """
        return bisect_right(self.index, name, key=lambda entry: entry[0]) - 1

    def piece(self, number: int) -> list[Entry]:
        """The cells from one entry of the index to the next."""
        begin = self.index[number][1]
        end = self.index[number + 1][1] if number + 1 < len(self.index) else self.end
        data = self.files.read(self.file, begin, end - begin)
        found = [entry_of(content) for content in contents_of(data)]
        if len(found) != data.count(b"\n") or len(data) != end - begin:
            raise self.damaged(f"a line behind byte {begin} does not fit its checksum")
        return found

    def damaged(self, how: str) -> DamagedTable:
        """What to tell the person."""
        return DamagedTable(
            f"{self.file} is damaged: {how}. It was whole when it was written, so the disk has "
            "changed it: remove this node's data, and let the other replicas repair it"
        )
