"""How ``lab run cap`` runs: three replicas as processes, a client at each, and a partition.

The consistent register refuses c1 while its replica is cut off, and its history is linearizable.
The available one answers everybody, and as a rule the checker finds that its history is not.
"""

from collections.abc import Sequence

from common.runtime.live import LiveLab, Variant
from common.values.faults import Block, Fault, Heal, Schedule
from stage1_foundations.cap.checks import (
    everyone_answered,
    linearizable,
    read_or_write,
    sessions_kept,
)


def cut_off_the_first(members: Sequence[str], duration: int) -> Schedule:
    """The first replica hears no other one, and none hears it; then the cut heals.

    Only links between replicas are cut, so that each client goes on talking to its own.
    """
    first, *others = members
    start, end = duration * 3 // 10, duration * 7 // 10
    cut: list[Fault] = []
    for other in others:
        cut += [Block(start, first, other), Block(start, other, first)]
    return Schedule([*cut, Heal(end)])


LIVE = LiveLab(
    lab="cap",
    members=3,
    clients=3,
    columns=("value", "tag", "pending"),
    variants={
        "consistent": Variant(
            title="a majority for every operation, or a refusal",
            node="stage1_foundations.cap.consistent:ConsistentReplica",
            client="stage1_foundations.cap.client:RegisterClient",
            choose=read_or_write,
            checks={"linearizable": linearizable, "session guarantees": sessions_kept},
        ),
        "available": Variant(
            title="an answer from every replica, right or old",
            node="stage1_foundations.cap.available:AvailableReplica",
            client="stage1_foundations.cap.client:RegisterClient",
            choose=read_or_write,
            checks={
                "everyone is answered": everyone_answered,
                "session guarantees": sessions_kept,
                "linearizable": linearizable,
            },
        ),
    },
    trouble=cut_off_the_first,
)
