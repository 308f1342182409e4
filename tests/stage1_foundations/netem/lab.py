"""The lab ``netem``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage1_foundations.netem import roundtrips, shape


class NetemLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage1_foundations.netem.roundtrips import LEAST_RETRANSMISSION_US, Summary
        from stage1_foundations.netem.shape import Shape

        cut_links = staticmethod(shape.cut_links)
        fraction_within = staticmethod(roundtrips.fraction_within)
        islands = staticmethod(shape.islands)
        judge_loss = staticmethod(roundtrips.judge_loss)
        judge_times = staticmethod(roundtrips.judge_times)
        late_after = staticmethod(roundtrips.late_after)
        late_fraction = staticmethod(roundtrips.late_fraction)
        netem_arguments = staticmethod(shape.netem_arguments)
        percentile = staticmethod(roundtrips.percentile)
        summarise = staticmethod(roundtrips.summarise)
        tc_commands = staticmethod(shape.tc_commands)
        wilson_interval = staticmethod(roundtrips.wilson_interval)
