"""The lab ``kv`` in every world: four nodes, of which one comes and others go, meanwhile.

An operator adds and removes nodes while clients write, and live, nodes are killed during the moves.
What was acknowledged must be there afterwards, and each key linearizable. Redis' clients can join
in: the nodes speak RESP as well.
"""

from random import Random

from common.contract import NodeId
from common.values.units import MS
from common.worlds import Front, Size, Variant, Work, Worlds
from common.worlds.troubles import kill_in_turn_then_all
from stage3_partitioning.kv.checks import linearizable, some_command
from stage3_partitioning.kv.client import StoreClient
from stage3_partitioning.kv.commands import AddNode, RemoveNode
from stage3_partitioning.kv.server import StoreNode
from stage3_partitioning.kv.small import APPEND_AND_MOVE, WITH_A_CRASH

CHANGES = (
    AddNode("n4"),
    RemoveNode("n2"),
    AddNode("n2"),
    RemoveNode("n1"),
    AddNode("n1"),
    RemoveNode("n4"),
)
SLOTS = 32
"""In the simulator: few, so that a move has moved what it has to before the next begins."""


def next_change(random: Random, client: NodeId, number: int) -> AddNode | RemoveNode:
    """What the operator asks for next: after all changes the store is as it was."""
    del random, client  # the same in every run
    return CHANGES[number % len(CHANGES)]


def _variant(title: str, placement: str) -> Variant:
    return Variant(
        title,
        node=StoreNode,
        client=StoreClient,
        choose=some_command,
        checks={"linearizable": linearizable},
        config={"shards": ("n1", "n2", "n3"), "placement": placement},
        others={"operator": Work(next_change, count=3, think=(200 * MS, 300 * MS))},
    )


WORLDS = Worlds(
    __package__,
    variants={
        "slots": _variant("even shares of the slots, fewest moves", "slots"),
        "ring": _variant("slots on a ring with virtual nodes", "ring"),
    },
    live=Size(members=4, clients=4, client_config={"attempts": 18}),
    simulated=Size(
        members=4,
        clients=2,
        config={"slots": SLOTS, "batch_keys": 2, "run_slots": 4},
        client_config={"slots": SLOTS},
    ),
    columns=("epoch", "slots", "keys", "moving"),
    trouble=kill_in_turn_then_all,
    small={"append-and-move": APPEND_AND_MOVE, "with-a-crash": WITH_A_CRASH},
    front=Front(
        clients=("redis-cli", "redis-benchmark", "redis-py (RedisCluster)"),
        hint="Redis clients: redis-cli -c -h {host} -p {port}",
        port=7000,
        needs="hiredis",
        extra="redis",
    ),
)
