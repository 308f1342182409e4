"""The service Lease."""

from collections.abc import AsyncIterator
from typing import Any

from aetcd.rpc import rpc_pb2, rpc_pb2_grpc

from stage5_fault_tolerance.etcd.commands import (
    LeaseGrant,
    LeaseKeepAlive,
    LeaseList,
    LeaseRevoke,
    LeaseTimeToLive,
)
from stage5_fault_tolerance.etcd.front.gateway import Gateway


class Lease(rpc_pb2_grpc.LeaseServicer):  # type: ignore[misc]
    """Leases."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def LeaseGrant(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Make a lease."""
        gateway = self._gateway
        result = await gateway.ask(LeaseGrant(request.TTL, request.ID), context)
        header = gateway.header(result.revision)
        return rpc_pb2.LeaseGrantResponse(header=header, ID=result.id, TTL=result.ttl)

    async def LeaseRevoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        """End a lease."""
        gateway = self._gateway
        result = await gateway.ask(LeaseRevoke(request.ID), context)
        return rpc_pb2.LeaseRevokeResponse(header=gateway.header(result.revision))

    async def LeaseKeepAlive(  # noqa: N802
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        """Signs of life, each with its answer; TTL 0 says that there is no such lease."""
        gateway = self._gateway
        await gateway.needs_leader(context)
        async for request in requests:
            result = await gateway.ask(LeaseKeepAlive(request.ID), context)
            header = gateway.header(result.revision)
            yield rpc_pb2.LeaseKeepAliveResponse(header=header, ID=result.id, TTL=result.ttl)

    async def LeaseTimeToLive(self, request: Any, context: Any) -> Any:  # noqa: N802
        """How long a lease has left; TTL -1 says that there is none."""
        gateway = self._gateway
        result = await gateway.ask(LeaseTimeToLive(request.ID, request.keys), context)
        return rpc_pb2.LeaseTimeToLiveResponse(
            header=gateway.header(result.revision),
            ID=result.id,
            TTL=result.left,
            grantedTTL=result.granted,
            keys=result.keys,
        )

    async def LeaseLeases(self, request: Any, context: Any) -> Any:  # noqa: N802
        """All leases."""
        gateway = self._gateway
        result = await gateway.ask(LeaseList(), context)
        leases = [rpc_pb2.LeaseStatus(ID=id) for id in result.ids]
        header = gateway.header(result.revision)
        return rpc_pb2.LeaseLeasesResponse(header=header, leases=leases)
