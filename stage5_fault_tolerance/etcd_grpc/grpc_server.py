"""gRPC on HTTP/2: messages in streams, methods by path, statuses in trailers.

A server that takes the same servicers as ``grpc.aio.server`` and does the same on the wire, in the
node's own event loop and without threads. grpcio's own server spends more time in handing requests
from its threads to the loop than a whole cluster needs to carry them out (see the benchmark of
Raft); this one costs about a tenth of that.

A message on a stream is one byte (compressed or not: never here), four bytes of length, and the
message itself; requests and answers are one message, or a row of them.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from stage5_fault_tolerance.etcd_grpc import http2_frames as h2
from stage5_fault_tolerance.etcd_grpc.http2 import Connection, Stream

MOST_BYTES = 2 * 1024 * 1024
"""No request is longer; etcd takes 1.5 MiB, and 512 KiB for what is around it."""

_PREFIX = struct.Struct(">BI")
_OK = h2.trailers(0)
_BACKLOG = 1024


class Aborted(Exception):
    """The call ends with a status."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class _Path:
    """What grpcio's handlers want to know of a call."""

    def __init__(self, method: str) -> None:
        self.method = method


class GrpcServer:
    """A server of gRPC services.

    Args:
        log: takes a sentence for people, about a handler that failed.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._handlers: list[Any] = []
        self._methods: dict[str, Any] = {}
        self._connections: dict[Connection, None] = {}
        self._server: asyncio.Server | None = None

    # What the generated code calls.

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Take the methods of a service."""
        self._handlers += handlers

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        """The same again, by name; not needed."""

    # Life.

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._opened, self._register), host, port, backlog=_BACKLOG
        )

    async def stop(self) -> None:
        """Close all connections."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()

    def _register(self, connection: Connection, made: bool) -> None:
        if made:
            self._connections[connection] = None
        else:
            self._connections.pop(connection, None)

    # Calls.

    def _opened(self, stream: Stream, headers: h2.Headers) -> "Call":
        return Call(stream, headers, self._method(headers.path), self._log)

    def _method(self, path: str) -> Any:
        """The handler of a method; None if there is none."""
        if path not in self._methods:
            found = (handler.service(_Path(path)) for handler in self._handlers)
            method = next(filter(None, found), None)
            if method is None:
                return None
            self._methods[path] = method
        return self._methods[path]


class Call:
    """One call: what a handler sees as its context, and what the stream sees as its taker.

    Args:
        stream: on which it came.
        headers: of the request.
        method: grpcio's handler of the method, or None.
        log: as in GrpcServer.
    """

    def __init__(
        self, stream: Stream, headers: h2.Headers, method: Any, log: Callable[[str], None]
    ) -> None:
        self._stream = stream
        self._headers = headers
        self._method = method
        self._log = log
        self._unread = b""
        self._requests: asyncio.Queue[Any] | None = None
        """Of a call with a row of requests: those that are not taken yet; None is the end."""
        self._task: asyncio.Task[None] | None = None
        self._begun = self._over = False
        if method is None:
            text = f"there is no method {headers.path} here"
            self._fail(grpc.StatusCode.UNIMPLEMENTED, text)
        elif method.request_streaming:
            self._requests = asyncio.Queue()
            self._start(self._converse())

    # For handlers.

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """What the client sent beside its request."""
        return self._headers.fields

    async def abort(self, code: grpc.StatusCode, text: str) -> None:
        """End the call with a status."""
        raise Aborted(code, text)

    # For the stream.

    def data(self, chunk: bytes, ended: bool) -> None:
        """Cut messages out of the stream."""
        if self._over:
            return
        unread = self._unread + chunk if self._unread else chunk
        while len(unread) >= _PREFIX.size:
            compressed, size = _PREFIX.unpack_from(unread)
            if compressed:
                self._fail(grpc.StatusCode.UNIMPLEMENTED, "messages must not be compressed")
                return
            if size > MOST_BYTES:
                text = f"the message has {size} bytes; {MOST_BYTES} is the most"
                self._fail(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
                return
            end = _PREFIX.size + size
            if len(unread) < end:
                break
            self._message(unread[_PREFIX.size : end])
            unread = unread[end:]
        self._unread = unread
        if ended:
            self._ended()

    def _ended(self) -> None:
        """The client has said all."""
        if self._requests is not None:
            self._requests.put_nowait(None)
        elif self._task is None:
            self._fail(grpc.StatusCode.INTERNAL, "the request has no message")

    def _message(self, body: bytes) -> None:
        try:
            request = self._method.request_deserializer(body)
        except Exception as error:  # whatever a deserializer raises for bytes that are none of its
            self._fail(grpc.StatusCode.INTERNAL, f"the request cannot be read: {error}")
            return
        if self._requests is not None:
            self._requests.put_nowait((request, len(body)))
        elif self._task is None:
            self._start(self._answer(request))

    def cancelled(self) -> None:
        """Nobody waits for an answer any more."""
        self._over = True
        if self._task is not None:
            self._task.cancel()

    # Carrying it out.

    def _start(self, work: Any) -> None:
        self._task = asyncio.get_running_loop().create_task(self._guarded(work))

    async def _guarded(self, work: Any) -> None:
        try:
            await work
        except Aborted as aborted:
            self._fail(aborted.code, aborted.text)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # a bug in a handler ends its call, not the server
            self._log(f"{self._headers.path}: {type(error).__name__}: {error}")
            self._fail(grpc.StatusCode.INTERNAL, "the handler failed; see the server's log")

    async def _answer(self, request: Any) -> None:
        """One request, one answer."""
        method = self._method
        body = method.response_serializer(await method.unary_unary(request, self))
        if not self._over:
            self._over = True
            self._stream.answer(_PREFIX.pack(0, len(body)) + body, _OK)

    async def _converse(self) -> None:
        """A row of requests, a row of answers."""
        method = self._method
        assert self._requests is not None, "that makes it a row"
        requests = self._each_request(self._requests)
        async for response in method.stream_stream(requests, self):
            if not self._begun:
                self._begun = True
                self._stream.begin()
            body = method.response_serializer(response)
            self._stream.send(_PREFIX.pack(0, len(body)) + body)
            await self._stream.has_room()
        self._over = True
        if not self._begun:
            self._stream.begin()
        self._stream.finish(_OK)

    async def _each_request(self, requests: "asyncio.Queue[Any]") -> AsyncIterator[Any]:
        while (each := await requests.get()) is not None:
            request, size = each
            self._stream.read(size + _PREFIX.size)
            yield request

    def _fail(self, code: grpc.StatusCode, text: str) -> None:
        if self._over:
            return
        self._over = True
        end = h2.trailers(code.value[0], text)
        if self._begun:
            self._stream.finish(end)
        else:
            self._stream.refuse(end)
