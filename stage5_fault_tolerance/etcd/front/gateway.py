"""One request: from gRPC through the door to the node, and back as a response or a status."""

import asyncio
from hashlib import sha256
from typing import Any

import grpc
from aetcd.rpc import rpc_pb2

from common.contract.events import NodeId
from common.runtime.facade import Door
from common.values.errors import BadInput
from common.values.history import Ok
from stage5_fault_tolerance.etcd.commands import Changes, Status
from stage5_fault_tolerance.etcd.front.errors import code_of
from stage5_fault_tolerance.etcd.front.translate import Unsupported
from stage5_fault_tolerance.etcd.results import Events, Refused, StatusResult
from stage5_fault_tolerance.etcd.texts import NO_LEADER, TIMED_OUT

LOOK_SECONDS = 0.25
"""How often the facade looks at its node's term and leader."""

LEADERLESS_SECONDS = 1.5
"""After how long without a leader streams end that asked for one; about two elections."""


class Gateway:
    """What all services of one server share.

    Args:
        door: to the node.
        endpoints: where each member serves clients, as ``host:port``.

    Attributes:
        name: of the node.
        endpoints: likewise.
        ids: the numbers that clients know members by.
        standing: how the node was a moment ago.
        leaderless: set while the node has been without a leader for a while.
    """

    def __init__(self, door: Door, endpoints: dict[NodeId, str]) -> None:
        if set(endpoints) != set(door.members):
            raise BadInput(
                f"the facade of etcd needs an endpoint for each of {', '.join(door.members)}, and "
                f"got some for {', '.join(endpoints) or 'nobody'}"
            )
        self.door = door
        self.name = door.node
        self.endpoints = endpoints
        self.ids = {name: number_of(name) for name in door.members}
        self.standing = StatusResult(1, 0, (), 0, None, 0, 0)
        self.leaderless = asyncio.Event()
        self._cluster_id = number_of(" ".join(door.members))
        self._member_id = self.ids[self.name]

    def header(self, revision: int) -> Any:
        """The header of a response."""
        return rpc_pb2.ResponseHeader(
            cluster_id=self._cluster_id,
            member_id=self._member_id,
            revision=revision,
            raft_term=self.standing.term,
        )

    async def ask(self, operation: object, context: Any) -> Any:
        """Let an operation happen to the node; returns its result.

        Ends the call with a status if it was refused, or if nobody answered in time.
        """
        outcome = await self.door.ask(operation)
        if isinstance(outcome, Ok):
            result = outcome.value
            if isinstance(result, Refused):
                await context.abort(code_of(result.reason), result.reason)
            self.standing = await self.status()  # the header tells the term of now
            return result
        text = outcome.reason or TIMED_OUT
        await context.abort(grpc.StatusCode.UNAVAILABLE, text)
        raise AssertionError("abort raises")

    async def translated(self, make: Any, request: Any, context: Any) -> Any:
        """The operation that a request stands for; ends the call if there is none."""
        try:
            return make(request)
        except Unsupported as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"etcdserver: {error}")

    async def needs_leader(self, context: Any) -> bool:
        """Whether the client wants to be told when there is no leader; tells it if there is none.

        Clients ask for that by ``hasleader: true`` in the metadata of a call.
        """
        metadata = dict(context.invocation_metadata() or ())
        if metadata.get("hasleader") != "true":
            return False
        if self.leaderless.is_set():
            await context.abort(grpc.StatusCode.UNAVAILABLE, NO_LEADER)
        return True

    async def status(self) -> StatusResult:
        """How the node is now."""
        outcome = await self.door.ask(Status())
        assert isinstance(outcome, Ok), "how it is, a node always knows"
        assert isinstance(outcome.value, StatusResult), "that is how it says so"
        return outcome.value

    async def changes(self, revision: int) -> Events:
        """What has changed from ``revision`` on, once there is anything."""
        outcome = await self.door.ask(Changes(revision))
        assert isinstance(outcome, Ok), "this question waits as long as it takes"
        assert isinstance(outcome.value, Events), "and this is the answer"
        return outcome.value

    async def look(self) -> None:
        """Keep ``standing`` and ``leaderless`` up to date, until cancelled."""
        loop = asyncio.get_running_loop()
        led_at = loop.time()
        while True:
            self.standing = await self.status()
            if self.standing.leader is not None:
                led_at = loop.time()
                self.leaderless.clear()
            elif loop.time() - led_at > LEADERLESS_SECONDS:
                self.leaderless.set()
            await asyncio.sleep(LOOK_SECONDS)


def number_of(name: str) -> int:
    """The number by which clients know a name: 63 bits of its hash, the same in every run."""
    return int.from_bytes(sha256(name.encode()).digest()[:8]) >> 1
