"""The consistent register for the explorer: small instances, every order of everything.

Three replicas; c1 asks n1 to write 1, c2 asks n2 to read; any message may overtake any other. In
every state what clients were told must be linearizable, and what a client is being told must be on
the disks of a majority: that is what makes every later read right, no matter who asks. No timer
fires and nothing is lost, but a message may stay under way to the end, which is the same.

* :data:`WRITE_AND_READ`: that.
* :data:`WITH_A_CRASH`: the replica that coordinates the write may crash once and come back. What
  clients were told is not remembered here, which leaves fewer states: the second property decides.
* :data:`WITHOUT_WRITE_BACK`: the broken register with two reads. The explorer finds the shortest
  way to a history that no register may have.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any

from common.check.explorer import Bounds, Instance, WorldView
from common.check.explorer.instance import Factory
from common.check.linearizability import check_linearizability
from common.check.models import Register
from common.check.verdict import Answer
from common.contract.events import NodeId
from common.contract.node import Node
from common.values.history import Operation
from common.values.quorum import is_majority
from stage1_foundations.cap.broken import ReadsWithoutWriteBack
from stage1_foundations.cap.client import Read, ReadReply, RegisterClient, Write, WriteReply
from stage1_foundations.cap.consistent import ConsistentReplica, Tagged

REPLICAS = ("n1", "n2", "n3")


def linearizable(world: WorldView) -> str | None:
    """what clients were told is linearizable"""
    return _what_is_wrong(tuple(map(_fields, world.history)))


def _fields(asked: Operation) -> tuple[Any, ...]:
    return tuple(getattr(asked, field.name) for field in fields(asked))


@cache
def _what_is_wrong(operations: tuple[tuple[Any, ...], ...]) -> str | None:
    """The checker's sentence for a no. Thousands of states share one history, so it is kept."""
    history = [Operation(*each) for each in operations]
    verdict = check_linearizability(history, Register())
    return verdict.sentence if verdict.answer is Answer.NO else None


def told_by_a_majority(world: WorldView) -> str | None:
    """what a client is told is on the disks of a majority"""
    having = [id for id in REPLICAS if world.saved[id].get("held", Tagged()) != Tagged()]
    for packet in world.in_flight:
        match packet.message:
            case WriteReply() | ReadReply(value=1) as reply if not is_majority(having, REPLICAS):
                return f"{packet.target} is told {reply}, which only {having} would know again"
    return None


def some_read_sees_the_write(world: WorldView) -> bool:
    """a read returns the written value"""
    return any(packet.message == ReadReply(1, 1) for packet in world.in_flight)


def some_read_misses_the_write(world: WorldView) -> bool:
    """a read returns nothing although a replica holds the write"""
    held = any(world.saved[id].get("held") == Tagged((1, "n1"), 1) for id in REPLICAS)
    return held and any(packet.message == ReadReply(1, None) for packet in world.in_flight)


def _attached(replica: NodeId) -> Factory:
    def make(id: NodeId, peers: Sequence[NodeId]) -> Node:
        return RegisterClient(id, tuple(peers), replica=replica)

    return make


CLIENTS = {"c1": _attached("n1"), "c2": _attached("n2")}

WRITE_AND_READ = Instance(
    nodes=dict.fromkeys(REPLICAS, ConsistentReplica),
    clients=CLIENTS,
    operations={"c1": (Write(1),), "c2": (Read(),)},
    bounds=Bounds(timers=0),
    always=(linearizable, told_by_a_majority),
    sometimes=(some_read_sees_the_write, some_read_misses_the_write),
    history=True,
)

WITH_A_CRASH = replace(
    WRITE_AND_READ,
    bounds=Bounds(timers=0, crashes=1),
    may_crash=("n1",),
    always=(told_by_a_majority,),
    history=False,
)

WITHOUT_WRITE_BACK = Instance(
    nodes=dict.fromkeys(REPLICAS, ReadsWithoutWriteBack),
    clients=CLIENTS,
    operations={"c1": (Write(1),), "c2": (Read(), Read())},
    bounds=Bounds(timers=0),
    always=(linearizable,),
    history=True,
)
