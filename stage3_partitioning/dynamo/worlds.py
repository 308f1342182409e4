"""Dynamo in every world: five nodes, three clients, and nodes that are killed in turn.

In ``members`` an operator takes nodes off the ring and puts them back on it, while clients write.
Then the ring rests, and the operator looks what has become of what was written.
"""

from random import Random

from common.contract import NodeId
from common.values.units import MS
from common.worlds import Size, Variant, Work, Worlds
from common.worlds.troubles import kill_in_turn
from stage3_partitioning.dynamo.checks import (
    KEYS,
    NOTES,
    every_write_is_taken,
    nothing_is_gone,
    put_get_or_note,
    put_or_get,
    reads_see_writes,
)
from stage3_partitioning.dynamo.client import Shopper
from stage3_partitioning.dynamo.keeping import Get
from stage3_partitioning.dynamo.members import Dynamo, Join, Leave
from stage3_partitioning.dynamo.small import PUT_AND_LOOK

CHANGES = (
    *(Leave("n5"), Join("n5"), Leave("n1"), Leave("n2"), Join("n1")),
    *(Leave("n3"), Join("n2"), Leave("n4"), Join("n4")),
)
"""There and back, two at a time; n3 stays away. Never are fewer than three on the ring."""


def next_change(random: Random, client: NodeId, number: int) -> Join | Leave | Get:
    """What the operator asks for next: all changes, and then what is there, key by key."""
    del random, client  # the same in every run
    keys = (*NOTES, *KEYS)
    return CHANGES[number] if number < len(CHANGES) else Get(keys[number % len(keys)])


WORLDS = Worlds(
    __package__,
    variants={
        "strict": Variant(
            "quorums of a key's homes alone: R + W > N",
            node=Dynamo,
            client=Shopper,
            choose=put_or_get,
            checks={"reads see writes": reads_see_writes},
            config={"sloppy": False},
            client_config={"among": 3},
        ),
        "sloppy": Variant(
            "others stand in for homes that are away",
            node=Dynamo,
            client=Shopper,
            choose=put_or_get,
            checks={"every write is taken": every_write_is_taken},
        ),
        "members": Variant(
            "the same, while nodes leave the ring and join it again",
            node=Dynamo,
            client=Shopper,
            choose=put_get_or_note,
            checks={
                "every write is taken": every_write_is_taken,
                "nothing is gone": nothing_is_gone,
            },
            others={"operator": Work(next_change, count=34, think=(180 * MS, 230 * MS))},
        ),
    },
    live=Size(members=5, clients=3),
    columns=("keys", "standing in", "hints", "on the ring"),
    trouble=kill_in_turn,
    small={"put-and-look": PUT_AND_LOOK},
)
