"""The lab ``gossip``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class GossipLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage2_communication.gossip.certificates import Delete, DeletingSite
        from stage2_communication.gossip.pull import Ask, Needed, News, Puller, PushPuller
        from stage2_communication.gossip.rumors import (
            Feedback,
            Known,
            Push,
            Round,
            Spreader,
            Tell,
        )
        from stage2_communication.gossip.sites import (
            CompareDue,
            Everything,
            Get,
            Missing,
            Offer,
            Put,
            Reply,
            Site,
        )
        from stage2_communication.gossip.store import Entry, Store
