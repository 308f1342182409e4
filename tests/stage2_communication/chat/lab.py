"""The lab ``chat``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class ChatLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage2_communication.chat.arrival import ArrivalMember
        from stage2_communication.chat.causal import CausalMember
        from stage2_communication.chat.client import Request
        from stage2_communication.chat.messages import (
            Acknowledgement,
            Ask,
            Goodbye,
            Join,
            Knock,
            Leave,
            Post,
            Posts,
            Read,
            Remove,
            Said,
            Say,
            Tell,
        )
        from stage2_communication.chat.posts import MAX_EARLY, HeldPosts
        from stage2_communication.chat.total import TotalOrderMember
