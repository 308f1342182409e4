"""Splits and moves that nobody asks for: chunks stay small, and shards become even.

A shard says when one of its chunks has too many documents; the config server splits it. The
balancer moves one chunk at a time, from the shard with most chunks to the one with fewest, until
they differ by one at most. Each move brings them nearer, so it comes to an end. A balancer that
moved a chunk for a difference of one would only swap the two shards, and go on forever.
"""

from collections.abc import Sequence
from typing import Any

from common.contract import NodeId, on, timer
from common.values.units import MS
from stage3_partitioning.shards.chunks import Chunk, Table, chunk_of, split
from stage3_partitioning.shards.config import ConfigServer
from stage3_partitioning.shards.messages import Changed, SplitAsked, TableIs, TooLarge
from stage3_partitioning.shards.migration import Migrating, MigrationTick

BALANCE_EVERY = 100 * MS
"""How long the balancer waits between two looks."""

MOST_DOCUMENTS = 1000
"""A chunk with more documents is split."""

ENOUGH_CHUNKS = 32
"""A shard with more chunks than this has larger ones instead: everybody has the whole table, and
gets all of it with each change."""


@timer
class BalancerTick:
    """Time to look whether the shards are even."""


def middle(places: Sequence[str]) -> str:
    """Where to split a chunk with these places, so that its halves have as many of them: the place
    in the middle, the first of the upper half.

    Args:
        places: in any order; at least two.
    """
    return sorted(places)[len(places) // 2]


def next_move(table: Table, shards: Sequence[NodeId]) -> tuple[Chunk, NodeId] | None:
    """The chunk to move next, and where to; None if no two shards differ by more than one chunk.

    From the shard with most chunks to the one with fewest; of several the first one in ``shards``.
    It is the shard's first chunk.
    """
    most = max(shards, key=lambda shard: len(table.chunks_of(shard)))
    fewest = min(shards, key=lambda shard: len(table.chunks_of(shard)))
    chunks = table.chunks_of(most)
    if len(chunks) - len(table.chunks_of(fewest)) < 2:
        return None
    return chunks[0], fewest


class Balancer(ConfigServer):
    """A config server that splits, and evens shards out.

    Args:
        id, peers, options: as for ConfigServer.
        balance: whether chunks are moved without a person's word.
        balance_every: in microseconds.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        balance: bool = True,
        balance_every: int = BALANCE_EVERY,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.balance = balance
        self.balance_every = balance_every

    def on_start(self) -> None:
        """Look after the shards from now on, if it is this node that decides."""
        super().on_start()
        if self.id == self.config_server:
            self.set_timer(self.balance_every, BalancerTick())

    @on(SplitAsked)
    def split_asked_for(self, asked: SplitAsked, sender: NodeId) -> None:
        """Split, and say Changed when a chunk begins there. The router asks again."""
        if self.split_there(asked.place):
            self.send(sender, Changed(asked.number))

    @on(TooLarge)
    def too_large(self, large: TooLarge, shard: NodeId) -> None:
        """Split, and tell the shard."""
        self.split_there(large.place)
        self.send(shard, TableIs(self.table))

    def split_there(self, place: str) -> bool:
        """Let a chunk begin at the place; returns whether one does.

        While a chunk moves nothing is split: a newer table would end the migration.
        """
        table = split(self.table, place)
        if table != self.table:
            if self.move_under_way() is not None:
                return False
            self.decide(table)
        return True

    @on(BalancerTick)
    def balancer_tick(self, timer: BalancerTick) -> None:
        """Say again what moves; if nothing does, let the next chunk move, if there is one."""
        moving = self.move_under_way()
        if moving is not None:
            self.begin(chunk_of(self.table, moving.low), moving.to)
        elif self.balance and (move := next_move(self.table, self.shards)):
            self.begin(*move)
        self.set_timer(self.balance_every, BalancerTick())


class Splitting(Migrating):
    """A shard that says when a chunk has grown too large.

    Args:
        id, peers, options: as for Migrating.
        most_documents: how many a chunk may have, where a shard has not very many.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        most_documents: int = MOST_DOCUMENTS,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.most_documents = most_documents

    def most_in_a_chunk(self) -> int:
        """How many documents a chunk may have: ``most_documents``, or more if this shard has so
        many that they would be in more than ENOUGH_CHUNKS."""
        owned = sum(
            self.documents.count(chunk.low, chunk.high) for chunk in self.table.chunks_of(self.id)
        )
        return max(self.most_documents, owned // ENOUGH_CHUNKS)

    @on(MigrationTick)
    def migration_tick(self, timer: MigrationTick) -> None:
        """Look for a chunk that is too large, too; the first one is enough for a tick."""
        super().migration_tick(timer)
        most = self.most_in_a_chunk()
        for chunk in self.table.chunks_of(self.id):
            if self.documents.count(chunk.low, chunk.high) > most:
                places = self.documents.between(chunk.low, chunk.high)
                self.send(self.config_server, TooLarge(middle(places)))
                break
