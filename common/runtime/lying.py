"""A process that lies: what it sends in the place of what its node asked for.

The node is the same as ever, and follows its protocol. Its process rewrites what it sends, by a
behaviour that its lab declares (``WORLDS.behaviours``). It has the keys of its own node alone.
"""

import importlib
from collections.abc import Iterator, Mapping
from random import Random

from common.contract.events import NodeId
from common.contract.lies import Behaviour, Later, Liar, known_behaviour
from common.contract.node import Node
from common.values.errors import BadInput
from common.values.faults import HONEST, Corrupt


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


def check_behaviour(name: str, behaviours: Mapping[str, Behaviour]) -> None:
    """Check that a process can lie in this way.

    Raises:
        BadInput: it can not.
    """
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
        check_behaviour(fault.behaviour, self._behaviours)
        self.active = fault.behaviour != HONEST
        self._fault = fault

    def told(self, to: NodeId, message: object) -> Iterator[tuple[int, object]]:
        """What is sent in the place of ``message``, each with its delay in microseconds."""
        fault = self._fault
        if fault is None or not self.active or (fault.to and to not in fault.to):
            yield 0, message
            return
        for told in self._behaviours[fault.behaviour](self._liar, to, message):
            yield (told.after, told.message) if isinstance(told, Later) else (0, told)
