"""The lab ``rpc``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class RpcLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage2_communication.rpc.calls import Callee, Caller, DeadlinePassed, Reply, Request
        from stage2_communication.rpc.deadlines import (
            Budget,
            BusyCallee,
            Cancel,
            CancelOldest,
            ThriftyCaller,
            Worked,
        )
        from stage2_communication.rpc.once import OnceCallee, PutAgain, RetryingCaller
        from stage2_communication.rpc.served import Serve, Server, StopServing
        from stage2_communication.rpc.streams import (
            Item,
            Last,
            Listen,
            Open,
            Stalled,
            StreamingCallee,
            StreamingCaller,
        )
