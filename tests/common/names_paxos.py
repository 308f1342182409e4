"""A room with a ``Prepare`` of its own: half of two protocols that meet in one node."""

import enum

from common.contract import message


class Phase(enum.Enum):
    """How far a ballot is."""

    FIRST = 1
    SECOND = 2


@message
class Prepare:
    """Phase 1a of Paxos."""

    ballot: int
    phase: Phase = Phase.FIRST


@message
class Accept:
    """Phase 2a of Paxos, with any value."""

    ballot: int
    value: object
