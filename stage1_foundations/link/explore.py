"""Links for the explorer: every order of a few messages, with losses, copies and time-outs.

* :func:`instance`: stop and wait with three items on a network that reorders. Right.
* :func:`sliding`: the sliding window likewise.
* :func:`one_bit_on_a_wire`: the alternating bit where nothing overtakes. Right.
* :func:`one_bit_on_a_network`: the same where packets overtake. Wrong, and the explorer finds the
  shortest way to get there.
"""

from collections.abc import Callable
from typing import Literal

from common.check.delivery import check_delivery
from common.check.explorer import Bounds, Instance, WorldView
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


def instance() -> Instance:
    """Stop and wait on a network that reorders."""
    return _link(StopAndWaitSender, StopAndWaitReceiver, "unordered")


def sliding() -> Instance:
    """The sliding window on a network that reorders: two segments under way, one time-out."""

    def sender(id: NodeId, peers: tuple[NodeId, ...]) -> Node:
        return SlidingWindowSender(id, peers, window=2)

    return _link(sender, SlidingWindowReceiver, "unordered", timers=1)


def one_bit_on_a_wire() -> Instance:
    """The alternating bit where nothing overtakes."""
    return _link(AlternatingBitSender, AlternatingBitReceiver, "ordered")


def one_bit_on_a_network() -> Instance:
    """The alternating bit where packets overtake each other."""
    return _link(AlternatingBitSender, AlternatingBitReceiver, "unordered")


def _link(
    sender: Callable[[NodeId, tuple[NodeId, ...]], Node],
    receiver: Callable[[NodeId, tuple[NodeId, ...]], Node],
    network: Literal["unordered", "ordered"],
    timers: int = 2,
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
