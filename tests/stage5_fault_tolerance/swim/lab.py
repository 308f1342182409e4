"""The lab ``swim``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class SwimLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage5_fault_tolerance.swim import suspicion
        from stage5_fault_tolerance.swim.detector import (
            FixedTimeout,
            Heartbeat,
            PhiAccrual,
            Watcher,
        )
        from stage5_fault_tolerance.swim.dissemination import Swim
        from stage5_fault_tolerance.swim.lifeguard import Lifeguard
        from stage5_fault_tolerance.swim.members import Entry
        from stage5_fault_tolerance.swim.messages import (
            Ack,
            Alive,
            Dead,
            Join,
            Members,
            Nack,
            News,
            Ping,
            PingReq,
            Suspect,
        )
        from stage5_fault_tolerance.swim.probing import AckIsLate, PeriodBegins, Prober
        from stage5_fault_tolerance.swim.suspicion import Suspecter

        overrides = staticmethod(suspicion.overrides)
        is_plausible = staticmethod(suspicion.is_plausible)
