"""A connection of HTTP/2, from the server's side: frames in, streams, and flow control out.

It knows nothing of gRPC beyond whose bytes it carries. What a stream gets is handed to a
:class:`Taker`; what is written to a stream leaves as far as the two windows, of the stream and of
the connection, are open. Everything that is written in one turn of the loop leaves together.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from stage5_fault_tolerance.etcd_grpc import http2_frames as h2

STREAM_WINDOW = 4 * 1024 * 1024
"""How much a client may send on one stream before it is read."""
CONNECTION_WINDOW = 16 * 1024 * 1024
STREAMS = 10_000
MOST_UNSENT = 256 * 1024
"""Bytes of a stream that wait for its client; more have to wait with whoever makes them."""


class Taker(Protocol):
    """Takes what arrives on one stream."""

    def data(self, chunk: bytes, ended: bool) -> None:
        """Bytes have arrived; ``ended`` says that these are the last."""

    def cancelled(self) -> None:
        """The client, or the whole connection, is gone."""


class Stream:
    """One stream, for those who answer on it.

    Args:
        connection: that it belongs to.
        id: its number there.
        window: how much may be sent on it at first.
    """

    def __init__(self, connection: "Connection", id: int, window: int) -> None:
        self.id = id
        self.window = window
        self.taker: Taker | None = None
        self.taken = 0
        """Bytes read since the client was last allowed to send more."""
        self.unsent = bytearray()
        self.end: bytes | None = None
        """The trailers, once all else is written."""
        self.full = False
        """Whether more is unsent than should be; then ``emptied`` is set once it is not."""
        self.emptied: asyncio.Event | None = None
        self._connection = connection

    def answer(self, body: bytes, trailers: bytes) -> None:
        """The whole answer to a request at once: headers, one message, trailers."""
        connection, id, size = self._connection, self.id, len(body)
        if size <= connection.room(self):
            self.window -= size
            connection.window -= size
            connection.write(
                h2.frame(h2.HEADERS, h2.END_HEADERS, id, h2.RESPONSE)
                + h2.frame(h2.DATA, 0, id, body)
                + h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, id, trailers)
            )
            connection.forget(self)
        else:
            self.begin()
            self.send(body)
            self.finish(trailers)

    def begin(self) -> None:
        """Send the headers of an answer."""
        self._connection.write(h2.frame(h2.HEADERS, h2.END_HEADERS, self.id, h2.RESPONSE))

    def send(self, body: bytes) -> None:
        """Send a message after the headers, as far as windows allow; the rest follows."""
        self.unsent += body
        self._connection.pump(self)

    async def has_room(self) -> None:
        """Wait until less is unsent than may be."""
        if self.full:
            self.emptied = asyncio.Event()
            await self.emptied.wait()

    def finish(self, trailers: bytes) -> None:
        """Send trailers once everything else is sent."""
        self.end = trailers
        self._connection.pump(self)

    def refuse(self, trailers: bytes) -> None:
        """Answer with nothing but trailers."""
        flags = h2.END_HEADERS | h2.END_STREAM
        self._connection.write(h2.frame(h2.HEADERS, flags, self.id, h2.RESPONSE + trailers))
        self._connection.forget(self)

    def read(self, size: int) -> None:
        """So many bytes were taken in: allow the client as many more."""
        self.taken += size
        if self.taken >= STREAM_WINDOW // 4:
            self._connection.write(h2.window_update(self.id, self.taken))
            self.taken = 0


class Connection(asyncio.Protocol):
    """One client's connection.

    Args:
        opened: makes the taker of a new stream, given the stream and its headers.
        register: told of the connection when it is made (True) and lost (False).

    Attributes:
        window: how much may be sent on all streams together.
    """

    def __init__(
        self,
        opened: Callable[[Stream, h2.Headers], Taker],
        register: Callable[["Connection", bool], None],
    ) -> None:
        self.window = h2.FIRST_WINDOW
        self._opened = opened
        self._register = register
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._unread = b""
        self._greeted = False
        self._reader = h2.HeaderReader()
        self._block: tuple[int, int, bytes] | None = None
        """Stream, flags and beginning of a header block that goes on in the next frame."""
        self._streams: dict[int, Stream] = {}
        self._last_stream = 0
        self._first_window = h2.FIRST_WINDOW
        self._taken = 0
        self._out: list[bytes] = []
        self._choked = False

    # The transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what a client may do."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._register(self, True)
        limits = h2.settings(max_concurrent_streams=STREAMS, initial_window_size=STREAM_WINDOW)
        self.write(limits + h2.window_update(0, CONNECTION_WINDOW - h2.FIRST_WINDOW))

    def data_received(self, data: bytes) -> None:
        """Take the frames that are complete."""
        self._unread = data = self._unread + data if self._unread else data
        at = 0
        try:
            if not self._greeted:
                at = self._greet(data)
            while len(data) - at >= h2.HEAD_BYTES and self._greeted:
                size, kind, flags, stream = h2.head_of(data, at)
                if size > h2.FRAME_BYTES:
                    raise h2.ConnectionBroken(h2.FRAME_SIZE_ERROR, "the frame is too long")
                end = at + h2.HEAD_BYTES + size
                if end > len(data):
                    break
                self._take(kind, flags, stream, data[at + h2.HEAD_BYTES : end])
                at = end
            self._unread = data[at:]
        except h2.ConnectionBroken as error:
            self.close(error.code)

    def _greet(self, data: bytes) -> int:
        if not h2.PREFACE.startswith(data[: len(h2.PREFACE)]):
            raise h2.ConnectionBroken(h2.PROTOCOL_ERROR, "this is not HTTP/2")
        self._greeted = len(data) >= len(h2.PREFACE)
        return len(h2.PREFACE) if self._greeted else 0

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone, and so are its streams."""
        self._transport = None
        self._register(self, False)
        for stream in list(self._streams.values()):
            self._cancel(stream)

    def pause_writing(self) -> None:
        """The client does not read: let streams gather what they have, up to their bound."""
        self._choked = True

    def resume_writing(self) -> None:
        """It reads again."""
        self._choked = False
        self._pump_all()

    def write(self, frames: bytes) -> None:
        """Send frames at the end of this turn of the loop."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(frames)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))

    def close(self, code: int = 0) -> None:
        """Say goodbye and close."""
        self.write(h2.goaway(self._last_stream, code))
        self._flush()
        if self._transport is not None:
            self._transport.close()

    # Frames.

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._block is not None and (kind, stream) != (h2.CONTINUATION, self._block[0]):
            raise h2.ConnectionBroken(h2.PROTOCOL_ERROR, "a header block goes on in one piece")
        match kind:
            case h2.DATA:
                self._data(flags, stream, payload)
            case h2.HEADERS:
                self._headers(stream, flags, h2.without_padding(flags, payload))
            case h2.CONTINUATION:
                self._continue(flags, payload)
            case h2.RST_STREAM:
                if stream in self._streams:
                    self._cancel(self._streams[stream])
            case h2.SETTINGS:
                if not flags & h2.ACK:
                    self._settings(payload)
            case h2.PING:
                if not flags & h2.ACK:
                    self.write(h2.frame(h2.PING, h2.ACK, 0, payload))
            case h2.WINDOW_UPDATE:
                self._window_update(stream, h2.number_in(payload))

    def _headers(self, id: int, flags: int, block: bytes) -> None:
        if len(block) > h2.MOST_HEADER_BYTES:
            raise h2.ConnectionBroken(h2.ENHANCE_YOUR_CALM, "the headers are too long")
        if not flags & h2.END_HEADERS:
            self._block = (id, flags, block)
            return
        headers = self._reader.read(block)
        ended = bool(flags & h2.END_STREAM)
        stream = self._streams.get(id)
        if stream is None:
            if id % 2 == 0 or id <= self._last_stream:
                raise h2.ConnectionBroken(h2.PROTOCOL_ERROR, f"stream {id} cannot begin now")
            if len(self._streams) >= STREAMS:
                raise h2.ConnectionBroken(h2.ENHANCE_YOUR_CALM, "there are too many streams")
            self._last_stream = id
            stream = self._streams[id] = Stream(self, id, self._first_window)
            stream.taker = self._opened(stream, headers)
        if ended and stream.taker is not None:
            stream.taker.data(b"", True)

    def _continue(self, flags: int, more: bytes) -> None:
        if self._block is None:
            raise h2.ConnectionBroken(h2.PROTOCOL_ERROR, "there is no header block to go on with")
        (id, first_flags, block), self._block = self._block, None
        self._headers(id, first_flags | flags & h2.END_HEADERS, block + more)

    def _data(self, flags: int, id: int, payload: bytes) -> None:
        self._taken += len(payload)
        if self._taken >= CONNECTION_WINDOW // 4:
            self.write(h2.window_update(0, self._taken))
            self._taken = 0
        stream = self._streams.get(id)
        if stream is None or stream.taker is None:
            return  # it was answered or cancelled already
        stream.taker.data(
            h2.without_padding(flags & h2.PADDED, payload), bool(flags & h2.END_STREAM)
        )

    def _settings(self, payload: bytes) -> None:
        for setting, value in h2.settings_in(payload):
            if setting == h2.INITIAL_WINDOW_SIZE:
                if value > h2.LARGEST_WINDOW:
                    raise h2.ConnectionBroken(h2.FLOW_CONTROL_ERROR, "the window is too large")
                for stream in self._streams.values():
                    stream.window += value - self._first_window
                self._first_window = value
        self.write(h2.frame(h2.SETTINGS, h2.ACK, 0))
        self._pump_all()

    def _window_update(self, id: int, more: int) -> None:
        if not id:
            self.window += more
            if self.window > h2.LARGEST_WINDOW:
                raise h2.ConnectionBroken(h2.FLOW_CONTROL_ERROR, "the window is too large")
            self._pump_all()
        elif (stream := self._streams.get(id)) is not None:
            stream.window += more
            self.pump(stream)

    # What leaves.

    def _pump_all(self) -> None:
        for stream in list(self._streams.values()):
            if stream.unsent:
                self.pump(stream)

    def room(self, stream: Stream) -> int:
        """How many bytes of a stream may leave now, in one frame."""
        if self._choked:
            return 0
        return max(0, min(stream.window, self.window, h2.FRAME_BYTES))

    def pump(self, stream: Stream) -> None:
        """Send of a stream what may be sent now."""
        while stream.unsent:
            size = min(len(stream.unsent), self.room(stream))
            if not size:
                break
            self.write(h2.frame(h2.DATA, 0, stream.id, bytes(stream.unsent[:size])))
            del stream.unsent[:size]
            stream.window -= size
            self.window -= size
        stream.full = len(stream.unsent) > MOST_UNSENT
        if stream.emptied is not None and not stream.full:
            stream.emptied.set()
        if stream.end is not None and not stream.unsent:
            flags = h2.END_HEADERS | h2.END_STREAM
            self.write(h2.frame(h2.HEADERS, flags, stream.id, stream.end))
            self.forget(stream)

    def forget(self, stream: Stream) -> None:
        """A stream is over."""
        self._streams.pop(stream.id, None)

    def _cancel(self, stream: Stream) -> None:
        self.forget(stream)
        if stream.taker is not None:
            stream.taker.cancelled()
