"""The lab ``queue`` in every world: one broker, and clients that publish and consume.

Live, the network loses and doubles, and the broker is killed with messages in many hands.
"""

from common.values.units import MS
from common.worlds import Front, Size, Variant, Worlds
from common.worlds.troubles import kill_first, rough_then_calm, stand_still, together
from stage2_communication.queue.broken import LazyBroker
from stage2_communication.queue.checks import (
    deliveries_differ,
    done_is_done,
    keys_are_in_order,
    nothing_is_lost,
    post_take_finish,
)
from stage2_communication.queue.client import QueueClient
from stage2_communication.queue.served import Server
from stage2_communication.queue.small import LAZY, SYNCED

CHECKS = {
    "nothing acknowledged is lost": nothing_is_lost,
    "done is done": done_is_done,
    "keys are in order": keys_are_in_order,
    "deliveries differ": deliveries_differ,
}
DEAD = {name: check for name, check in CHECKS.items() if check is not nothing_is_lost}

WORLDS = Worlds(
    __package__,
    variants={
        "durable": Variant(
            "a queue that is on disk before it is acknowledged",
            node=Server,
            client=QueueClient,
            choose=post_take_finish,
            checks=CHECKS,
        ),
        "dead": Variant(
            "the same, where what was delivered three times becomes a dead letter",
            node=Server,
            client=QueueClient,
            choose=post_take_finish,
            checks=DEAD,
            config={"most_deliveries": 3},
        ),
        "lazy": Variant(
            "acknowledged before it is on disk, as JetStream does by default: see what is lost",
            node=LazyBroker,
            client=QueueClient,
            choose=post_take_finish,
            checks=CHECKS,
            config={"sync_interval": 500 * MS},
            breaks=tuple(CHECKS),
        ),
    },
    live=Size(members=1, clients=3),
    columns=("waiting", "in hand", "published"),
    trouble=together(rough_then_calm, kill_first, stand_still),
    small={"synced": SYNCED},
    broken={"lazy": LAZY},
    front=Front(
        clients=("nats-py 2.16",),
        hint="NATS: nats://{host}:{port}, or to see it in a terminal: nc {host} {port}",
        variants=("durable", "dead"),
        port=4222,
    ),
)
