"""A facade: another protocol in front of a node, in the node's own process.

A lab speaks its own messages between its nodes. Where the real world has a protocol for the same
thing (Redis', etcd's), a *facade* speaks that one with unmodified clients, and hands each request
to the node beneath it as an operation, through the same door as a client's. It decides nothing.

A facade may also speak for peers: programs that are members of the same cluster, and talk its
protocol. Then it is a :class:`~common.runtime.carrier.Carrier`, which the door puts before the ways
that the course's own messages take.

A facade is named in :class:`~common.runtime.spec.ClusterSpec` as ``module:function``; the function
is called with a :class:`Door` and the facade's settings, in the loop of the node's process. That of
a lab is ``LAB/front/facade.py:make``, and its settings are ``host``, ``ports`` (by node, where its
facade listens) and the node's own ``config`` (:mod:`common.runtime.declared`).
"""

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from common.contract.events import NodeId
from common.contract.signing import Signer
from common.runtime.carrier import Carrier
from common.runtime.resident import Done, Resident
from common.values.errors import BadInput
from common.values.history import Outcome


class Facade(Protocol):
    """What a facade's function returns."""

    async def listen(self) -> None:
        """Accept connections; called before the node begins its life."""

    async def close(self) -> None:
        """Close all connections; called before the node ends."""


class Door:
    """How a facade reaches its node.

    Operations that arrive before the node has begun wait until it has.

    Args:
        resident: the node, in its process.
        members: all nodes of the cluster, in order.
        log: takes a sentence for people.

    Attributes:
        node: the node's name.
    """

    def __init__(
        self, resident: Resident, members: tuple[NodeId, ...], log: Callable[[str], None]
    ) -> None:
        self.node = resident.id
        self.members = members
        self.log = log
        self._resident = resident
        self._submit = resident.submit
        self._early: list[tuple[object, Done]] | None = []

    def invoke(self, operation: object, then: Done) -> None:
        """Let an operation happen to the node; ``then`` gets its outcome, perhaps at once."""
        if self._early is None:
            self._submit(operation, then)
        else:
            self._early.append((operation, then))

    async def ask(self, operation: object) -> Outcome:
        """Let an operation happen to the node, and wait for its outcome."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def arrived(outcome: Outcome) -> None:
            if not answer.done():  # who asked may have gone
                answer.set_result(outcome)

        self.invoke(operation, arrived)
        return await answer

    def sign_by(self, signer: Signer) -> None:
        """Let the node sign, and verify, in the way of the facade's protocol; before it begins."""
        self._resident.host.node.sign_by(signer)

    # For a facade behind which there are peers of the node.

    def carry(self, carrier: Carrier) -> None:
        """Let a carrier have the messages to those that it reaches; before the node begins."""
        self._resident.host.carriers.insert(0, carrier)

    def arrived(self, sender: NodeId, message: object, number: int = 0) -> None:
        """Let a message of such a peer happen to the node; its number in traces, if it has one."""
        self._resident.host.arrived(sender, message, number)

    def dropped(self, to: NodeId, number: int, why: str) -> None:
        """A message to such a peer will not arrive."""
        self._resident.host.dropped(to, number, why)

    def cut(self, to: NodeId) -> str:
        """Why a fault lets nothing pass to ``to`` just now, or "" if something may.

        Datagrams meet their faults by themselves. A facade that opens or answers connections asks.
        """
        return self._resident.host.links.cut(to)

    def begun(self) -> None:
        """The node has begun, says the process that it lives in: let happen what waits."""
        early, self._early = self._early, None
        for operation, then in early or ():
            self._submit(operation, then)


def load_facade(name: str) -> Callable[[Door, Mapping[str, Any]], Facade]:
    """The function that ``module:function`` names.

    Raises:
        BadInput: there is none.
    """
    module, _, function = name.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), function, None)
    except ImportError as error:
        raise BadInput(f"cannot load the facade {name}: {error}") from None
    if not callable(found):
        raise BadInput(f"cannot load the facade {name}: there is no {function!r} in {module}")
    made: Callable[[Door, Mapping[str, Any]], Facade] = found
    return made
