"""The lab ``pbft``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage7_advanced.pbft import generals


class PbftLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from common.contract.registers import Append, Get, Put
        from stage7_advanced.pbft.generals import (
            AskGeneral,
            Deadline,
            Oral,
            OralGeneral,
            Order,
            SignedGeneral,
        )
        from stage7_advanced.pbft.messages import (
            Checkpoint,
            Commit,
            Impatience,
            NewView,
            Prepare,
            Prepared,
            PrePrepare,
            Reply,
            Request,
            State,
            Status,
            Submit,
            TellStatus,
            ViewChange,
        )
        from stage7_advanced.pbft.store import CheckpointedStore, NormalStore, Store, StoreClient

        choice = staticmethod(generals.choice)
        majority = staticmethod(generals.majority)
        messages_of_oral = staticmethod(generals.messages_of_oral)
