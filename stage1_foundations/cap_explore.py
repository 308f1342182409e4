"""The consistent register for the explorer: one write, two reads one after the other, every order.

Three replicas. c1 asks n1 to write 1, c2 asks n2 to read, twice. Whatever overtakes whatever, the
history so far must be linearizable in every state. No timer fires and nothing is lost, which is no
restriction to safety here: a message that is never delivered is as good as lost.

:func:`without_write_back` is the same instance of the broken register.
"""

from common.check.explorer import Bounds, Instance, WorldView
from common.check.explorer.instance import Factory
from common.check.linearizability import check_linearizability
from common.check.models import Register
from common.check.verdict import Answer
from common.contract.events import NodeId
from common.contract.node import Node
from common.values.history import Ok
from stage1_foundations.cap_broken import ReadsWithoutWriteBack
from stage1_foundations.cap_client import Read, RegisterClient, Write
from stage1_foundations.cap_consistent import ConsistentReplica

REPLICAS = ("n1", "n2", "n3")


def linearizable(world: WorldView) -> str | None:
    """what clients were told so far is linearizable"""
    verdict = check_linearizability(world.history, Register())
    return verdict.sentence if verdict.answer is Answer.NO else None


def some_read_sees_the_write(world: WorldView) -> bool:
    """a read returns the written value"""
    return any(asked.function == "read" and asked.outcome == Ok(1) for asked in world.history)


def some_read_misses_the_write(world: WorldView) -> bool:
    """a read returns nothing although the write is under way"""
    begun = any(asked.function == "write" for asked in world.history)
    missed = any(asked.function == "read" and asked.outcome == Ok(None) for asked in world.history)
    return begun and missed


def instance() -> Instance:
    """The consistent register with one write and two reads."""
    return _instance(ConsistentReplica)


def without_write_back() -> Instance:
    """The broken register with the same operations."""
    return _instance(ReadsWithoutWriteBack)


def _instance(replica: Factory) -> Instance:
    return Instance(
        nodes=dict.fromkeys(REPLICAS, replica),
        clients={"c1": _attached("n1"), "c2": _attached("n2")},
        operations={"c1": (Write(1),), "c2": (Read(), Read())},
        bounds=Bounds(timers=0),
        always=(linearizable,),
        sometimes=(some_read_sees_the_write, some_read_misses_the_write),
        history=True,
    )


def _attached(replica: NodeId) -> Factory:
    def make(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
        return RegisterClient(id, peers, replica=replica)

    return make
