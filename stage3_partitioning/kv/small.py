"""The sharded store for the explorer: one move, and every order of everything around it.

Two nodes and two slots, n1 holds both and decides. Slot 1 holds a key; c1 appends to it, c2 adds
n2, so that one slot goes there. In every state each key has at most one node that would answer for
it, and what a client is told is on the disk of the node that answers for the key now, or will next.

* :data:`APPEND_AND_MOVE`: that, with a message that may be doubled.
* :data:`WITH_A_CRASH`: the move alone; either node may crash once and come back, and what is not
  answered is repeated.
"""

from collections.abc import Sequence
from dataclasses import replace

from common.check.explorer import Bounds, Instance, WorldView
from common.contract.events import NodeId
from common.contract.node import Node
from stage3_partitioning.kv.client import StoreClient
from stage3_partitioning.kv.commands import AddNode, Append
from stage3_partitioning.kv.messages import Answer, Batch
from stage3_partitioning.kv.ownership import Standing
from stage3_partitioning.kv.server import StoreNode

NODES = ("n1", "n2")
SLOTS = 2
MOVING = b"0"
"""A key of slot 1, which goes to n2."""


def node(id: NodeId, peers: Sequence[NodeId]) -> Node:
    """A node of the small store; n1 decides, and holds everything at first."""
    return StoreNode(id, tuple(peers), slots=SLOTS, shards=("n1",), coordinator="n1")


def client(id: NodeId, peers: Sequence[NodeId]) -> Node:
    """A client of it that asks once."""
    return StoreClient(id, tuple(peers), slots=SLOTS, coordinator="n1", attempts=1)


def one_owner(world: WorldView) -> str | None:
    """no key is answered for by two nodes"""
    answering = [
        id
        for id in NODES
        if isinstance(found := world.get(id), StoreNode)
        and found.standing_of(MOVING, asking=True)[0] is Standing.HERE
    ]
    return f"{' and '.join(answering)} answer for one key" if len(answering) > 1 else None


def told_is_kept(world: WorldView) -> str | None:
    """an append that was answered is on a disk, or on its way from one to another"""
    if not any(isinstance(packet.message, Answer) for packet in world.in_flight):
        return None
    kept = any(("item", MOVING.decode()) in world.saved[id] for id in NODES)
    return None if kept else "the client is told of an append that is on no disk"


def the_key_has_moved(world: WorldView) -> bool:
    """n2 answers for the key"""
    there = world.get("n2")
    return isinstance(there, StoreNode) and MOVING in there.store.tables.get(1, {})


def a_batch_carries_the_key(world: WorldView) -> bool:
    """the key is on its way"""
    return any(
        isinstance(packet.message, Batch) and packet.message.items for packet in world.in_flight
    )


def n2_holds_the_slot(world: WorldView) -> bool:
    """n2 knows that it holds the slot"""
    there = world.get("n2")
    return isinstance(there, StoreNode) and there.owners[1] == "n2"


APPEND_AND_MOVE = Instance(
    nodes=dict.fromkeys(NODES, node),
    clients={"c1": client, "c2": client},
    operations={"c1": (Append(MOVING, b"x"),), "c2": (AddNode("n2"),)},
    bounds=Bounds(timers=0, losses=0, duplicates=1),
    always=(one_owner, told_is_kept),
    sometimes=(the_key_has_moved, a_batch_carries_the_key),
)

WITH_A_CRASH = replace(
    APPEND_AND_MOVE,
    clients={"c2": client},
    operations={"c2": (AddNode("n2"),)},
    bounds=Bounds(timers=2, crashes=1),
    may_crash=NODES,
    always=(one_owner,),
    sometimes=(n2_holds_the_slot,),
)
