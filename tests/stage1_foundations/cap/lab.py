"""The lab ``cap``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class CapLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage1_foundations.cap import available, client, consistent
        from stage1_foundations.cap.available import AvailableReplica, Gossip
        from stage1_foundations.cap.client import (
            Read,
            ReadRequest,
            RegisterClient,
            Write,
            WriteRequest,
        )
        from stage1_foundations.cap.consistent import ConsistentReplica
