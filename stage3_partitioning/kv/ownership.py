"""Who owns a key just now, as one node knows it; and how a move is cut into batches.

The rule that all of this lab rests on: *the source stops before the target starts*. A move has two
frontiers. The source's, ``Outgoing.frontier``, goes ahead durably before a batch leaves;
the target's, ``Incoming.frontier``, follows durably once the batch is there. So the target's is
never above the source's, and between the two nobody answers:

    first slot                                                        last slot
    |---- the target's ----|---- on its way ----|---- the source's ----|
                       Incoming.frontier    Outgoing.frontier

Redis Cluster tells the two apart by looking whether a key exists; a key that was deleted and one
that has moved are the same to it. With a frontier each key has an owner, whether it exists or not.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from common.contract import NodeId, record
from stage3_partitioning.kv.messages import Move, Position, Session
from stage3_partitioning.kv.store import Store

MOST_SESSIONS = 1024
"""A batch does not begin another slot once it carries so many sessions."""


class Standing(Enum):
    """What a key is to a node.

    ``HERE``: it answers. ``IF_ASKED``: it answers those whom the source has sent (Ask).
    ``ON_ITS_WAY``: nobody answers until the target has it. ``ASK``: the target has it, in a slot of
    which the source still has other keys. ``MOVED``: another node has the whole slot.
    """

    HERE = "here"
    IF_ASKED = "if asked"
    ON_ITS_WAY = "on its way"
    ASK = "ask"
    MOVED = "moved"


@record
class Outgoing:
    """What the source of a move knows of it.

    Attributes:
        move: which.
        done: all below is with the target, and was deleted here.
        frontier: all below is given up. It only grows, and is saved before a batch is sent.
    """

    move: Move
    done: Position
    frontier: Position


@record
class Incoming:
    """What the target of a move knows of it.

    Attributes:
        move: which.
        frontier: all below is here. It only grows, and is saved together with the keys.
    """

    move: Move
    frontier: Position


def standing(
    position: Position,
    me: NodeId,
    owner: NodeId,
    outgoing: Outgoing | None,
    incoming: Incoming | None,
) -> tuple[Standing, NodeId]:
    """What the key at ``position`` is to node ``me``, and who has it.

    Args:
        position: the key's slot, and the key.
        me: the node that looks.
        owner: the owner of the slot by this node's table.
        outgoing: the move of which this node is the source, or None.
        incoming: the move of which it is the target, or None.
    """
    slot, _ = position
    if outgoing is not None and outgoing.move.covers(slot):
        target = outgoing.move.target
        if position >= outgoing.frontier:
            return Standing.HERE, me
        if position >= outgoing.done:
            return Standing.ON_ITS_WAY, target
        return (Standing.MOVED if slot < outgoing.done[0] else Standing.ASK), target
    if incoming is not None and incoming.move.covers(slot):
        if position >= incoming.frontier:
            return Standing.MOVED, incoming.move.source
        return (Standing.HERE if slot < incoming.frontier[0] else Standing.IF_ASKED), me
    return (Standing.HERE if owner == me else Standing.MOVED), owner


def cut(
    store: Store,
    sessions: Mapping[int, Mapping[NodeId, Session]],
    begin: Position,
    end: Position,
    most_keys: int,
    most_bytes: int,
) -> Position:
    """Where the batch that begins at ``begin`` has to end.

    A batch has at most ``most_keys`` keys and ``most_bytes`` bytes of keys and values, but at least
    one key, however large; and at most ``MOST_SESSIONS`` sessions, but at least those of one slot.
    How many bytes a value counts for, be it a text or a list, is the ``size`` of its Item. Slots
    with nothing in them cost nothing: one batch passes over any number of them.

    Args:
        store: the source's keys.
        sessions: its sessions, by slot and client.
        begin: what was handed over before.
        end: the end of the move.
        most_keys: at least 1.
        most_bytes: at least 1.
    """
    keys = size = carried = 0
    for slot in range(begin[0], end[0]):
        if slot not in store.tables and slot not in sessions:
            continue
        start = begin[1] if slot == begin[0] else b""
        carried += len(sessions.get(slot, ()))
        if slot > begin[0] and carried > MOST_SESSIONS:
            return (slot, start)
        for key in store.from_key(slot, start, most_keys - keys + 1):
            size += len(key) + store.tables[slot][key].size
            if keys == most_keys or (keys and size > most_bytes):
                return (slot, key)
            keys += 1
    return end


def between(store: Store, begin: Position, until: Position) -> list[bytes]:
    """The keys from ``begin`` up to, without, ``until``, in the order of (slot, key)."""
    return [
        key
        for slot in range(begin[0], until[0] + 1)
        for key in sorted(key for key in store.tables.get(slot, {}) if begin <= (slot, key) < until)
    ]


def slots_between(known: Sequence[int], begin: Position, until: Position) -> list[int]:
    """Which of these slots a batch touches: those of which it hands over at least a part."""
    return [slot for slot in sorted(known) if begin[0] <= slot and (slot, b"") < until]
