"""Echo servers as a lab would declare them whose members may lie: for tests with live processes."""

from dataclasses import replace
from typing import Any

from common.contract import NodeId
from common.contract.lies import SILENT, Liar, Lie, Plan, the_same
from common.values.units import MS
from common.worlds import Worlds
from stage1_foundations.echo.node import Pong
from stage1_foundations.echo.worlds import WORLDS as ECHO


def mocks(liar: Liar, to: NodeId, pong: Any) -> Pong:
    """Another text."""
    return Pong(pong.number, f"{liar.id} mocks {pong.text}")


WORLDS: Worlds = replace(
    ECHO,
    behaviours={
        "mocks": Plan(Lie(of=(Pong,), says=mocks)),
        "is silent": SILENT,
        "dawdles": Plan(Lie(of=(Pong,), says=the_same, after=300 * MS)),
    },
)
