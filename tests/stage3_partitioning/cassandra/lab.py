"""The lab ``cassandra``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage3_partitioning.cassandra import acceptor, compaction, indexed, lsm, quorum


class CassandraLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage3_partitioning.cassandra.acceptor import (
            Accepted,
            Commit,
            Committed,
            Prepare,
            Promise,
            Proposal,
            Propose,
            Refused,
            Register,
        )
        from stage3_partitioning.cassandra.compaction import CompactingStore
        from stage3_partitioning.cassandra.files import MemoryFiles, PowerCut
        from stage3_partitioning.cassandra.indexed import Bloom, DamagedTable, IndexedTable
        from stage3_partitioning.cassandra.light import BeginAgain, Cassandra
        from stage3_partitioning.cassandra.lsm import Cell, Store, Table
        from stage3_partitioning.cassandra.quorum import Coordinator, TimeIsOver
        from stage3_partitioning.cassandra.replica import (
            Found,
            Get,
            Mutate,
            Mutated,
            Put,
            PutIf,
            Read,
            Shown,
            TooMuch,
            Value,
        )

        newer = staticmethod(lsm.newer)
        merged = staticmethod(lsm.merged)
        write_table = staticmethod(lsm.write_table)
        sparse_index = staticmethod(indexed.sparse_index)
        size_tiered = staticmethod(compaction.size_tiered)
        levelled = staticmethod(compaction.levelled)
        needed = staticmethod(quorum.needed)
        lacking = staticmethod(quorum.lacking)
        NOTHING = acceptor.NOTHING
