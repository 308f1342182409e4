"""A process that lies: what it sends in the place of what its node asked for.

The node is the same as ever, and follows its protocol. Its process rewrites what it sends, by a
behaviour that its lab declares (``WORLDS.behaviours``). It has the keys of its own node alone.
"""

import asyncio
import importlib
from collections.abc import Callable, Collection, Iterable, Mapping
from random import Random
from typing import TypeAlias

from common.contract.events import NodeId
from common.contract.lies import Behaviour, Later, Liar, known_behaviour
from common.contract.node import Node
from common.values.errors import BadInput
from common.values.faults import HONEST, Corrupt, Fault, Twin
from common.values.units import SECOND

Send: TypeAlias = Callable[[NodeId, object, None, bool], None]
"""What sends a message that is rewritten already."""


def load_behaviours(module: str) -> Mapping[str, Behaviour]:
    """The behaviours that a lab declares.

    Args:
        module: its ``worlds.py``, such as ``stage7_advanced.pbft.worlds``; "" for no lab.

    Raises:
        BadInput: there is no such module, or it declares no worlds.
    """
    if not module:
        return {}
    try:
        behaviours: Mapping[str, Behaviour] = importlib.import_module(module).WORLDS.behaviours
    except (ImportError, AttributeError) as error:
        raise BadInput(f"cannot load the behaviours of {module}: {error}") from None
    return behaviours


def check_liars(schedule: Iterable[Fault], members: Collection[NodeId], module: str) -> None:
    """Check that the processes of a cluster can lie as a schedule wants it.

    Args:
        schedule: the faults, of all kinds.
        members: the members of the cluster; clients do not lie.
        module: the lab's ``worlds.py``; "" for no lab.

    Raises:
        BadInput: they can not; the text says why.
    """
    for fault in schedule:
        if isinstance(fault, Twin):
            raise BadInput("no live node runs twice: run this schedule in the simulator")
        if isinstance(fault, Corrupt):
            if fault.node not in members:
                raise BadInput(f"{fault.node} is a client, and clients do not lie: name a member")
            _check_behaviour(fault.behaviour, load_behaviours(module))


def _check_behaviour(name: str, behaviours: Mapping[str, Behaviour]) -> None:
    if not behaviours:
        raise BadInput(
            f"no member can lie as {name!r}: this lab declares no behaviours in its worlds.py"
        )
    known_behaviour(name, [HONEST, *behaviours])


class Lying:
    """How one process lies just now.

    Args:
        node: whose process it is.
        behaviours: the ways there are.
        random: for lies.

    Attributes:
        active: whether it lies; while it does not, nobody need ask.
    """

    def __init__(self, node: Node, behaviours: Mapping[str, Behaviour], random: Random) -> None:
        self.active = False
        self._liar = Liar(node.id, node, random)
        self._behaviours = behaviours
        self._fault: Corrupt | None = None

    def apply(self, fault: Corrupt) -> None:
        """Lie in this way from now on, or not any more.

        Raises:
            BadInput: there is no such way.
        """
        _check_behaviour(fault.behaviour, self._behaviours)
        self.active = fault.behaviour != HONEST
        self._fault = fault

    def say(self, to: NodeId, message: object, send: Send, loop: asyncio.AbstractEventLoop) -> None:
        """Send what is said to ``to`` in the place of ``message``, some of it later.

        Args:
            to: who is told.
            message: what the node asked for.
            send: ``(to, message, None, True)`` sends a message as it is.
            loop: what waits.
        """
        fault = self._fault
        if fault is None or (fault.to and to not in fault.to):
            send(to, message, None, True)
            return
        for told in self._behaviours[fault.behaviour](self._liar, to, message):
            if isinstance(told, Later):
                loop.call_later(told.after / SECOND, send, to, told.message, None, True)
            else:
                send(to, told, None, True)
