"""The table: which shard owns which keys, and how old it is.

All keys in their order are cut into *chunks*, ranges without holes between them. Each chunk has one
owner. A table never changes; a split or a move makes the next one.

**Versions.** Each chunk has a version ``(major, minor)``. A split changes who owns nothing, so it
counts the minor number up. A move counts the major number up: the chunk that moves gets the next
one, and so does *one chunk that stays with the shard that gave*. The version of a shard is the
greatest of its chunks. So a move changes the versions of both shards that it is about and of no
other one, and a router with an old table is refused by just these two.

Hashed sharding is the same table over hashes: neighbours in the order of keys are then strangers.
(MongoDB's "Sharding Internals", in its repository: src/mongo/db/s/README.md.)
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from hashlib import md5
from typing import TypeAlias

from common.contract import NodeId, record

Version: TypeAlias = tuple[int, int]
"""Major and minor number."""

NONE: Version = (0, 0)
"""The version of a shard that owns nothing."""

LEAST, GREATEST = "", "\U0010ffff"
"""No key comes before the first one, and every key comes before the second one."""

HASH_DIGITS = 16
"""A hash is a number of 64 bits, as hexadecimal digits: they are in order as the numbers are."""


@record
class Chunk:
    """The keys from ``low`` on and below ``high`` are the shard's.

    Attributes:
        version: of the last split or move that this chunk took part in.
    """

    low: str
    high: str
    shard: NodeId
    version: Version

    def covers(self, key: str) -> bool:
        """Whether the key is in this chunk: ``low`` is, ``high`` is not."""
        return self.low <= key < self.high


@record
class Table:
    """All chunks, in order. The first begins at LEAST, each next one where the one before ends, and
    the last ends at GREATEST."""

    chunks: tuple[Chunk, ...]

    @property
    def version(self) -> Version:
        """The greatest version of all chunks: it grows with each change of the table."""
        return max(chunk.version for chunk in self.chunks)

    def chunks_of(self, shard: NodeId) -> tuple[Chunk, ...]:
        """The chunks of a shard, in order."""
        return tuple(chunk for chunk in self.chunks if chunk.shard == shard)


def chunk_of(table: Table, key: str) -> Chunk:
    """The chunk that has the key."""
    lows = [chunk.low for chunk in table.chunks]
    return table.chunks[bisect_right(lows, key) - 1]


def owner(table: Table, key: str) -> NodeId:
    """The shard that has the key."""
    return chunk_of(table, key).shard


def shard_version(table: Table, shard: NodeId) -> Version:
    """The greatest version of the shard's chunks; NONE if it has none."""
    return max((chunk.version for chunk in table.chunks_of(shard)), default=NONE)


def split(table: Table, at: str) -> Table:
    """The next table, in which a chunk begins at ``at``.

    The two halves get the next two minor numbers of the table's version, the lower half the lower
    one. Where a chunk begins already nothing is split, and the same table comes back.
    """
    chunk = chunk_of(table, at)
    if chunk.low == at:
        return table
    major, minor = table.version
    lower = replace(chunk, high=at, version=(major, minor + 1))
    upper = replace(chunk, low=at, version=(major, minor + 2))
    return _with(table, lower, upper)


def moved(table: Table, low: str, to: NodeId) -> Table:
    """The next table, in which the chunk that begins at ``low`` is ``to``'s.

    The chunk gets the next major number, and minor number 0. If the shard that had it has other
    chunks, the first of these gets the same major number, and minor number 1.
    """
    chunk = chunk_of(table, low)
    major = table.version[0] + 1
    table = _with(table, replace(chunk, shard=to, version=(major, 0)))
    for stays in table.chunks_of(chunk.shard)[:1]:
        table = _with(table, replace(stays, version=(major, 1)))
    return table


def touched(table: Table, low: str) -> Table:
    """The next table, in which nothing is different but the version: the chunk that begins at
    ``low`` gets the next minor number of the table's version."""
    major, minor = table.version
    return _with(table, replace(chunk_of(table, low), version=(major, minor + 1)))


def _with(table: Table, *new: Chunk) -> Table:
    """A table with new chunks in the place of what was in their range."""
    low, high = new[0].low, new[-1].high
    before = (chunk for chunk in table.chunks if chunk.high <= low)
    behind = (chunk for chunk in table.chunks if chunk.low >= high)
    return Table((*before, *new, *behind))


def first_table(shards: Sequence[NodeId], hashed: bool = False) -> Table:
    """The table in the beginning, which all compute alike.

    By range the first shard has one chunk of all keys: nobody knows yet which keys will come. Of
    hashes one knows: they are spread evenly, so each shard gets its even part at once.
    """
    if not hashed:
        return Table((Chunk(LEAST, GREATEST, shards[0], (1, 0)),))
    count = len(shards)
    inner = [f"{(number << 64) // count:0{HASH_DIGITS}x}" for number in range(1, count)]
    bounds = [LEAST, *inner, GREATEST]
    parts = zip(bounds, bounds[1:], shards, strict=False)
    return Table(
        tuple(Chunk(low, high, shard, (1, minor)) for minor, (low, high, shard) in enumerate(parts))
    )


def hash_of(key: str) -> str:
    """The first 64 bits of the key's MD5 digest, as 16 hexadecimal digits. (MongoDB takes the same
    digest. It need not be secret, only even.)"""
    return md5(key.encode(), usedforsecurity=False).hexdigest()[:HASH_DIGITS]


def place_of(key: str, hashed: bool) -> str:
    """Where a key stands in the order of the table: the key itself, or its hash and then the key.

    Two keys may have one hash; with the key behind it they are still two.
    """
    return hash_of(key) + key if hashed else key


def key_of(place: str, hashed: bool) -> str:
    """The key that stands there."""
    return place[HASH_DIGITS:] if hashed else place
