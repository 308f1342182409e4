"""The socket on which NATS clients reach the broker."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from common.runtime.facade import Door
from common.runtime.ports import take_port
from stage2_communication.queue.front.connection import Connection
from stage2_communication.queue.front.exchange import Exchange
from stage2_communication.queue.front.jetstream import JetStream
from stage2_communication.queue.front.parser import MOST_PAYLOAD

VERSION = "2.15.1"
"""The NATS server that this one is compared with; clients look at it."""
MOST_CLIENTS = 10_000


class NatsServer:
    """Speaks NATS.

    Args:
        host: the address to listen on.
        port: and the port.
        name: what it calls itself.
        log: takes a sentence for people.
        login: the user and password that clients have to name; None if anybody may come.

    Attributes:
        exchange: who hears what.
        port: where it listens; where 0 was asked for, it is known once it does.
    """

    def __init__(
        self,
        host: str,
        port: int,
        name: str,
        log: Callable[[str], None],
        login: tuple[str, str] | None = None,
    ) -> None:
        self.exchange = Exchange()
        self.port = port
        self._host, self._name, self._log = host, name, log
        self._server: asyncio.Server | None = None
        self._clients = 0
        self._login = login

    async def listen(self) -> None:
        """Accept clients; BadInput if the port is taken."""
        self._server = await take_port("NATS clients", f"{self._host}:{self.port}", self._listen)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._connect, self._host, self.port, backlog=1024)

    async def close(self) -> None:
        """Disconnect everybody."""
        if self._server is not None:
            self._server.close()
        for client in list(self.exchange.connections.values()):
            assert isinstance(client, Connection), "all clients come by the socket"
            client.transport.abort()

    def _connect(self) -> asyncio.Protocol:
        self._clients += 1
        return Connection(self._clients, self.exchange, self._greeting, self._log, self._login)

    def _greeting(self, client: int, address: str) -> bytes:
        info = {
            "server_id": self._name,
            "server_name": self._name,
            "version": VERSION,
            "proto": 1,
            "host": self._host,
            "port": self.port,
            "headers": True,
            "max_payload": MOST_PAYLOAD,
            "client_id": client,
            "client_ip": address,
            "jetstream": True,
            **({"auth_required": True} if self._login else {}),
        }
        return f"INFO {json.dumps(info)} \r\n".encode()


class NatsFacade(NatsServer):
    """Speaks NATS for one broker.

    Args:
        door: to the node.
        host: the address to listen on.
        port: and the port.
        config: the node's own.
    """

    def __init__(self, door: Door, host: str, port: int, config: Mapping[str, Any]) -> None:
        super().__init__(host, port, door.node, door.log)
        self._jetstream = JetStream(door, self.exchange, config)

    async def close(self) -> None:
        """Disconnect everybody, and let nobody wait any more."""
        self._jetstream.close()
        await super().close()


def make(door: Door, settings: Mapping[str, Any]) -> NatsFacade:
    """The facade of a node.

    Args:
        door: to the node.
        settings: ``host``, ``ports`` by node, and the node's own ``config``.
    """
    return NatsFacade(door, settings["host"], settings["ports"][door.node], settings["config"])
