"""The lab ``election``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class ElectionLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage2_communication.election import bully, ring, terms
        from stage2_communication.election.bully import (
            Answer,
            Bully,
            Coordinator,
            Election,
            NoAnswer,
            NoCoordinator,
            WhoLeads,
        )
        from stage2_communication.election.fencing import (
            Machine,
            NotStored,
            Read,
            Refused,
            Resource,
            Store,
            Stored,
            Write,
            Writer,
        )
        from stage2_communication.election.ring import (
            Candidate,
            Elected,
            NotReceived,
            Pass,
            Received,
            RingProcess,
        )
        from stage2_communication.election.terms import (
            ElectionTimeout,
            Heard,
            LeaseOver,
            Outdated,
            PromiseOver,
            RequestVote,
            Vote,
            Voter,
        )
