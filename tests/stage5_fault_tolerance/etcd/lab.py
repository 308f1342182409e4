"""The lab ``etcd``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage5_fault_tolerance.etcd import history, problems


class EtcdLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage5_fault_tolerance.etcd.batches import MOST_COMMANDS, Batches
        from stage5_fault_tolerance.etcd.client import EtcdClient
        from stage5_fault_tolerance.etcd.commands import (
            Arm,
            Changes,
            Compact,
            Compare,
            DeleteRange,
            Disarm,
            HashKV,
            LeaseGrant,
            LeaseKeepAlive,
            LeaseList,
            LeaseRevoke,
            LeaseTimeToLive,
            MoveLeader,
            Put,
            Range,
            Txn,
        )
        from stage5_fault_tolerance.etcd.deadlines import MOST_AT_ONCE, Deadlines
        from stage5_fault_tolerance.etcd.history import History
        from stage5_fault_tolerance.etcd.leases import Leases
        from stage5_fault_tolerance.etcd.messages import Committed, Probed
        from stage5_fault_tolerance.etcd.problems import MOST_BYTES
        from stage5_fault_tolerance.etcd.requests import Asked
        from stage5_fault_tolerance.etcd.results import (
            DeleteResult,
            Done,
            KeyValue,
            LeaseResult,
            PutResult,
            RangeResult,
            Refused,
            TxnResult,
        )
        from stage5_fault_tolerance.etcd.server import EtcdServer
        from stage5_fault_tolerance.etcd.store import CHUNK, HistoryPart, Store

        cost_of = staticmethod(history.cost_of)
        problem_of = staticmethod(problems.problem_of)
        size_of = staticmethod(problems.size_of)
