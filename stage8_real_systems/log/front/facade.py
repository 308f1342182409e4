"""The socket on which Kafka clients reach a broker."""

import asyncio
from collections.abc import Mapping
from typing import Any

from common.runtime.facade import Door
from common.runtime.ports import take_port
from common.runtime.refusals import Refusals, Refused
from stage8_real_systems.log.front.connection import Connection
from stage8_real_systems.log.front.gateway import Gateway

REFUSED = ("cut", "garbled", "too_long", "unknown", "stalled", "too_many", "unheard")
"""Why connections are closed."""

MOST_CLIENTS = 2_000


class KafkaFacade:
    """Speaks Kafka's protocol for one broker.

    Args:
        gateway: the door to the broker.
        host, port: where to listen.

    Attributes:
        gateway: as given.
    """

    def __init__(self, gateway: Gateway, host: str, port: int) -> None:
        self.gateway = gateway
        self._host, self._port = host, port
        self._refusals = Refusals(REFUSED, gateway.log)
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Accept clients.

        Raises:
            BadInput: the port is taken.
        """
        where = f"{self._host}:{self._port}"
        self._server = await take_port("Kafka clients", where, self._listen)

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: Connection(self), self._host, self._port, backlog=1024
        )

    async def close(self) -> None:
        """Disconnect everybody."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.transport.abort()

    def opened(self, connection: Connection) -> None:
        """A client has connected; one too many is disconnected."""
        if len(self._connections) >= MOST_CLIENTS:
            self.refused(connection, Refused("too_many", f"{MOST_CLIENTS} clients are here"))
            connection.transport.abort()
            return
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        """It has gone."""
        self._connections.discard(connection)

    def refused(self, connection: Connection, error: Refused) -> None:
        """A connection is closed for what came on it; the log says why, now and then."""
        self._refusals.add(error.kind, f"Kafka client {connection.peer} disconnected: {error}")


def make(door: Door, settings: Mapping[str, Any]) -> KafkaFacade:
    """The facade of a broker.

    Args:
        door: to the broker.
        settings: ``host``, and by broker in ``ports`` where it serves clients.

    Raises:
        BadInput: a broker has no port.
    """
    host, ports = settings["host"], settings["ports"]
    return KafkaFacade(Gateway(door, host, ports), host, ports[door.node])
