"""The generals for the explorer: every order of all messages, and every lie of one traitor.

The traitor is an honest general whose world says two or three things in place of each thing that he
says. What comes first counts, so every way in which he can tell each of the others one thing or
another is among the orders of all messages. There is no time here, and nobody is silent.

* :data:`FOUR_GENERALS`: OM(1) bears a traitor among four, the commander or a lieutenant.
* :data:`THREE_GENERALS`: among three it does not, and nothing else would (section 2).
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import NodeId
from common.contract.lies import Behaviour, Liar
from common.values.faults import Corrupt
from stage7_advanced.pbft.generals import Oral, OralGeneral, disagreement


def says_any_of(*words: str) -> Behaviour:
    """Says all of these words, in place of each."""

    def says(liar: Liar, to: NodeId, oral: Any) -> Iterable[Oral]:
        del liar, to
        return [Oral(oral.path, word) for word in words]

    return says


def consistent(world: WorldView) -> str | None:
    """IC1 and IC2: the loyal do the same, and what a loyal commander orders"""
    return disagreement(world)


def somebody_obeys(world: WorldView) -> bool:
    """all loyal generals have decided"""
    return all(node.decision for node in world.values() if isinstance(node, OralGeneral))


def _generals(count: int, traitor: NodeId, *words: str) -> Instance:
    return Instance(
        nodes=dict.fromkeys(
            [f"n{number}" for number in range(1, count + 1)], partial(OralGeneral, traitors=1)
        ),
        bounds=Bounds(timers=0),
        always=(consistent,),
        sometimes=(somebody_obeys,),
        liars=(Corrupt(0, traitor, "says anything"),),
        behaviours={"says anything": says_any_of(*words)},
    )


FOUR_GENERALS = {
    "four-generals": _generals(4, "n4", "attack", "retreat", "wait"),
    "four-generals-traitor-commands": _generals(4, "n1", "attack", "retreat"),
}
THREE_GENERALS = {"three-generals": _generals(3, "n3", "attack", "retreat")}
