"""A request of a client at a server, from its arrival to its end."""

from dataclasses import dataclass

from common.contract import CallId
from common.values.units import MS

MOST_WAITING = 10_000
"""Changes that wait in one server, and reads likewise; more are refused."""
REPEAT_AFTER = 200 * MS
"""How long a batch or a probe is under way before it is sent again."""
LONGEST_PAUSE = 1600 * MS
"""A batch may be large, and each repetition is on the way as well. So each pause between two of
them is twice as long as the one before, up to this."""


@dataclass(slots=True)
class Asked:
    """A request that is not answered yet, and when to give up.

    Attributes:
        call: what ends with it.
        request: what was asked for.
        until: when its time is over.
    """

    call: CallId
    request: object
    until: int
