"""The lab ``failures``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage1_foundations.failures import apart, masking


class FailuresLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage1_foundations.failures.account import (
            AccountServer,
            Deposit,
            Done,
            Entries,
            Refused,
            Reply,
            Request,
            Statement,
            Withdraw,
        )
        from stage1_foundations.failures.apart import Known, Received, Sent
        from stage1_foundations.failures.client import AccountClient
        from stage1_foundations.failures.detect import Alive, Classify, HeartbeatDetector, Silence
        from stage1_foundations.failures.masking import (
            Answer,
            CatalogueReplica,
            Lookup,
            Question,
            VotingClient,
        )

        has_crashed = staticmethod(apart.has_crashed)
        lived_until = staticmethod(apart.lived_until)
        most_faulty = staticmethod(masking.most_faulty)
        took_effect = staticmethod(apart.took_effect)
