"""How well a partitioner does: the shares of the nodes, and what a change moves."""

from collections.abc import Sequence

from common.contract import NodeId, record
from stage3_partitioning.kv.partitioners import Partitioner


@record
class Movement:
    """What a change of the nodes moves.

    Attributes:
        moved: keys whose owner changed.
        needless: of these, keys that went from a node that stays to a node that was there before;
            no change of the nodes asks for that.
        total: all keys.
        ideal: how many have to move at least if everybody is to have the same share.
    """

    moved: int
    needless: int
    total: int
    ideal: float


def shares(partitioner: Partitioner, keys: Sequence[bytes]) -> dict[NodeId, int]:
    """How many of the keys each node holds, also where it holds none."""
    held = dict.fromkeys(partitioner.nodes, 0)
    for key in keys:
        held[partitioner.owner(key)] += 1
    return held


def imbalance(held: dict[NodeId, int]) -> float:
    """The largest share over the mean share: 1 is perfect, n is all on one of n nodes."""
    total = sum(held.values())
    return max(held.values()) * len(held) / total if total else 1.0


def movement(before: Partitioner, after: Partitioner, keys: Sequence[bytes]) -> Movement:
    """What moves between two partitioners.

    The ideal: a node that comes gets its fair share from the others, the share of one that goes is
    handed out, and nothing else moves. For one of n nodes that is 1/n of the keys.
    """
    stays = set(before.nodes) & set(after.nodes)
    moved = needless = 0
    for key in keys:
        old, new = before.owner(key), after.owner(key)
        if old != new:
            moved += 1
            needless += old in stays and new in stays
    come, gone = len(after.nodes) - len(stays), len(before.nodes) - len(stays)
    ideal = len(keys) * max(come / len(after.nodes), gone / len(before.nodes))
    return Movement(moved, needless, len(keys), ideal)
