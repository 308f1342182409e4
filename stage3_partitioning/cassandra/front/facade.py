"""The socket on which CQL clients reach a node, and one client's connection.

Requests of a connection are carried out at the same time, and are answered in any order: each has
the number of its stream. Nothing grows without bound: a client that has :data:`MOST_UNDER_WAY`
requests without an answer, or that does not read its answers, is not read from.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from common.runtime.facade import Door
from common.runtime.ports import take_port
from common.runtime.refusals import Refusals
from stage3_partitioning.cassandra.front.requests import Prepared, Requests
from stage3_partitioning.cassandra.front.schema import Schema
from stage3_partitioning.cassandra.front.statements import Statements
from stage3_partitioning.cassandra.front.system import System
from stage3_partitioning.cassandra.front.wire import (
    HEAD,
    CqlError,
    Head,
    error_frame,
    frame,
    read_head,
)

MOST_UNDER_WAY = 128
MOST_CLIENTS = 1_000
STALL_SECONDS = 30.0
"""A client that has read nothing for so long is disconnected."""

BIND_SECONDS = 5.0
"""How long a node that comes back waits for its port."""

REFUSED = ("cut", "garbled", "stalled", "too_many", "mistake")
"""Why connections are closed."""


class CqlFacade:
    """Speaks CQL's protocol for one node.

    Args:
        door: to the node.
        host: where clients reach all nodes.
        ports: by node, on which port.
    """

    def __init__(self, door: Door, host: str, ports: Mapping[str, int]) -> None:
        schema = Schema(door)
        system = System(schema, door.node, door.members, host, ports)
        self.statements = Statements(door, schema, system)
        self.prepared: Prepared = {}
        self._where = host, ports[door.node]
        self._refusals = Refusals(REFUSED, door.log)
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Accept clients. Raises: BadInput, where the port is taken."""
        host, port = self._where
        self._server = await take_port("CQL clients", f"{host}:{port}", self._listen)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._welcome, *self._where)

    async def close(self) -> None:
        """Disconnect everybody."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def refused(self, kind: str, why: str) -> None:
        """A connection is closed; the log says why, now and then."""
        self._refusals.add(kind, f"CQL client disconnected: {why}")

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.current_task()
        assert client is not None
        self._clients.add(client)
        try:
            if len(self._clients) > MOST_CLIENTS:
                self.refused("too_many", f"{MOST_CLIENTS} clients are here")
            else:
                await Connection(self, reader, writer).serve()
        except asyncio.CancelledError:
            pass  # the node ends
        finally:
            self._clients.discard(client)
            writer.transport.abort()


class Connection:
    """One client.

    Args:
        facade: what it is connected to.
        reader, writer: the socket.
    """

    def __init__(
        self, facade: CqlFacade, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._facade = facade
        self._reader = reader
        self._writer = writer
        self._requests = Requests(facade.statements, facade.prepared)
        self._room = asyncio.Semaphore(MOST_UNDER_WAY)
        self._under_way: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Read frames until the client goes, or sends what cannot be understood."""
        try:
            while (head := await self._head()) is not None:
                body = await self._reader.readexactly(head.length)
                await self._room.acquire()
                task = asyncio.create_task(self._answer(head, body))
                self._under_way.add(task)
                task.add_done_callback(self._done)
        except asyncio.IncompleteReadError:
            self._facade.refused("cut", "its last frame has no end")
        except ConnectionError:
            pass  # it is gone
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _head(self) -> Head | None:
        """The next head; None where the client has gone, or is told that this is the end."""
        try:
            data = await self._reader.readexactly(HEAD.size)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return None
        try:
            return read_head(data)
        except CqlError as error:
            self._facade.refused("garbled", error.message)
            await self._write(error_frame(int.from_bytes(data[2:4], signed=True), error))
            return None

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._facade.refused("mistake", f"a request was met by a mistake of ours: {error!r}")
            self._writer.transport.abort()  # no answer would be right

    async def _answer(self, head: Head, body: bytes) -> None:
        try:
            opcode, answer = await self._requests.answer(head.opcode, body)
            await self._write(frame(head.stream, opcode, answer))
        except CqlError as error:
            await self._write(error_frame(head.stream, error))

    async def _write(self, data: bytes) -> None:
        """Write a frame, and wait for a client that does not read."""
        try:
            self._writer.write(data)
            async with asyncio.timeout(STALL_SECONDS):
                await self._writer.drain()
        except TimeoutError:
            self._facade.refused("stalled", f"it read nothing for {STALL_SECONDS:g} s")
            self._writer.transport.abort()
        except ConnectionError:
            pass  # it is gone


def make(door: Door, settings: Mapping[str, Any]) -> CqlFacade:
    """The facade of a node; ``settings`` has ``host``, and by node ``ports``."""
    return CqlFacade(door, settings["host"], settings["ports"])
