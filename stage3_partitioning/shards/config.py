"""The config server: it keeps the table, and decides who owns what.

There is one, and each decision is on its disk before anybody is told. While it is down nothing is
split or moved, and everything else goes on. (MongoDB has three of them, which agree by a protocol
like Raft; that is stage 4.)

A Commit is a compare-and-set: it counts if the table is still the one at which the migration
began. So of several migrations that began at one table one can be committed, and that one once.
"""

from typing import NamedTuple

from common.contract import NodeId, on
from stage3_partitioning.shards.chunks import Chunk, Table, Version, chunk_of, moved, touched
from stage3_partitioning.shards.messages import (
    Changed,
    Commit,
    GiveUp,
    MoveAsked,
    MoveChunk,
    Refused,
    TableIs,
)
from stage3_partitioning.shards.shard import Caching


class Moving(NamedTuple):
    """The move under way: the migration's name, where its chunk begins, and where it goes."""

    migration: Version
    low: str
    to: NodeId


class ConfigServer(Caching):
    """The part of a server that decides about the table. Only the first shard is asked."""

    moving: Moving | None = None
    """The move under way. A crash forgets it, and the migration goes on without: whether it is
    committed depends on the table alone."""

    def decide(self, table: Table) -> None:
        """This is the table now: on disk, and told to everybody, once. A node that does not hear
        it will ask."""
        self.adopt(table)
        self.broadcast(TableIs(table))

    def move_under_way(self) -> Moving | None:
        """The move that may still be committed: each newer table has ended it."""
        if self.moving is not None and self.moving.migration != self.table.version:
            self.moving = None
        return self.moving

    @on(MoveAsked)
    def move_asked_for(self, asked: MoveAsked, sender: NodeId) -> None:
        """Changed if it is so already. Else begin, if nothing else moves. The router asks again."""
        chunk = chunk_of(self.table, asked.place)
        move = Moving(self.table.version, chunk.low, asked.to)
        if asked.to not in self.shards:
            known = ", ".join(self.shards)
            self.send(sender, Refused(asked.number, f"{asked.to} is no shard: {known} are"))
        elif chunk.shard == asked.to:
            self.send(sender, Changed(asked.number))
        elif self.move_under_way() in (None, move):
            self.begin(chunk, asked.to)

    def begin(self, chunk: Chunk, to: NodeId) -> None:
        """Tell the owner of a chunk to give it away; or tell it again."""
        self.moving = Moving(self.table.version, chunk.low, to)
        self.send(chunk.shard, MoveChunk(self.table, chunk.low, to))

    @on(Commit)
    def commit(self, commit: Commit, donor: NodeId) -> None:
        """Move the chunk, if the table is the very one at which the migration began. Then tell the
        donor the table, whether it was this Commit that made it or not."""
        if commit.migration == self.table.version:
            self.decide(moved(self.table, commit.low, commit.to))
        self.send(donor, TableIs(self.table))

    @on(GiveUp)
    def give_up(self, give_up: GiveUp, donor: NodeId) -> None:
        """Make sure that the migration is not committed any more: by a newer table, if there is
        none. Then tell it to the donor."""
        if give_up.migration == self.table.version:
            self.decide(touched(self.table, give_up.low))
        self.send(donor, TableIs(self.table))
