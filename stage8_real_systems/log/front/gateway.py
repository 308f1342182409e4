"""The door to the broker, and what clients know brokers by: numbers, hosts and ports."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from common.contract import NodeId
from common.runtime.facade import Door
from common.values.errors import BadInput
from common.values.history import Ok
from stage8_real_systems.log.requests import Error, Refused

T = TypeVar("T")

NOBODY = -1
"""The number of a broker that there is not."""


class Gateway:
    """What all requests of one broker's clients share.

    Args:
        door: to the broker.
        host: the address that all brokers are reached at.
        ports: by broker, where it serves clients.

    Attributes:
        node: the broker's name.
        log: takes a sentence for people.
    """

    def __init__(self, door: Door, host: str, ports: Mapping[NodeId, int]) -> None:
        if missing := [node for node in door.members if node not in ports]:
            raise BadInput(f"no port was named for the Kafka clients of {missing[0]}")
        self.node, self.log = door.node, door.log
        self._door = door
        self._host, self._ports = host, dict(ports)
        self._numbers = {name: number for number, name in enumerate(door.members, 1)}

    def number(self, node: NodeId) -> int:
        """The number by which clients know a broker, from 1 on; -1 for "", which is nobody."""
        return self._numbers.get(node, NOBODY)

    def address(self, node: NodeId) -> dict[str, Any]:
        """Number, host and port of a broker, as responses have them."""
        return {"node_id": self.number(node), "host": self._host, "port": self._ports[node]}

    def begin(self, operation: object, *kinds: type[T]) -> "asyncio.Future[T | Refused]":
        """Let an operation happen to the broker at once; the future gets its result.

        Operations happen in the order of these calls.

        Args:
            operation: one of those of a broker.
            kinds: of what its result may be, beside a refusal.
        """
        answer: asyncio.Future[T | Refused] = asyncio.get_running_loop().create_future()

        def arrived(outcome: object) -> None:
            if answer.done():  # who asked has gone
                return
            result = outcome.value if isinstance(outcome, Ok) else None
            if isinstance(result, (*kinds, Refused)):
                answer.set_result(cast("T | Refused", result))
            else:
                answer.set_result(Refused(Error.REQUEST_TIMED_OUT, f"nobody knows: {outcome}"))

        self._door.invoke(operation, arrived)
        return answer

    async def ask(self, operation: object, *kinds: type[T]) -> T | Refused:
        """Let an operation happen to the broker, and wait for its result."""
        return await self.begin(operation, *kinds)
