"""The lab ``link`` in every world: two ends, a router of their own between them, and trouble.

The member n1 is a :class:`~stage1_foundations.link.full_duplex.Router`, which may be killed at any
moment. The clients c1 and c2 are the two ends of a link through it: each transfers a batch of items
to the other, then takes as many. What one transferred and the other was given is in the history.
"""

from common.contract.node import Node
from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import kill_first, rough_then_calm, together
from stage1_foundations.link.checks import batches, everything_once_in_order
from stage1_foundations.link.full_duplex import (
    FireAndForgetEnd,
    Router,
    SlidingWindowEnd,
    StopAndWaitEnd,
)
from stage1_foundations.link.small import (
    ONE_BIT_ON_A_NETWORK,
    ONE_BIT_ON_A_WIRE,
    SLIDING_WINDOW,
    STOP_AND_WAIT,
)

IN_ORDER = "each item once, in order"


def _through_a_router(title: str, end: type[Node], breaks: tuple[str, ...] = ()) -> Variant:
    return Variant(
        f"{title} through a router",
        node=Router,
        client=end,
        choose=batches,
        checks={IN_ORDER: everything_once_in_order},
        client_config={"receiver": "n1"},
        breaks=breaks,
    )


WORLDS = Worlds(
    __package__,
    variants={
        "sliding-window": _through_a_router("sliding windows", SlidingWindowEnd),
        "stop-and-wait": _through_a_router("stop and wait", StopAndWaitEnd),
        "fire-and-forget": _through_a_router("fire and forget", FireAndForgetEnd, (IN_ORDER,)),
    },
    live=Size(members=1, clients=2),
    columns=("passed_on",),
    trouble=together(rough_then_calm, kill_first),
    small={
        "stop-and-wait": STOP_AND_WAIT,
        "sliding-window": SLIDING_WINDOW,
        "one-bit-on-a-wire": ONE_BIT_ON_A_WIRE,
    },
    broken={"one-bit-on-a-network": ONE_BIT_ON_A_NETWORK},
)
