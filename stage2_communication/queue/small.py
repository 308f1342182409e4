"""One producer, one consumer, one message, and every order of what may go wrong.

The explorer loses one message, doubles another, crashes the broker, and lets any timer fire at any
time, also those of leases. :data:`SYNCED` keeps its promises in all of it. :data:`LAZY`
acknowledges before it saves, and then a message is nowhere but in its memory.
"""

from dataclasses import replace

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import Node, NodeId
from common.values.history import Ok
from stage2_communication.queue.broken import LazyBroker
from stage2_communication.queue.client import Finish, Post, QueueClient, Take
from stage2_communication.queue.dead import DeadLetterBroker

BROKER, PRODUCER, CONSUMER = "n1", "c1", "c2"


def client(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
    """A client that fetches one message at a time."""
    return QueueClient(id, peers, most=1, servers=(BROKER,))


def ended_well(world: WorldView, function: str) -> list[object]:
    """What those operations were told that ended with Ok and a value."""
    outcomes = [asked.outcome for asked in world.history if asked.function == function]
    return [outcome.value for outcome in outcomes if isinstance(outcome, Ok) and outcome.value]


def nothing_is_lost(world: WorldView) -> str | None:
    """a message that was acknowledged to its producer is on disk, or a consumer has had it"""
    for sequence in ended_well(world, "post"):
        kept = ("message", sequence) in world.saved[BROKER]
        if not kept and not ended_well(world, "take"):
            return f"message {sequence} was acknowledged, and is nowhere"
    return None


def once_in_the_queue(world: WorldView) -> str | None:
    """however often it is sent, the message is in the queue once"""
    last = world.saved[BROKER].get("last", 0)
    return None if last in (0, 1) else f"there are {last} messages"


def done_is_done(world: WorldView) -> str | None:
    """what was acknowledged by its consumer is not on disk any more"""
    for finished in ended_well(world, "finish"):
        assert isinstance(finished, tuple), "a delivery is a sequence and an attempt"
        if ("message", finished[0]) in world.saved[BROKER]:
            return f"message {finished[0]} was finished, and is still there"
    return None


def all_is_done(world: WorldView) -> bool:
    """the message was published, taken and finished"""
    return bool(ended_well(world, "finish"))


SYNCED = Instance(
    nodes={BROKER: DeadLetterBroker},
    clients={PRODUCER: client, CONSUMER: client},
    operations={PRODUCER: (Post("jobs", "a", "work"),), CONSUMER: (Take("jobs"), Finish())},
    bounds=Bounds(losses=1, duplicates=1, crashes=1, timers=1),
    always=(nothing_is_lost, once_in_the_queue, done_is_done),
    sometimes=(all_is_done,),
    may_crash=(BROKER,),
    history=True,
)

LAZY = replace(SYNCED, nodes={BROKER: LazyBroker}, bounds=Bounds(crashes=1, timers=1))
