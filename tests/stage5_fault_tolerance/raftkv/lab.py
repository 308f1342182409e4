"""The lab ``raftkv``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class RaftkvLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage5_fault_tolerance.raftkv.client import KeyValueClient
        from stage5_fault_tolerance.raftkv.commands import (
            Append,
            Compare,
            CompareAndSet,
            Delete,
            Get,
            Item,
            Put,
            Range,
            RangeResult,
            Refused,
            Transaction,
            TransactionResult,
        )
        from stage5_fault_tolerance.raftkv.server import RaftKeyValue
        from stage5_fault_tolerance.raftkv.store import (
            MAX_COMMAND,
            MAX_STEPS,
            MAX_VALUE,
            KeyValueStore,
        )
