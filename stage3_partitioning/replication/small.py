"""Small instances for the explorer: one write, one failover, every order in which words may arrive.

c1 writes at n1, and an operator makes a new leader meanwhile.

* :data:`SEMI_SYNC`: the leader of a later epoch has what c1 was told is done. No more than four
  words are under way at one time, which keeps it small.
* :data:`ASYNC`: the same clients, and a leader that waits for nobody.
* :data:`HASTY`: an operator that promotes the first member that answers.
"""

from functools import partial

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import NodeId
from stage3_partitioning.replication.acknowledging import Mode
from stage3_partitioning.replication.broken import Hasty
from stage3_partitioning.replication.log import NOWHERE, Entry, Position
from stage3_partitioning.replication.operator import Failover, Operator
from stage3_partitioning.replication.rejoin import Replica
from stage3_partitioning.replication.shipping import Put

THREE = ("n1", "n2", "n3")


def members(world: WorldView) -> dict[NodeId, Replica]:
    """Those that run."""
    return {id: node for id, node in world.items() if isinstance(node, Replica)}


def done_is_kept(world: WorldView) -> str | None:
    """a leader of a later epoch has what a client was told is done"""
    for client in world.values():
        if not isinstance(client, Operator) or client.wrote == NOWHERE:
            continue
        for id, member in members(world).items():
            later = member.leads and member.epoch > client.wrote[0]
            if later and member.log.at(client.wrote[1]) != client.wrote:
                return f"{id} leads epoch {member.epoch} without {client.wrote}"
    return None


def same_position_same_log(world: WorldView) -> str | None:
    """two logs that have the same position are the same up to it"""
    found: dict[Position, tuple[NodeId, tuple[Entry, ...]]] = {}
    for id, member in members(world).items():
        entries = tuple(member.log.entries)
        for offset, entry in enumerate(entries, 1):
            other, same = found.setdefault((entry.epoch, offset), (id, entries[:offset]))
            if same != entries[:offset]:
                return f"{id} and {other} differ before {(entry.epoch, offset)}"
    return None


def another_leads_with_it(world: WorldView) -> bool:
    """a leader of a later epoch has the write"""
    return any(
        each.leads and each.epoch > 1 and "x" in each.log.data for each in members(world).values()
    )


def _instance(mode: Mode, operator: type[Operator] = Operator, **bounds: int) -> Instance:
    return Instance(
        nodes=dict.fromkeys(THREE, partial(Replica, mode=mode)),
        clients={"c1": partial(Operator, mode=mode), "op": partial(operator, mode=mode)},
        operations={"c1": (Put("x", "a"),), "op": (Failover(),)},
        bounds=Bounds(timers=1, **bounds),
        always=(done_is_kept, same_position_same_log),
        sometimes=(another_leads_with_it,),
    )


SEMI_SYNC = _instance("semi-sync", in_flight=4)
ASYNC = _instance("async")
HASTY = _instance("semi-sync", Hasty)
