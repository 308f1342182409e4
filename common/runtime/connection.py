"""One TCP connection to a peer: it opens with a handshake, then carries frames both ways.

An asyncio *protocol*, not a *stream*: the loop hands over all bytes of a read at once, each
complete frame goes straight on, and no task has to be woken. Writes of one turn of the loop leave
in one system call, because the transport flushes once a turn.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from common.codec.frames import FrameReader, frame
from common.contract.events import NodeId
from common.runtime.handshake import MAX_FRAME_BYTES, Handshake, refusal
from common.values.errors import RemoteProtocolError

OnFrame = Callable[[NodeId, bytes], None]
"""Takes the payload of a frame and who sent it; raises RemoteProtocolError to refuse it."""


class Owner(Protocol):
    """Whose connections they are: what a connection asks its owner, and tells it.

    Attributes:
        loop: the event loop that all of it runs in.
        on_frame: takes what arrives once the handshake is done.
        log: takes one sentence for people.
        max_frame: the largest payload to accept, in bytes.
        handshake_seconds: how long a handshake may take.
        holding: whether connections are accepted but not answered yet.
        reads: how often something has arrived on any of its connections.
    """

    loop: asyncio.AbstractEventLoop
    on_frame: OnFrame
    log: Callable[[str], None]
    max_frame: int
    handshake_seconds: float
    holding: bool
    reads: int

    def connected(self, connection: "Connection") -> None:
        """A socket is connected and begins its handshake."""

    def opened(self, connection: "Connection") -> None:
        """A handshake is done: frames for this peer leave on this connection from now on."""

    def writable(self, connection: "Connection") -> None:
        """A connection that was full takes frames again."""

    def ended(self, connection: "Connection") -> None:
        """A connection is gone, or never opened."""

    def lost(self, connection: "Connection") -> None:
        """The socket of a connection is closed."""


class Connection(asyncio.Protocol):
    """One end of one TCP connection.

    Args:
        owner: the transport of the node; told when the connection opens, reads, and ends.
        handshake: how to open it.

    Attributes:
        peer: the node at the other end, once the handshake is done, else None.
        paused: whether the socket takes nothing more just now, so that frames have to wait.
        out: frames to write at the end of this turn of the loop; ``out_bytes`` is their size.
        settled: becomes done when the handshake ends: with None if well, else with the error.
        lost: becomes done when the socket is closed.
    """

    __slots__ = (
        "_handshake", "_held", "_link", "_on_frame", "_owner", "_reader", "_timeout", "_where",
        "closed", "lost", "out", "out_bytes", "paused", "peer", "settled",
    )  # fmt: skip

    def __init__(self, owner: Owner, handshake: Handshake) -> None:
        self.peer: NodeId | None = None
        self.paused = False
        self.closed = False
        self.out: list[bytes] = []
        self.out_bytes = 0
        self.settled: asyncio.Future[None] = owner.loop.create_future()
        self.lost: asyncio.Future[None] = owner.loop.create_future()
        self._owner = owner
        self._on_frame = owner.on_frame
        self._handshake = handshake
        self._reader = FrameReader(MAX_FRAME_BYTES)
        self._link: asyncio.Transport | None = None
        self._where = "somebody"
        self._held = b""
        self._timeout: asyncio.TimerHandle | None = None

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected: speak first if we dialed, and start the time limit."""
        self._link = cast(asyncio.Transport, transport)
        address = transport.get_extra_info("peername")
        self._where = f"{address[0]}:{address[1]}" if address else "somebody"
        limit = self._owner.handshake_seconds
        self._timeout = self._owner.loop.call_later(limit, self._too_slow)
        self._owner.connected(self)
        for payload in self._handshake.opening():
            self._link.write(frame(payload))

    def data_received(self, data: bytes) -> None:
        """Bytes arrived, cut anywhere: hand on each complete frame."""
        if self.closed:
            return
        self._owner.reads += 1
        try:
            if self.peer is None:
                if self._owner.holding:
                    self._hold(data)
                else:
                    self._open_with(data)
            else:
                for payload in self._reader.feed(data):
                    self._on_frame(self.peer, payload)
        except RemoteProtocolError as error:
            self.refuse(str(error))

    def pause_writing(self) -> None:
        """The peer reads too slowly: its frames wait in a bounded queue from now on."""
        self.paused = True

    def resume_writing(self) -> None:
        """The peer caught up."""
        self.paused = False
        self._owner.writable(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone, for whatever reason."""
        self._end(f"the connection was lost: {error or 'the other side closed it'}")
        self.lost.set_result(None)
        self._owner.lost(self)

    # What the transport calls.

    def flush(self) -> None:
        """Write what has gathered in ``out``, in one go."""
        if self._link is not None and not self.closed:
            self._link.write(b"".join(self.out))
        self.out.clear()
        self.out_bytes = 0

    def release(self) -> None:
        """Take what came while the transport was holding."""
        if self._held:
            held, self._held = self._held, b""
            self.data_received(held)

    def refuse(self, reason: str) -> None:
        """Close because of what the other side did; it is told why, and the log too."""
        if self.closed:
            return
        who = self._where if self.peer is None else f"{self.peer} at {self._where}"
        self._owner.log(f"closed the connection with {who}: {reason}")
        if self.peer is None and self._link is not None and "refused us" not in reason:
            self._link.write(frame(refusal(reason)))
        self._end(reason)

    def close(self) -> None:
        """Close in good order: what is written will still be delivered."""
        self._end("closed")

    def abort(self) -> None:
        """Close at once, whatever is still unwritten."""
        if self._link is not None:
            self._link.abort()
        self._end("closed")

    # Inside.

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > MAX_FRAME_BYTES:  # a hello is smaller, and nobody says more unasked
            raise RemoteProtocolError("it sent more than a hello before it was answered")

    def _open_with(self, data: bytes) -> None:
        """Go through the handshake; what follows it in the same read is the first message."""
        link = self._link
        assert link is not None, "data comes after connection_made"
        # Byte by byte, so that this reader with its small bound takes nothing of what follows.
        for position in range(len(data)):
            for payload in self._reader.feed(data[position : position + 1]):
                for answer in self._handshake.receive(payload):
                    link.write(frame(answer))
            if self._handshake.done:
                self._opened(data[position + 1 :])
                return

    def _opened(self, rest: bytes) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
        self.peer = self._handshake.peer
        self._reader = FrameReader(self._owner.max_frame)
        if not self.settled.done():
            self.settled.set_result(None)
        self._owner.opened(self)
        if rest:
            self.data_received(rest)

    def _too_slow(self) -> None:
        limit = self._owner.handshake_seconds
        self.refuse(f"it did not finish the handshake within {limit:g} s")

    def _end(self, reason: str) -> None:
        if self.closed:
            return
        self.closed = True
        if self._timeout is not None:
            self._timeout.cancel()
        if not self.settled.done():
            self.settled.set_exception(RemoteProtocolError(reason))
            self.settled.exception()  # an acceptor's is never awaited
        if self._link is not None:
            self._link.close()
        self._owner.ended(self)
