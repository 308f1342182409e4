"""The lab ``kv``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage3_partitioning.kv import balance, ownership, partitioners, ring, slots, store


class KvLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage3_partitioning.kv.client import StoreClient
        from stage3_partitioning.kv.commands import (
            ELEMENT,
            MAX_KEY,
            MAX_VALUE,
            AddNode,
            Append,
            CompareAndSet,
            Delete,
            Expire,
            Get,
            Increment,
            Look,
            Problem,
            Push,
            Put,
            PutIf,
            RemoveNode,
            TimeToLive,
        )
        from stage3_partitioning.kv.coordinator import Tick
        from stage3_partitioning.kv.messages import (
            Answer,
            Ask,
            Begin,
            Changed,
            ChangeRequest,
            Done,
            Move,
            Moved,
            Prepare,
            Prepared,
            Refused,
            Request,
            Serve,
            Session,
            Table,
            TableAsked,
            TableIs,
            TableTaken,
            Taken,
            TryAgain,
        )
        from stage3_partitioning.kv.ownership import MOST_SESSIONS, Incoming, Outgoing, Standing
        from stage3_partitioning.kv.partitioners import ModuloPartitioner, RangePartitioner
        from stage3_partitioning.kv.ring import RingPartitioner
        from stage3_partitioning.kv.server import StoreNode
        from stage3_partitioning.kv.shard import MOST_HELD
        from stage3_partitioning.kv.slots import SlotPartitioner
        from stage3_partitioning.kv.store import Store

        between = staticmethod(ownership.between)
        carry_out = staticmethod(store.carry_out)
        cut = staticmethod(ownership.cut)
        fitted_ranges = staticmethod(partitioners.fitted_ranges)
        hash_tag = staticmethod(slots.hash_tag)
        imbalance = staticmethod(balance.imbalance)
        key_slot = staticmethod(slots.key_slot)
        movement = staticmethod(balance.movement)
        points_of = staticmethod(ring.points_of)
        rebalanced = staticmethod(slots.rebalanced)
        shares = staticmethod(balance.shares)
        stable_hash = staticmethod(partitioners.stable_hash)
        standing = staticmethod(ownership.standing)
