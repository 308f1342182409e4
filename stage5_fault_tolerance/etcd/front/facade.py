"""The facade itself: a gRPC server in the process of a node."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
from aetcd.rpc import rpc_pb2_grpc

from common.runtime.facade import Door
from common.runtime.ports import bind_grpc, take_port
from stage5_fault_tolerance.etcd.front.cluster import Cluster, Maintenance
from stage5_fault_tolerance.etcd.front.gateway import Gateway
from stage5_fault_tolerance.etcd.front.kv import KV
from stage5_fault_tolerance.etcd.front.lease import Lease
from stage5_fault_tolerance.etcd.front.watch import Watch
from stage5_fault_tolerance.etcd.front.watchers import Hub

MOST_BYTES = 2 * 1024 * 1024
"""No request is longer; etcd takes 1.5 MiB, and 512 KiB for what is around it."""

STREAMS = 100_000
GRACE_SECONDS = 0.2

OPTIONS = (
    ("grpc.so_reuseport", 0),  # a port that is taken is an error, not shared
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_concurrent_streams", STREAMS),
)


def make(door: Door, settings: Mapping[str, Any]) -> "EtcdFacade":
    """Make the facade of one server.

    Args:
        door: to its node, an EtcdServer.
        settings: ``host``, and by member in ``ports`` where it serves clients.
    """
    host, ports = settings["host"], settings["ports"]
    return EtcdFacade(door, {name: f"{host}:{port}" for name, port in ports.items()})


class EtcdFacade:
    """etcd's API in front of one server.

    Args:
        door: to the node.
        endpoints: where each member serves clients.
    """

    def __init__(self, door: Door, endpoints: dict[str, str]) -> None:
        self._gateway = Gateway(door, endpoints)
        self._hub = Hub(self._gateway)
        self._endpoint = endpoints[door.node]
        self._server: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    async def listen(self) -> None:
        """Open the port.

        Raises:
            BadInput: it is taken.
        """
        self._server = await take_port("etcd's clients", self._endpoint, self._listen)
        self._tasks = [
            asyncio.create_task(self._gateway.look()),
            asyncio.create_task(self._hub.run()),
        ]

    async def _listen(self) -> Any:
        server = grpc.aio.server(options=OPTIONS)
        rpc_pb2_grpc.add_KVServicer_to_server(KV(self._gateway), server)
        rpc_pb2_grpc.add_LeaseServicer_to_server(Lease(self._gateway), server)
        rpc_pb2_grpc.add_WatchServicer_to_server(Watch(self._gateway, self._hub), server)
        rpc_pb2_grpc.add_ClusterServicer_to_server(Cluster(self._gateway), server)
        rpc_pb2_grpc.add_MaintenanceServicer_to_server(Maintenance(self._gateway), server)
        bind_grpc(server, self._endpoint)
        await server.start()
        return server

    async def close(self) -> None:
        """Close the port."""
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            await self._server.stop(GRACE_SECONDS)
