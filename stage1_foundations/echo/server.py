"""An echo server on TCP that no client can stop: not a slow, a silent, a rude or a vanished one.

The conversation: the client's first frame is a greeting with the version of the protocol, and every
frame, the greeting included, comes back as it is. A client that has no more to send closes its side
(*half-close*, RFC 9293, section 3.6); the server answers what is left and closes its own.

Everything is bounded: connections in number, frames in length, silence in time. What a client does
not read is not collected here without end either: once the answers fill the write buffer, the
server stops reading, TCP's window closes, and the client itself has to wait (*back-pressure*).
"""

import asyncio
import errno
import logging
import os
import socket

from common.values.errors import BadInput, RemoteProtocolError
from common.values.units import SECOND, show_time
from stage1_foundations.echo.frames import FrameDecoder, encode_frame

GREETING = b"echo 1"
"""The first payload of each connection: the name and the version of the protocol."""

READ_BYTES = 64 * 1024
"""How much is read at once at most."""

log = logging.getLogger("echo.server")


class EchoServer:
    """Listens on one address and echoes the frames of many clients at once.

    Args:
        host: the address to listen on; other machines can connect only if this is one of theirs.
        port: 0 lets the system choose a free one; see ``address``.
        max_connections: clients beyond this number are hung up on at once.
        handshake_timeout: how long a client may take to greet, in microseconds.
        idle_timeout: how long a client may go on without completing a frame, or without taking its
            answers, in microseconds.
        write_buffer: how many bytes of answers may wait for a client before the server stops
            reading from it.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        max_connections: int = 256,
        handshake_timeout: int = 5 * SECOND,
        idle_timeout: int = 60 * SECOND,
        write_buffer: int = 64 * 1024,
    ) -> None:
        self.host = host
        self.port = port
        self.max_connections = max_connections
        self.handshake_timeout = handshake_timeout
        self.idle_timeout = idle_timeout
        self.write_buffer = write_buffer
        self.stopping = False
        """Once True it stays so: nothing more is read, from anybody."""
        self.connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        """For each client that is connected, the task that serves it."""
        self._reads: dict[asyncio.Task[None], asyncio.Timeout] = {}
        """The tasks that wait for bytes at this moment, each with what ends its waiting."""
        self._listener: asyncio.Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port that the server listens on. Only a started server has one."""
        assert self._listener is not None, "the server was not started"
        host, port = self._listener.sockets[0].getsockname()[:2]
        return host, port

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            BadInput: the address cannot be had; the text says why.
        """
        try:
            self._listener = await asyncio.start_server(
                self._welcome, self.host, self.port, limit=READ_BYTES, backlog=self.max_connections
            )
        except OSError as error:
            remedy = "choose another host or port"
            if error.errno == errno.EADDRINUSE:
                remedy = "stop the program that listens there, or choose another port"
            raise BadInput(
                f"cannot listen on {self.host}:{self.port}: {reason(error)}; {remedy}"
            ) from None

    async def stop(self, *, grace: int = 5 * SECOND) -> None:
        """Stop without taking back a word: what has been read is answered, then all is closed.

        Args:
            grace: how long clients may take to accept their last answers, in microseconds.
        """
        self.stopping = True
        if self._listener is not None:
            self._listener.close()
        for read in self._reads.values():
            read.reschedule(0)
        if self.connections:
            _, unfinished = await asyncio.wait(self.connections, timeout=grace / SECOND)
            for connection in unfinished:
                self.connections[connection].transport.abort()
            await asyncio.gather(*unfinished)

    async def handle_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Hold the conversation with one client, until it or the server has no more to say.

        Only a *complete* frame starts the time allowed again: a client that sends a byte now and
        then cannot keep its place forever. Each answer waits until there is room for it
        (``drain``), so a client that does not read is not read from. If the server stops meanwhile,
        nothing more is read, and all frames that were read are answered.

        Raises:
            RemoteProtocolError: the client broke the protocol.
            TimeoutError: the client took too long to greet, to go on, or to read.
            OSError: the connection is gone.
        """
        loop = asyncio.get_running_loop()
        decoder = FrameDecoder()
        greeted = False
        deadline = loop.time() + self.handshake_timeout / SECOND
        while not self.stopping and (data := await self._read(reader, deadline)):
            for payload in decoder.feed(data):
                if not greeted:
                    check_greeting(payload)
                    greeted = True
                deadline = loop.time() + self.idle_timeout / SECOND
                writer.write(encode_frame(payload))
                async with asyncio.timeout_at(deadline):
                    await writer.drain()
        if not self.stopping:
            decoder.end()

    async def _read(self, reader: asyncio.StreamReader, deadline: float) -> bytes:
        """The next bytes of a client; none once it has ended its side, or we are stopping."""
        connection = _current_task()
        try:
            async with asyncio.timeout_at(deadline) as self._reads[connection]:
                return await reader.read(READ_BYTES)
        except TimeoutError:
            if self.stopping:
                return b""
            raise
        finally:
            del self._reads[connection]

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run one connection from its first byte to its last, whatever happens on it."""
        client = str(writer.get_extra_info("peername"))
        connection = _current_task()
        if self.stopping or len(self.connections) >= self.max_connections:
            log.warning("%s: hung up, %d clients are enough", client, len(self.connections))
            writer.transport.abort()
            return
        self.connections[connection] = writer
        writer.transport.set_write_buffer_limits(high=self.write_buffer)
        try:
            await self.handle_connection(reader, writer)
            await self._close(writer)
            log.info("%s: done", client)
        except RemoteProtocolError as error:
            log.warning("%s: hung up, %s", client, error)
        except TimeoutError:
            log.warning("%s: hung up, it took too long (%s)", client, self._patience())
        except OSError as error:
            log.info("%s: gone, %s", client, reason(error))
        finally:
            del self.connections[connection]
            writer.transport.abort()

    async def _close(self, writer: asyncio.StreamWriter) -> None:
        """Send what still waits in the write buffer, then close."""
        async with asyncio.timeout(self.idle_timeout / SECOND):
            writer.close()
            await writer.wait_closed()

    def _patience(self) -> str:
        greet, idle = show_time(self.handshake_timeout), show_time(self.idle_timeout)
        return f"{greet} to greet, {idle} for each further frame"


def check_greeting(payload: bytes) -> None:
    """Check that a client speaks this protocol, in this version.

    Raises:
        RemoteProtocolError: it does not.
    """
    if payload != GREETING:
        raise RemoteProtocolError(f"the client greeted with {payload[:40]!r}, not {GREETING!r}")


def reason(error: OSError) -> str:
    """Why something on a socket failed, in the system's words and in lower case."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    if error.errno is None or isinstance(error, socket.gaierror):
        return (error.strerror or str(error)).lower()
    return os.strerror(error.errno).lower()


def _current_task() -> "asyncio.Task[None]":
    task = asyncio.current_task()
    assert task is not None, "a connection runs as a task"
    return task
