"""The socket on which Redis clients, and Redis servers that follow, reach a replica."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Mapping
from typing import Any, cast

from common.contract import NodeId
from common.runtime.facade import Door
from common.runtime.ports import take_port
from common.runtime.resp.replies import error
from common.runtime.resp.requests import RequestReader
from common.values.history import Outcome
from stage3_partitioning.replication.front.commands import Reply, begin
from stage3_partitioning.replication.front.following import Following
from stage3_partitioning.replication.front.stream import Stream
from stage3_partitioning.replication.log import NOWHERE, Position

MOST_CLIENTS = 1_000
MOST_PENDING = 1_000
"""Replies of a client that are not there yet; it is not read from while there are so many."""


class RespFront:
    """Speaks RESP for one replica.

    Args:
        door: to the replica.
        host: the address to listen on.
        ports: by node, where its front listens.

    Attributes:
        stream: its log, for Redis servers that follow.
        following: the Redis that it follows, if it does.
    """

    def __init__(self, door: Door, host: str, ports: Mapping[NodeId, int]) -> None:
        self.door, self.host, self.node = door, host, door.node
        self._ports = dict(ports)
        self.stream = Stream(door)
        self.following: Following | None = None
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        """Accept clients; BadInput if the port is taken."""
        where = f"{self.host}:{self._ports[self.node]}"
        self._server = await take_port("Redis clients", where, self._listen)
        self.stream.begin()

    async def _listen(self) -> asyncio.Server:
        port = self._ports[self.node]
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Connection(self), self.host, port)

    async def close(self) -> None:
        """Follow nobody, and disconnect everybody."""
        self.lead()
        self.stream.close()
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections):
            connection.hang_up()

    # What commands ask of it.

    def ask(self, operation: object) -> Awaitable[Outcome]:
        """Let the node do something; it begins at once, and in the order of the calls."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def arrived(outcome: Outcome) -> None:
            if not answer.done():
                answer.set_result(outcome)

        self.door.invoke(operation, arrived)
        return answer

    def address(self, node: NodeId) -> tuple[str, int]:
        """Where a node's front is."""
        return self.host, self._ports[node]

    def follow(self, host: str, port: int) -> None:
        """Follow a real Redis, and no other."""
        self.lead()
        self.following = Following(self.door, host, port, self._ports[self.node])

    def lead(self) -> None:
        """Follow no Redis any more."""
        if self.following is not None:
            self.following.stop()
            self.following = None


class Connection(asyncio.Protocol):
    """One client, or one Redis server that follows.

    Args:
        front: of the replica.

    Attributes:
        version, port, written: as :class:`~.commands.Client` says.
        acknowledged, online: as :class:`~.stream.Follower` says.
    """

    transport: asyncio.Transport

    def __init__(self, front: RespFront) -> None:
        self._front = front
        self.version, self.port = 2, 0
        self.written: Position = NOWHERE
        self.acknowledged, self.online = 0, False
        self._reader = RequestReader()
        self._replies: deque[Reply] = deque()
        self._paused = False
        self._ending = False

    @property
    def front(self) -> RespFront:
        """The socket behind it."""
        return self._front

    # From the socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there; one too many is told so."""
        self.transport = cast(asyncio.Transport, transport)
        if len(self.front.connections) >= MOST_CLIENTS:
            self.transport.write(error("ERR max number of clients reached"))
            self.transport.close()
            return
        self.front.connections.add(self)

    def connection_lost(self, problem: Exception | None) -> None:
        """It has gone."""
        self.front.connections.discard(self)
        self.front.stream.left(self)

    def data_received(self, data: bytes) -> None:
        """Begin the commands that have come."""
        if self._ending:
            return
        commands, problem = self._reader.feed(data)
        for words in commands:
            reply = begin(self, words)
            self._replies.append(reply)
            if isinstance(reply, asyncio.Future):
                reply.add_done_callback(self._answered)
        if problem is not None:
            self._replies.append(error(f"ERR Protocol error: {problem}"))
            self.front.door.log(f"a Redis client: {problem}")
            self._ending = True
        self._flush()

    def _answered(self, _: object) -> None:
        self._flush()

    def _flush(self) -> None:
        """Write the replies that are there, up to the first that is not."""
        ready: list[bytes] = []
        while self._replies:
            first = self._replies[0]
            if isinstance(first, asyncio.Future):
                if not first.done():
                    break
                first = b"" if first.cancelled() else cast(bytes, first.result())
            self._replies.popleft()
            ready.append(cast(bytes, first))
        if not self.transport.is_closing():
            self.transport.write(b"".join(ready))
            if self._ending and not self._replies:
                self.transport.close()
            elif (len(self._replies) > MOST_PENDING) != self._paused:
                self._paused = not self._paused
                (self.transport.pause_reading if self._paused else self.transport.resume_reading)()

    # As a follower.

    def write(self, data: bytes) -> None:
        """Send it bytes of the stream."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def unread(self) -> int:
        """How many bytes wait because it does not read."""
        return self.transport.get_write_buffer_size()

    def hang_up(self) -> None:
        """Disconnect it."""
        self.transport.abort()

    def earlier(self) -> Awaitable[None]:
        """Ends when all that it has asked for up to now is answered."""
        pending = [each for each in self._replies if isinstance(each, asyncio.Future)]
        return _all(pending)

    def address(self) -> str:
        """From where it comes."""
        return str(self.transport.get_extra_info("peername")[0])


async def _all(pending: list[asyncio.Future[bytes]]) -> None:
    """Wait for all of these, however they end."""
    if pending:
        await asyncio.wait(pending)


def make(door: Door, settings: Mapping[str, Any]) -> RespFront:
    """The front of a replica.

    Args:
        door: to the replica.
        settings: ``host``, and ``ports`` by node.
    """
    return RespFront(door, settings["host"], settings["ports"])
