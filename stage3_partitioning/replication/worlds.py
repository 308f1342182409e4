"""Replication in every world: three members, three clients, and an operator who fails over.

The operator does so whether a leader is dead or not; a failover that was not needed is the harder
case, for the old leader still runs.
"""

from common.values.units import MS
from common.worlds import Front, Size, Variant, Work, Worlds
from common.worlds.troubles import kill_in_turn
from stage3_partitioning.replication.checks import (
    consistent_prefix,
    monotonic_reads,
    next_failover,
    put_or_get,
    read_your_writes,
)
from stage3_partitioning.replication.delayed import Delayed
from stage3_partitioning.replication.fronted import Fronted
from stage3_partitioning.replication.operator import Operator
from stage3_partitioning.replication.small import ASYNC, HASTY, SEMI_SYNC

NOTHING_LOST = {"read your writes": read_your_writes}
IN_ORDER = {
    **NOTHING_LOST,
    "monotonic reads": monotonic_reads,
    "consistent prefix": consistent_prefix,
}
OPERATOR = {"operator": Work(next_failover, count=3, think=(300 * MS, 700 * MS))}

WORLDS = Worlds(
    __package__,
    variants={
        "semi-sync": Variant(
            "a write is done when one follower has it; an operator fails over",
            node=Fronted,
            client=Operator,
            choose=put_or_get,
            checks=NOTHING_LOST,
            others=OPERATOR,
        ),
        "sync": Variant(
            "a write is done when all followers have it; an operator fails over",
            node=Fronted,
            client=Operator,
            choose=put_or_get,
            checks=NOTHING_LOST,
            config={"mode": "sync"},
            client_config={"mode": "sync"},
            others=OPERATOR,
        ),
        "async": Variant(
            "a write is done at once, and followers are late; an operator fails over",
            node=Delayed,
            client=Operator,
            choose=put_or_get,
            checks=NOTHING_LOST,
            config={"mode": "async"},
            client_config={"mode": "async"},
            others=OPERATOR,
            breaks=("read your writes",),
        ),
        "sessions": Variant(
            "followers are late; clients read at any that has what they wrote and read",
            node=Delayed,
            client=Operator,
            choose=put_or_get,
            checks=IN_ORDER,
            config={"mode": "async"},
        ),
        "anywhere": Variant(
            "followers are late; clients read at any, whatever it has",
            node=Delayed,
            client=Operator,
            choose=put_or_get,
            checks=IN_ORDER,
            config={"mode": "async"},
            client_config={"keeps": ()},
            breaks=tuple(IN_ORDER),
        ),
    },
    live=Size(members=3, clients=3),
    columns=("role", "epoch", "offset", "behind", "lost"),
    trouble=kill_in_turn,
    small={"semi-sync": SEMI_SYNC},
    broken={"async": ASYNC, "hasty": HASTY},
    front=Front(
        clients=("redis-cli", "redis-server --replicaof", "redis-benchmark -t set,get"),
        hint=(
            "Redis clients: redis-cli -h {host} -p {port}\n"
            "Redis servers: redis-server --port 6380 --save '' --replicaof {host} {port}"
        ),
        port=7100,
        needs="hiredis",
        extra="redis",
        variants=("semi-sync", "sync"),
    ),
)
