"""The other side of the wire for the suites of ``echo``: sockets, frames and servers of our own."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tests.stage1_foundations.echo.lab import EchoLab

GREETING = b"echo 1"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(talk: Coroutine[Any, Any, None]) -> None:
    """Run a conversation; one that hangs is a failure after ten seconds."""

    async def bounded() -> None:
        async with asyncio.timeout(10):
            await talk

    asyncio.run(bounded())


def frame(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    return await reader.readexactly(length)


class Serving:
    """A started server of the lab, and the way to it: judged, it is in a network of its own."""

    def __init__(self, lab: EchoLab, server: Any) -> None:
        self.lab = lab
        self.server = server

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self.server.address
        return host, port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to it. Raises: OSError, where nobody listens."""
        return await asyncio.open_connection(sock=self.lab.connect(self.address))


@asynccontextmanager
async def serving(lab: EchoLab, **options: Any) -> AsyncIterator[Serving]:
    """A started server of the lab; stopped at the end, whatever happened."""
    server = lab.EchoServer(**options)
    await server.start()
    try:
        yield Serving(lab, server)
    finally:
        await server.stop(grace=0)


@asynccontextmanager
async def connected(
    serving: Serving, *, greet: bool = True
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A plain connection to the server, greeted unless told otherwise."""
    reader, writer = await serving.connect()
    try:
        if greet:
            writer.write(frame(GREETING))
            assert await read_frame(reader) == GREETING, "the server did not send the greeting back"
        yield reader, writer
    finally:
        writer.transport.abort()


@asynccontextmanager
async def scripted(
    lab: EchoLab, *talks: Talk, room: int | None = None
) -> AsyncIterator[tuple[str, int]]:
    """A server of ours: the n-th connection is handled by the n-th talk, later ones by the last.

    With ``room``, the system keeps about so many bytes for it in each direction.
    """
    left = list(talks)

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = left.pop(0) if len(left) > 1 else left[0]
        try:
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away, as it may
        finally:
            writer.transport.abort()

    sock = lab.listen()
    if room is not None:
        for direction in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, direction, room)
    listener = await asyncio.start_server(welcome, sock=sock)
    try:
        yield listener.sockets[0].getsockname()[:2]
    finally:
        listener.close()


async def honest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echo each frame."""
    while True:
        writer.write(frame(await read_frame(reader)))


async def takes_in_what_it_answered(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Echo each frame, and read no further while the answer is not on its way."""
    writer.transport.set_write_buffer_limits(0)
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            writer.write(frame(await read_frame(reader)))
            await writer.drain()
    writer.write_eof()
    await reader.read(-1)


async def the_rest(reader: asyncio.StreamReader) -> bytes:
    """What comes before the connection ends, whether it is closed or reset."""
    try:
        return await reader.read(-1)
    except ConnectionError:
        return b""
