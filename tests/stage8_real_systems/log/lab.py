"""The lab ``log``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest


class LogLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage8_real_systems.log.node import Client, Say, Server
