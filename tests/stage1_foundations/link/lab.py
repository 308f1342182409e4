"""The lab ``link``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage1_foundations.link import theory


class LinkLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage1_foundations.link.durable_receiver import DurableReceiver
        from stage1_foundations.link.ends import Take, Transfer
        from stage1_foundations.link.retransmission_timeout import (
            GRANULARITY_US,
            GREATEST_US,
            INITIAL_US,
            LEAST_US,
            RetransmissionTimeout,
        )
        from stage1_foundations.link.sliding_window import (
            MAX_BLOCKS,
            Acknowledgement,
            Segment,
            SlidingWindowReceiver,
            SlidingWindowSender,
        )
        from stage1_foundations.link.stop_and_wait import (
            Ack,
            Frame,
            StopAndWaitReceiver,
            StopAndWaitSender,
        )

        sliding_window_goodput = staticmethod(theory.sliding_window_goodput)
        stop_and_wait_goodput = staticmethod(theory.stop_and_wait_goodput)
        window_to_fill = staticmethod(theory.window_to_fill)
