"""The generals for the explorer: every order of all messages, and every lie of one traitor.

The traitor is an honest general whose world says the opposite beside each thing that he says. What
comes first counts, so every way in which he can tell each of the others one thing or the other is
among the orders of all messages. There is no time here, and nobody is silent.

* :data:`FOUR_GENERALS`: OM(1) bears a traitor among four, the commander or a lieutenant.
* :data:`THREE_GENERALS`: among three it does not, and nothing else would (section 2).
"""

from functools import partial
from typing import Any

from common.check.explorer import Bounds, Instance, WorldView
from common.contract import NodeId
from common.contract.lies import Liar, Lie, Plan
from common.values.faults import Corrupt
from stage7_advanced.pbft.generals import Oral, OralGeneral, disagreement


def the_opposite(liar: Liar, to: NodeId, oral: Any) -> Oral:
    """Attack for retreat, and retreat for attack."""
    del liar, to
    return Oral(oral.path, "retreat" if oral.value == "attack" else "attack")


SAYS_BOTH = Plan(Lie(of=(Oral,), says=the_opposite, truth=True))


def consistent(world: WorldView) -> str | None:
    """IC1 and IC2: the loyal do the same, and what a loyal commander orders"""
    return disagreement(world)


def somebody_obeys(world: WorldView) -> bool:
    """all loyal generals have decided"""
    return all(node.decision for node in world.values() if isinstance(node, OralGeneral))


def _generals(count: int, traitor: NodeId) -> Instance:
    return Instance(
        nodes=dict.fromkeys(
            [f"n{number}" for number in range(1, count + 1)], partial(OralGeneral, traitors=1)
        ),
        bounds=Bounds(timers=0),
        always=(consistent,),
        sometimes=(somebody_obeys,),
        liars=(Corrupt(0, traitor, "says both"),),
        behaviours={"says both": SAYS_BOTH},
    )


FOUR_GENERALS = {
    "four-generals": _generals(4, "n4"),
    "four-generals-traitor-commands": _generals(4, "n1"),
}
THREE_GENERALS = {"three-generals": _generals(3, "n3")}
