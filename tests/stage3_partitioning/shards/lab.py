"""The lab ``shards``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class ShardsLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage3_partitioning.shards import balancer, chunks
        from stage3_partitioning.shards.balancer import Balancer, BalancerTick, Splitting
        from stage3_partitioning.shards.chunks import Chunk, Table
        from stage3_partitioning.shards.config import ConfigServer
        from stage3_partitioning.shards.messages import (
            Append,
            Batch,
            Changed,
            Commit,
            CompareAndSet,
            Delete,
            Found,
            Get,
            GiveUp,
            Item,
            Look,
            MoveAsked,
            MoveChunk,
            MoveTo,
            Put,
            Receive,
            Refused,
            Request,
            Scan,
            Seen,
            Session,
            SplitAsked,
            SplitAt,
            StaleConfig,
            TableAsked,
            TableIs,
            Taken,
            TooLarge,
            Written,
        )
        from stage3_partitioning.shards.migration import (
            Donating,
            Incoming,
            Migrating,
            MigrationTick,
        )
        from stage3_partitioning.shards.router import Router
        from stage3_partitioning.shards.server import QuietServer, Server
        from stage3_partitioning.shards.shard import Shard

        chunk_of = staticmethod(chunks.chunk_of)
        first_table = staticmethod(chunks.first_table)
        moved = staticmethod(chunks.moved)
        owner = staticmethod(chunks.owner)
        place_of = staticmethod(chunks.place_of)
        shard_version = staticmethod(chunks.shard_version)
        split = staticmethod(chunks.split)
        touched = staticmethod(chunks.touched)
        middle = staticmethod(balancer.middle)
        next_move = staticmethod(balancer.next_move)
