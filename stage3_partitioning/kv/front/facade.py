"""The socket on which Redis clients reach a node of the store."""

import asyncio
import os
import platform
import time
from collections.abc import Mapping
from hashlib import sha1
from typing import Any

from common.contract import NodeId
from common.runtime.facade import Door
from common.runtime.ports import take_port
from common.runtime.resp.requests import MAX_BULK
from common.values.errors import BadInput
from stage3_partitioning.kv.front.client import Client
from stage3_partitioning.kv.front.connection import Connection
from stage3_partitioning.kv.front.server import VERSION
from stage3_partitioning.kv.slots import SLOTS

MOST_CLIENTS = 10_000
CLOSE_SECONDS = 1.0


class RespFacade:
    """Speaks RESP for one node.

    Args:
        door: to the node.
        host: the address to listen on, and that clients are sent to.
        ports: by node, where its facade listens.
        durable: whether the node saves what it is told.

    Attributes:
        door, host, ports: as given.
        counters: connections and commands so far.
    """

    def __init__(
        self, door: Door, host: str, ports: Mapping[NodeId, int], durable: bool = True
    ) -> None:
        self.door, self.host = door, host
        self.ports: Mapping[NodeId, int] = dict(ports)
        self.log = door.log
        self._durable = durable
        self._server: asyncio.Server | None = None
        self._clients: dict[int, Client] = {}
        self._connections = 0
        self._begun = time.monotonic()
        if missing := [node for node in door.members if node not in self.ports]:
            raise BadInput(f"no port was named for the Redis clients of {missing[0]}")

    # Life.

    async def listen(self) -> None:
        """Accept clients; BadInput if the port is taken."""
        where = f"{self.host}:{self.ports[self.door.node]}"
        self._server = await take_port("Redis clients", where, self._listen)

    async def _listen(self) -> asyncio.Server:
        port = self.ports[self.door.node]
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._connect, self.host, port, backlog=1024)

    async def close(self) -> None:
        """Disconnect everybody."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients.values()):
            client.transport.abort()

    def _connect(self) -> Connection:
        self._connections += 1
        return Connection(self, self._connections)

    def opened(self, client: Client) -> None:
        """A client has connected; one too many is told so and closed."""
        if len(self._clients) >= MOST_CLIENTS:
            client.transport.write(b"-ERR max number of clients reached\r\n")
            client.transport.close()
            return
        self._clients[client.id] = client

    def closed(self, client: Client) -> None:
        """It has gone."""
        self._clients.pop(client.id, None)

    def clients(self) -> list[Client]:
        """Those connected now, in the order in which they came."""
        return list(self._clients.values())

    # What commands tell.

    def node_id(self, node: NodeId) -> str:
        """The 40 hexadecimal digits under which Redis' clients know a node."""
        return sha1(node.encode()).hexdigest()

    def address(self, node: NodeId) -> str:
        """Where clients reach a node."""
        return f"{self.host}:{self.ports[node]}"

    def describe(self, client: Client) -> str:
        """The line of CLIENT LIST for a client."""
        queued = -1 if client.transaction is None else len(client.transaction)
        own = self.address(self.door.node)
        return (
            f"id={client.id} addr={client.peer} laddr={own} name={client.name} db=0 "
            f"multi={queued} user=default resp={client.version}\n"
        )

    def settings(self) -> dict[str, str]:
        """What CONFIG GET knows."""
        return {
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "always",
            "bind": self.host,
            "port": str(self.ports[self.door.node]),
            "cluster-enabled": "yes",
            "databases": "1",
            "maxclients": str(MOST_CLIENTS),
            "maxmemory": "0",
            "maxmemory-policy": "noeviction",
            "proto-max-bulk-len": str(MAX_BULK),
        }

    def info(self, wanted: set[str], keys: int) -> str:
        """INFO: the sections asked for, or all.

        Args:
            wanted: names of sections in lower case; empty for all.
            keys: how many keys the node has.
        """
        sections: dict[str, dict[str, Any]] = {
            "Server": {
                "redis_version": VERSION,
                "redis_mode": "cluster",
                "os": platform.platform(),
                "arch_bits": 64,
                "node": self.door.node,
                "process_id": os.getpid(),
                "tcp_port": self.ports[self.door.node],
                "uptime_in_seconds": int(time.monotonic() - self._begun),
            },
            "Clients": {"connected_clients": len(self._clients), "maxclients": MOST_CLIENTS},
            "Persistence": {"loading": 0, "aof_enabled": int(self._durable)},
            "Stats": {"total_connections_received": self._connections},
            "Replication": {"role": "master", "connected_slaves": 0},
            "Cluster": {"cluster_enabled": 1},
            "Keyspace": {"db0": f"keys={keys},expires=0,avg_ttl=0"} if keys else {},
        }
        chosen = [name for name in sections if not wanted or name.lower() in wanted]
        return "\r\n".join(
            f"# {name}\r\n" + "".join(f"{key}:{value}\r\n" for key, value in sections[name].items())
            for name in chosen
        )


def make(door: Door, settings: Mapping[str, Any]) -> RespFacade:
    """The facade of a node.

    Args:
        door: to the node.
        settings: ``host``, ``ports`` by node, and the node's own ``config``.

    Raises:
        BadInput: the store has another number of slots than Redis' clients reckon with.
    """
    config = settings["config"]
    if config.get("slots", SLOTS) != SLOTS:
        raise BadInput(f"Redis' clients reckon with {SLOTS} slots: leave the store its own number")
    return RespFacade(door, settings["host"], settings["ports"], config.get("durable", True))
