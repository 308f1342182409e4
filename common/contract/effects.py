"""What a node can ask of its world. A node never does any of this itself.

The world carries out the effects of one step in the order in which they were asked for, and makes
all saves of a step durable, as one unit, before any other effect of that step can be seen outside.
"""

from dataclasses import dataclass
from typing import TypeAlias

from common.contract.events import CallId, NodeId, SavedKey, TimerId
from common.values.history import Outcome


@dataclass(slots=True)
class Send:
    """Send ``message`` to ``to``. It may be lost, late, doubled, or overtaken by another."""

    to: NodeId
    message: object


@dataclass(slots=True)
class Broadcast:
    """Send ``message`` to each of ``to``, in that order; the sender is never one of them."""

    to: tuple[NodeId, ...]
    message: object


@dataclass(slots=True)
class SetTimer:
    """Hand ``timer`` back to the node once ``after`` microseconds of its own clock have passed."""

    id: TimerId
    after: int
    timer: object


@dataclass(slots=True)
class CancelTimer:
    """Forget the timer ``id``; nothing happens if it has fired or was cancelled before."""

    id: TimerId


@dataclass(slots=True)
class Save:
    """Make ``value`` durable under ``key``, in place of what was there."""

    key: SavedKey
    value: object


@dataclass(slots=True)
class Forget:
    """Make it durable that nothing is saved under ``key``."""

    key: SavedKey


@dataclass(slots=True)
class Return:
    """Tell the client that ``call`` ended with ``outcome``."""

    call: CallId
    outcome: Outcome


@dataclass(slots=True)
class Note:
    """An annotation for the picture; it changes nothing."""

    text: str
    fields: dict[str, object]


@dataclass(slots=True)
class Deliver:
    """Hand ``value`` to the node around this one.

    If this node is a subnode, the node around it takes the value, and no world ever sees the
    effect. If it runs alone, nobody is there to take it: worlds show it in the trace, and a test
    finds it among the effects of the step.
    """

    value: object


Effect: TypeAlias = (
    Send | Broadcast | SetTimer | CancelTimer | Save | Forget | Return | Note | Deliver
)
