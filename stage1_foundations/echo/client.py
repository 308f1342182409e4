"""An echo client on TCP that outlives its server: it reconnects, asks again, mixes up no answers.

Asking again is safe here because an echo is *idempotent*: done twice it is the same as done once.
The lab ``failures`` is about what to do when it is not.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from common.values.errors import LabError, RemoteProtocolError
from common.values.units import MS, SECOND
from stage1_foundations.echo.frames import FrameDecoder, encode_frame
from stage1_foundations.echo.server import GREETING, READ_BYTES, reason


class NoAnswer(LabError):
    """Nobody answered in the time and the attempts allowed; what was asked may have been heard."""

    exit_code = 2
    """That of unknown: neither done nor not done, as far as anybody here can tell."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before each attempt.

    Attributes:
        attempts: how many there are, the first included.
        base: the upper bound of the second attempt's delay, in microseconds; it then doubles.
        cap: where the doubling ends, in microseconds.
    """

    attempts: int = 6
    base: int = 50 * MS
    cap: int = 2 * SECOND

    def delays(self, random: Random) -> Iterator[int]:
        """The delay before each attempt, in microseconds: 0 before the first, then random ones.

        The n-th retry waits for a time drawn evenly from 0 to min(cap, base * 2**(n-1)), bounds
        included. Doubling spares a server that is overloaded. Drawing (*full jitter*, Brooker 2015,
        "Exponential backoff and jitter") spreads the clients. They all lost the server at the same
        instant; without it they would all come back at the same instant, again and again.
        """
        yield 0
        for retry in range(self.attempts - 1):
            yield random.randint(0, min(self.cap, self.base * 2**retry))


class EchoClient:
    """Talks to one echo server; one request at a time.

    Args:
        host: where the server listens.
        port: where the server listens.
        connect_timeout: how long a connection and its greeting may take, in microseconds.
        answer_timeout: how long an answer may take, in microseconds.
        backoff: how often to try, and how long to wait in between.
        random: where the jitter comes from.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connect_timeout: int = 2 * SECOND,
        answer_timeout: int = 2 * SECOND,
        backoff: Backoff | None = None,
        random: Random | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.connect_timeout = connect_timeout
        self.answer_timeout = answer_timeout
        self.backoff = backoff or Backoff()
        self.random = random or Random()
        self.connection: Connection | None = None
        """The connection in use. None before the first request and after each failed one."""

    async def request(self, payload: bytes) -> bytes:
        """Send one payload and wait for its echo; reconnect and ask again as often as allowed.

        A connection on which an answer did not come in time is dropped, not used again: that
        answer may still come, and would be taken for the answer to the next request.

        Returns:
            The payload, as the server sent it back.

        Raises:
            NoAnswer: all attempts failed; the text says why the last one did.
            BadInput: the payload is too long; nothing was sent.
        """
        frame = encode_frame(payload)
        why = "no attempt was allowed"
        for delay in self.backoff.delays(self.random):
            await asyncio.sleep(delay / SECOND)
            try:
                return await self._attempt(frame, payload)
            except OSError as error:
                why = reason(error)
            except RemoteProtocolError as error:
                why = str(error)
            self.drop()
        raise NoAnswer(
            f"no answer from {self.host}:{self.port} in {self.backoff.attempts} attempts "
            f"({why}): check that a server runs there, and that the network lets you through"
        )

    async def _attempt(self, frame: bytes, payload: bytes) -> bytes:
        if self.connection is None:
            async with asyncio.timeout(self.connect_timeout / SECOND):
                self.connection = await Connection.open(self.host, self.port)
        async with asyncio.timeout(self.answer_timeout / SECOND):
            answer = await self.connection.ask(frame)
        if answer != payload:
            raise RemoteProtocolError("the server sent back something else than it was sent")
        return answer

    async def echo_all(self, payloads: Iterable[bytes]) -> list[bytes]:
        """Send many payloads without waiting in between, half-close, and read until the end.

        Sending and reading go on side by side. A client that sent everything before it read the
        first answer would wait for a server that waits for that client to read.

        Returns:
            The answers, one for each payload, in the same order.

        Raises:
            NoAnswer: the connection failed, or answers are missing.
            BadInput: a payload is too long; nothing was sent.
        """
        frames = [encode_frame(payload) for payload in payloads]
        self.drop()
        try:
            async with asyncio.timeout(self.connect_timeout / SECOND):
                self.connection = await Connection.open(self.host, self.port)
            _, answers = await asyncio.gather(
                self.connection.send_all(frames, self.answer_timeout),
                self.connection.read_all(self.answer_timeout),
            )
        except (OSError, RemoteProtocolError) as error:
            why = reason(error) if isinstance(error, OSError) else str(error)
            raise NoAnswer(
                f"lost the conversation with {self.host}:{self.port}: {why}; try again"
            ) from None
        finally:
            self.drop()
        if len(answers) != len(frames):
            raise NoAnswer(f"{len(frames)} payloads were sent and {len(answers)} came back")
        return answers

    def drop(self) -> None:
        """Let go of the connection, if there is one, without waiting for anything."""
        if self.connection is not None:
            self.connection.drop()
            self.connection = None


class Connection:
    """One TCP connection to an echo server, from the greeting on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.decoder = FrameDecoder()
        self.answers: list[bytes] = []
        """Answers that were read together with an earlier one, oldest first."""

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        """Connect and greet.

        Raises:
            OSError: nobody listens there, or nobody can be reached.
            RemoteProtocolError: what listens there is no echo server of this version.
        """
        reader, writer = await asyncio.open_connection(host, port, limit=READ_BYTES)
        connection = cls(reader, writer)
        try:
            if await connection.ask(encode_frame(GREETING)) != GREETING:
                raise RemoteProtocolError("the server greeted in another protocol")
        except BaseException:
            connection.drop()
            raise
        return connection

    async def ask(self, frame: bytes) -> bytes:
        """Send one frame and wait for the next answer.

        Raises:
            OSError: the connection is gone, or the server closed it first.
            RemoteProtocolError: the answer is no frame.
        """
        self.writer.write(frame)
        await self.writer.drain()
        while not self.answers:
            data = await self.reader.read(READ_BYTES)
            if not data:
                self.decoder.end()
                raise ConnectionResetError("the server hung up")
            self.answers += self.decoder.feed(data)
        return self.answers.pop(0)

    async def send_all(self, frames: list[bytes], patience: int) -> None:
        """Send the frames as fast as the server takes them, then close our side."""
        for frame in frames:
            self.writer.write(frame)
            async with asyncio.timeout(patience / SECOND):
                await self.writer.drain()
        self.writer.write_eof()

    async def read_all(self, patience: int) -> list[bytes]:
        """Read answers until the server closes its side."""
        while True:
            async with asyncio.timeout(patience / SECOND):
                data = await self.reader.read(READ_BYTES)
            if not data:
                self.decoder.end()
                return self.answers
            self.answers += self.decoder.feed(data)

    def drop(self) -> None:
        """Close at once; what was not sent yet is thrown away."""
        self.writer.transport.abort()
