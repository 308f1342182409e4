"""Links for the explorer: every order of a few messages, with losses, copies and time-outs.

* :data:`STOP_AND_WAIT`: three items on a network that reorders. Right.
* :data:`SLIDING_WINDOW`: likewise, two segments under way, one time-out.
* :data:`ONE_BIT_ON_A_WIRE`: the alternating bit where nothing overtakes. Right.
* :data:`ONE_BIT_ON_A_NETWORK`: the same where packets overtake. Wrong, and the explorer finds the
  shortest way to get there.
"""

from typing import Literal

from common.check.delivery import check_delivery
from common.check.explorer import Bounds, Instance, WorldView
from common.check.explorer.instance import Factory
from common.check.verdict import Answer
from common.contract import Node, NodeId
from common.values.history import Ok
from stage1_foundations.link.alternating_bit import AlternatingBitReceiver, AlternatingBitSender
from stage1_foundations.link.ends import Take, Transfer
from stage1_foundations.link.sliding_window import SlidingWindowReceiver, SlidingWindowSender
from stage1_foundations.link.stop_and_wait import StopAndWaitReceiver, StopAndWaitSender

ITEMS = ("x", "y", "z")


def once_and_in_order(world: WorldView) -> str | None:
    """what b was given is what a transferred: each item once, in order"""
    verdict = check_delivery(ITEMS, _taken(world), complete=False)
    return verdict.sentence if verdict.answer is Answer.NO else None


def ok_means_arrived(world: WorldView) -> str | None:
    """a is told Ok only when everything has arrived at b"""
    told = any(each.function == "transfer" and each.outcome == Ok() for each in world.history)
    receiver = world["b"]
    assert isinstance(receiver, StopAndWaitReceiver | SlidingWindowReceiver)
    if told and receiver.expected < len(ITEMS):
        return f"a was told Ok, and b has got {receiver.expected} of {len(ITEMS)} items"
    return None


def everything_is_taken(world: WorldView) -> bool:
    """all items are taken, and a is told so"""
    told = any(each.function == "transfer" and each.outcome == Ok() for each in world.history)
    return told and len(_taken(world)) == len(ITEMS)


def _taken(world: WorldView) -> list[object]:
    takes = [each for each in world.history if each.function == "take"]
    return [each.outcome.value for each in takes if isinstance(each.outcome, Ok)]


def _link(
    sender: Factory, receiver: Factory, network: Literal["unordered", "ordered"], timers: int = 2
) -> Instance:
    return Instance(
        nodes={"a": sender, "b": receiver},
        operations={"a": (Transfer(ITEMS),), "b": (Take(),) * len(ITEMS)},
        bounds=Bounds(losses=1, duplicates=1, timers=timers),
        always=(once_and_in_order, ok_means_arrived),
        sometimes=(everything_is_taken,),
        network=network,
        history=True,
    )


def _two_at_once(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
    return SlidingWindowSender(id, peers, window=2)


STOP_AND_WAIT = _link(StopAndWaitSender, StopAndWaitReceiver, "unordered")
SLIDING_WINDOW = _link(_two_at_once, SlidingWindowReceiver, "unordered", timers=1)
ONE_BIT_ON_A_WIRE = _link(AlternatingBitSender, AlternatingBitReceiver, "ordered")
ONE_BIT_ON_A_NETWORK = _link(AlternatingBitSender, AlternatingBitReceiver, "unordered")
