"""The lab ``replication``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class ReplicationLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage3_partitioning.replication import operator
        from stage3_partitioning.replication.acknowledging import Acknowledging
        from stage3_partitioning.replication.client import Client
        from stage3_partitioning.replication.failover import (
            Fence,
            Fenced,
            Outdated,
            Promote,
            Promoted,
            Replaceable,
        )
        from stage3_partitioning.replication.log import Copy, Entry, Log
        from stage3_partitioning.replication.operator import Failover, Operator
        from stage3_partitioning.replication.rejoin import AskAll, Replace, Replica, Truncate
        from stage3_partitioning.replication.sessions import Behind, Serving, Session
        from stage3_partitioning.replication.shipping import (
            Ask,
            Get,
            GetRequest,
            Got,
            Have,
            Member,
            NotLeader,
            Put,
            PutDone,
            PutRequest,
            Ship,
            ShipAgain,
        )

        furthest = staticmethod(operator.furthest)
