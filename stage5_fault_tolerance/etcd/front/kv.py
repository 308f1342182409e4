"""The service KV."""

from typing import Any

from aetcd.rpc import rpc_pb2, rpc_pb2_grpc

from stage5_fault_tolerance.etcd.commands import Compact
from stage5_fault_tolerance.etcd.front import translate
from stage5_fault_tolerance.etcd.front.gateway import Gateway


class KV(rpc_pb2_grpc.KVServicer):  # type: ignore[misc]
    """Keys and values."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def Range(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Read a span of keys."""
        gateway = self._gateway
        operation = await gateway.translated(translate.range_of, request, context)
        result = await gateway.ask(operation, context)
        return translate.range_response(result, gateway.header(result.revision))

    async def Put(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Put a key."""
        gateway = self._gateway
        result = await gateway.ask(translate.put_of(request), context)
        return translate.put_response(result, gateway.header(result.revision))

    async def DeleteRange(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Delete a span of keys."""
        gateway = self._gateway
        result = await gateway.ask(translate.delete_of(request), context)
        return translate.delete_response(result, gateway.header(result.revision))

    async def Txn(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Carry out a transaction."""
        gateway = self._gateway
        operation = await gateway.translated(translate.txn_of, request, context)
        result = await gateway.ask(operation, context)
        return translate.txn_response(result, gateway.header(result.revision))

    async def Compact(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Forget old versions."""
        gateway = self._gateway
        result = await gateway.ask(Compact(request.revision, request.physical), context)
        return rpc_pb2.CompactionResponse(header=gateway.header(result.revision))
