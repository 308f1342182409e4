"""The lab ``clocks``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class ClocksLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage2_communication.clocks.causal import CausalChat, VectorPost
        from stage2_communication.clocks.lamport import LamportClock
        from stage2_communication.clocks.ordered import (
            Acknowledgement,
            OrderedChat,
            Read,
            Say,
            TimedPost,
        )
        from stage2_communication.clocks.vector import VectorClock
