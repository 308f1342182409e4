"""The lab ``multileader``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class MultileaderLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage3_partitioning.multileader import versions
        from stage3_partitioning.multileader.latest import LastWriterWins
        from stage3_partitioning.multileader.shipping import Get, Have, Leader, Put, Shipment
        from stage3_partitioning.multileader.siblings import Siblings
        from stage3_partitioning.multileader.versions import Write

        concurrent = staticmethod(versions.concurrent)
        covers = staticmethod(versions.covers)
        kept = staticmethod(versions.kept)
        merged = staticmethod(versions.merged)
        replaces = staticmethod(versions.replaces)
