"""The lab ``pbft`` in every world: a store on four replicas, of which one may lie.

Live, the first primary lies in one way after another while clients write. The history must still be
linearizable.
"""

from collections.abc import Sequence

from common.contract import NodeId
from common.values.faults import HONEST, Corrupt, Schedule
from common.values.units import MS
from common.worlds import Size, Variant, Worlds
from stage7_advanced.pbft.broken import BEHAVIOURS
from stage7_advanced.pbft.checks import linearizable, some_change_or_query
from stage7_advanced.pbft.small import LYING_BACKUP, LYING_PRIMARY, TWO_LIARS
from stage7_advanced.pbft.small_generals import FOUR_GENERALS, THREE_GENERALS
from stage7_advanced.pbft.small_viewchange import BROKEN_VIEW_CHANGE, VIEW_CHANGES
from stage7_advanced.pbft.store import Store, StoreClient


def the_first_lies(members: Sequence[NodeId], duration: int) -> Schedule:
    """The first member lies in one way after the other, and is honest for the last fifth."""
    lies = ("equivocates", "corrupts-digests", "answers-wrongly", "silent", HONEST)
    turn = duration // len(lies)
    return Schedule(Corrupt(number * turn, members[0], lie) for number, lie in enumerate(lies))


WORLDS = Worlds(
    __package__,
    variants={
        "store": Variant(
            "a store on four replicas, of which one may lie",
            node=Store,
            client=StoreClient,
            choose=some_change_or_query,
            checks={"linearizable": linearizable},
        )
    },
    live=Size(
        members=4,
        clients=6,
        config={"patience": 300 * MS, "status_every": 200 * MS, "every": 64, "window": 256},
    ),
    simulated=Size(members=4, clients=2, config={"every": 4, "window": 8}),
    liars=1,
    behaviours=BEHAVIOURS,
    columns=("role", "view", "executed", "stable", "in vain"),
    trouble=the_first_lies,
    small={
        "lying-primary": LYING_PRIMARY,
        "lying-backup": LYING_BACKUP,
        **VIEW_CHANGES,
        **FOUR_GENERALS,
    },
    broken={"two-liars": TWO_LIARS, **BROKEN_VIEW_CHANGE, **THREE_GENERALS},
)
