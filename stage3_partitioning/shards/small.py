"""A small instance for the explorer: two shards, one chunk that moves, a client that writes to it.

n1 owns everything, and is the config server. c1 appends; c2 wants the chunk to be at n2. In every
state that can be reached at most one shard would carry a request out, and what a client was told is
on the disk of one that may.

* :data:`A_MIGRATION`: that, with a message that may be doubled.
* :data:`A_CRASH`: either shard may crash once, and what is not answered is said again.
"""

from collections.abc import Sequence
from dataclasses import replace

from common.check.explorer import Bounds, Instance, WorldView
from common.contract.events import NodeId
from common.contract.node import Node
from stage3_partitioning.shards.messages import Append, Commit, MoveTo, Written
from stage3_partitioning.shards.router import Router
from stage3_partitioning.shards.server import QuietServer

SHARDS = ("n1", "n2")
KEY = "x"


def server(id: NodeId, peers: Sequence[NodeId]) -> Node:
    """A server that moves nothing by itself."""
    return QuietServer(id, tuple(peers), shards=SHARDS)


def router(id: NodeId, peers: Sequence[NodeId]) -> Node:
    """A router that asks once."""
    return Router(id, tuple(peers), shards=SHARDS, attempts=1)


def servers(world: WorldView) -> list[QuietServer]:
    """Those that are up."""
    found = (world.get(id) for id in SHARDS)
    return [each for each in found if isinstance(each, QuietServer)]


def one_owner(world: WorldView) -> str | None:
    """no two shards would carry a request for one key out"""
    would = [each.id for each in servers(world) if each.owns(KEY) and not each.is_closed(KEY)]
    return f"{' and '.join(would)} both answer for {KEY}" if len(would) > 1 else None


def told_is_kept(world: WorldView) -> str | None:
    """a write that was answered is on the disk of every shard that answers for its key"""
    if not any(isinstance(packet.message, Written) for packet in world.in_flight):
        return None
    for each in servers(world):
        answers = each.owns(KEY) and not each.is_closed(KEY)
        if answers and ("document", KEY) not in world.saved[each.id]:
            return f"{each.id} answers for {KEY}, and has not what a client was told is written"
    return None


def n2_has_it(world: WorldView) -> bool:
    """n2 owns the key, and has the document"""
    return any(each.id == "n2" and each.owns(KEY) and each.documents for each in servers(world))


def it_is_committed(world: WorldView) -> bool:
    """the donor asks for the commit"""
    return any(isinstance(packet.message, Commit) for packet in world.in_flight)


A_MIGRATION = Instance(
    nodes=dict.fromkeys(SHARDS, server),
    clients={"c1": router, "c2": router},
    operations={"c1": (Append(KEY, "a"),), "c2": (MoveTo(KEY, "n2"),)},
    bounds=Bounds(timers=0, duplicates=1),
    always=(one_owner, told_is_kept),
    sometimes=(n2_has_it, it_is_committed),
)

A_CRASH = replace(
    A_MIGRATION,
    clients={"c2": router},
    operations={"c2": (MoveTo(KEY, "n2"),)},
    bounds=Bounds(timers=3, crashes=1),
    may_crash=SHARDS,
    always=(one_owner,),
    sometimes=(it_is_committed,),
)
