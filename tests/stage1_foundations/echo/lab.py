"""The lab ``echo``, as its suite sees it."""

from typing import TYPE_CHECKING

from common.course.suites.under_test import LabUnderTest

if TYPE_CHECKING:
    from stage1_foundations.echo import frames


class EchoLab(LabUnderTest):
    """What the suite uses of the lab; the names come from the implementation under test."""

    if TYPE_CHECKING:
        from stage1_foundations.echo.client import Backoff, EchoClient, NoAnswer
        from stage1_foundations.echo.frames import FrameDecoder
        from stage1_foundations.echo.node import Caller, Echo, Ping, Pong, Say
        from stage1_foundations.echo.server import EchoServer

        encode_frame = staticmethod(frames.encode_frame)
