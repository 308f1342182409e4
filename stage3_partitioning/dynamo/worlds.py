"""Dynamo in every world: five nodes, three clients, and nodes that are killed in turn."""

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import kill_in_turn
from stage3_partitioning.dynamo.checks import every_write_is_taken, put_or_get, reads_see_writes
from stage3_partitioning.dynamo.client import Shopper
from stage3_partitioning.dynamo.members import Dynamo
from stage3_partitioning.dynamo.small import PUT_AND_LOOK

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
    },
    live=Size(members=5, clients=3),
    columns=("keys", "standing in", "hints", "on the ring"),
    trouble=kill_in_turn,
    small={"put-and-look": PUT_AND_LOOK},
)
