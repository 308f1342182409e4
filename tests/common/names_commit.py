"""A room with a ``Prepare`` of its own: the other half."""

import enum

from common.contract import message


class Phase(enum.Enum):
    """How far a transaction is."""

    FIRST = "voting"
    SECOND = "deciding"


@message
class Prepare:
    """The first phase of two-phase commit, with what is to be done."""

    transaction: str
    steps: tuple[object, ...] = ()
    phase: Phase = Phase.FIRST
