"""The lab ``queue``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class QueueLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage2_communication.queue import subjects
        from stage2_communication.queue.client import (
            Finish,
            GiveBack,
            KeepOn,
            Post,
            QueueClient,
            Take,
        )
        from stage2_communication.queue.dead import DeadLetterBroker
        from stage2_communication.queue.durable import DurableBroker
        from stage2_communication.queue.leases import Extend, LeaseOver, LeasingBroker, Nack
        from stage2_communication.queue.ordered import OrderedBroker
        from stage2_communication.queue.subjects import Interest
        from stage2_communication.queue.topics import (
            Ack,
            Batch,
            Broker,
            Delivery,
            Fetch,
            Publish,
            Published,
            Settled,
        )

        is_literal = staticmethod(subjects.is_literal)
        is_pattern = staticmethod(subjects.is_pattern)
        is_subject = staticmethod(subjects.is_subject)
        matches = staticmethod(subjects.matches)
