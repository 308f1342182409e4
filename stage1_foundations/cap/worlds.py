"""The lab ``cap`` in every world: three replicas, a client at each, and a partition.

The consistent register refuses c1 while its replica is cut off, and its history is linearizable.
The available one answers everybody, and as a rule the checker finds that its history is not.
"""

from common.worlds import Size, Variant, Worlds
from common.worlds.troubles import cut_off_first
from stage1_foundations.cap.available import AvailableReplica
from stage1_foundations.cap.checks import (
    everyone_answered,
    linearizable,
    read_or_write,
    sessions_kept,
)
from stage1_foundations.cap.client import RegisterClient
from stage1_foundations.cap.consistent import ConsistentReplica
from stage1_foundations.cap.small import WITH_A_CRASH, WITHOUT_WRITE_BACK, WRITE_AND_READ

WORLDS = Worlds(
    __package__,
    variants={
        "consistent": Variant(
            "a majority for every operation, or a refusal",
            node=ConsistentReplica,
            client=RegisterClient,
            choose=read_or_write,
            checks={"linearizable": linearizable, "session guarantees": sessions_kept},
        ),
        "available": Variant(
            "an answer from every replica, right or old",
            node=AvailableReplica,
            client=RegisterClient,
            choose=read_or_write,
            checks={
                "everyone is answered": everyone_answered,
                "session guarantees": sessions_kept,
                "linearizable": linearizable,
            },
            breaks=("everyone is answered", "linearizable"),
        ),
    },
    live=Size(members=3, clients=3),
    columns=("value", "tag", "pending"),
    trouble=cut_off_first,
    small={"write-and-read": WRITE_AND_READ, "with-a-crash": WITH_A_CRASH},
    broken={"without-write-back": WITHOUT_WRITE_BACK},
)
