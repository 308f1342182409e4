"""The lab ``pbft`` in every world: a store on four replicas, of which one may lie.

Live, one of the four processes lies in one way after another while clients write; the history must
be linearizable all the same.
"""

from common.worlds import Size, Variant, Worlds
from stage7_advanced.pbft.broken import BEHAVIOURS
from stage7_advanced.pbft.checks import linearizable, some_change_or_query
from stage7_advanced.pbft.small_generals import FOUR_GENERALS, THREE_GENERALS
from stage7_advanced.pbft.store import Store, StoreClient

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
    live=Size(members=4, clients=3),
    simulated=Size(members=4, clients=2, config={"every": 4, "window": 8}),
    liars=1,
    behaviours=BEHAVIOURS,
    small=FOUR_GENERALS,
    broken=THREE_GENERALS,
    columns=("role", "view", "executed", "stable", "in vain"),
)
