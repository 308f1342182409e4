"""Replication in every world: three members, three clients, and an operator who fails over.

The operator does so whether a leader is dead or not; a failover that was not needed is the harder
case, for the old leader still runs.
"""

from functools import partial

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

_writing = partial(Variant, client=Operator, choose=put_or_get)
_failing_over = partial(_writing, checks=NOTHING_LOST, others=OPERATOR)
_reading_anywhere = partial(_writing, node=Delayed, checks=IN_ORDER, config={"mode": "async"})

WORLDS = Worlds(
    __package__,
    variants={
        "semi-sync": _failing_over(
            "a write is done when one follower has it; an operator fails over", node=Fronted
        ),
        "sync": _failing_over(
            "a write is done when all followers have it; an operator fails over",
            node=Fronted,
            config={"mode": "sync"},
            client_config={"mode": "sync"},
        ),
        "async": _failing_over(
            "a write is done at once, and followers are late; an operator fails over",
            node=Delayed,
            config={"mode": "async"},
            client_config={"mode": "async"},
            breaks=("read your writes",),
        ),
        "sessions": _reading_anywhere(
            "followers are late; clients read at any that has what they wrote and read"
        ),
        "anywhere": _reading_anywhere(
            "followers are late; clients read at any, whatever it has",
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
