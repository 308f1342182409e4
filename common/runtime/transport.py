"""Frames between this node and its peers, over one or two TCP connections each.

* A peer in the address book is dialed when there is something to send to it, and again after a
  failure, with exponential backoff and jitter. Others (clients) dial us, and are answered on the
  connection on which they came. Both directions use whichever connection opened last.
* The network that this makes is the one that the contract promises: frames may be lost. What waits
  for a peer that cannot be reached, or that does not read, waits in a queue bounded in bytes and
  in frames; above the bound the newest frame is dropped, as a router's queue does (tail drop). A
  small frame has room beyond it: bulk must not silence heartbeats.
  Nothing ever blocks, and no peer can make this process grow.
* All frames of one turn of the loop leave in one write per connection.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from common.codec.frames import MAX_FRAME
from common.contract.events import NodeId
from common.runtime.carrier import Address
from common.runtime.connection import Connection, OnFrame
from common.runtime.handshake import Handshake, Identity
from common.values.errors import BadInput, RemoteProtocolError

MAX_QUEUED_FRAMES = 10_000
MAX_QUEUED_BYTES = 8 * 1024 * 1024
"""What may wait for one peer, or two of the largest frames; one frame more is dropped."""

SMALL_FRAME = 4 * 1024
ROOM_FOR_SMALL = 1024 * 1024
"""Frames up to this size have so much more room in the queue: bulk that fills it keeps out bulk,
and no heartbeat and no vote."""

MAX_STRANGERS = 256
"""Connections that may be in their handshake at once; one more is closed unheard."""

HANDSHAKE_SECONDS = 5.0
"""Who has not proved itself this long after connecting is disconnected."""

CONNECT_SECONDS = 3.0
CLOSE_SECONDS = 0.5
"""So long a connection may take to deliver the last bytes when this side closes it."""

FIRST_BACKOFF_SECONDS = 0.05
LAST_BACKOFF_SECONDS = 1.0
"""After failures in a row the next attempt waits at most 0.05, 0.1, 0.2 ... 1 seconds; the second
half of that is drawn, so that peers that failed together do not return together."""

OnDrop = Callable[[NodeId, bytes, str], None]
"""Is told of a frame that will not leave: to whom, the frame, and why."""


@dataclass(slots=True)
class Peer:
    """What we know of one peer.

    Attributes:
        id: its name.
        connections: the open ones, the latest last; frames leave on that one.
        waiting: frames that no connection can take just now; ``waiting_bytes`` is their size.
        dialer: the task that tries to connect, or None.
        failures: attempts to connect that failed in a row.
    """

    id: NodeId
    connections: list[Connection] = field(default_factory=list)
    waiting: deque[bytes] = field(default_factory=deque)
    waiting_bytes: int = 0
    dialer: asyncio.Task[None] | None = None
    failures: int = 0


class Transport:
    """The connections of one node.

    Args:
        identity: who we are.
        on_frame: takes what arrives.
        on_drop: is told of what will not leave.
        log: takes one sentence for people.
        max_frame: the largest payload to accept, in bytes.
        handshake_seconds: how long a handshake may take.

    Attributes:
        book: the addresses of the peers that we may dial.
        peers: everyone whom we are connected to or have frames for.
        holding: whether connections are accepted but not answered yet.
        counters: frames dropped and connections refused, since the start.
        reads: how often something has arrived, since the start.
    """

    def __init__(
        self,
        identity: Identity,
        on_frame: OnFrame,
        on_drop: OnDrop,
        log: Callable[[str], None],
        max_frame: int = MAX_FRAME,
        handshake_seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.identity = identity
        self.on_frame = on_frame
        self.log = log
        self.max_frame = max_frame
        self._max_queued = max(MAX_QUEUED_BYTES, 2 * max_frame)
        self.handshake_seconds = handshake_seconds
        self.book: dict[NodeId, Address] = {}
        self.peers: dict[NodeId, Peer] = {}
        self.counters = {"frames_dropped": 0, "connections_refused": 0}
        self.holding = False
        self.reads = 0
        self._on_drop = on_drop
        self._ready: dict[NodeId, Connection] = {}
        self._dirty: list[Connection] = []
        self._strangers: set[Connection] = set()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._random = Random()
        self._closed = False

    # Life.

    async def listen(self, host: str = "127.0.0.1", port: int = 0, *, hold: bool = False) -> int:
        """Accept connections; returns the port, which the system chooses where ``port`` is 0.

        With ``hold`` no handshake is answered before :meth:`release`: a node takes no message
        before its start, and those who dial it early wait instead of being turned away.

        Raises:
            BadInput: the address cannot be used, for instance because the port is taken.
        """
        self.holding = hold
        try:
            self._server = await self.loop.create_server(self._accept, host, port, backlog=512)
        except OSError as error:
            raise BadInput(
                f"{self.identity.node} cannot listen on port {port} of {host} "
                f"({error.strerror or error}): end the program that uses it, choose another port, "
                "or write 0 to let the system choose"
            ) from None
        taken: int = self._server.sockets[0].getsockname()[1]
        return taken

    def release(self) -> None:
        """Answer handshakes from now on."""
        self.holding = False
        for connection in list(self._connections):
            connection.release()

    def know(self, book: Mapping[NodeId, Address]) -> None:
        """Take over an address book; a peer that moved is dialed at its new address next time."""
        self.book.update(book)
        for id in book:
            if id in self.peers:
                self.peers[id].failures = 0

    async def close(self) -> None:
        """Close everything; what was sent before is still delivered to those who read."""
        self._closed = True
        self._flush()
        if self._server is not None:
            self._server.close()
        dialers = [peer.dialer for peer in self.peers.values() if peer.dialer is not None]
        for dialer in dialers:
            dialer.cancel()
        await asyncio.gather(*dialers, return_exceptions=True)
        for connection in list(self._connections):
            connection.close()
        lost = [connection.lost for connection in self._connections]
        if lost:
            await asyncio.wait(lost, timeout=CLOSE_SECONDS)
        for connection in list(self._connections):
            connection.abort()

    # Sending.

    def send(self, to: NodeId, frame: bytes) -> None:
        """Send a frame (length prefix included) to a peer, as soon as that can be; never blocks."""
        connection = self._ready.get(to)
        if connection is None or connection.paused:
            self._wait(to, frame)
            return
        size = connection.out_bytes + len(frame)
        if size > self._max_queued and self._is_full(frame, size):
            self._drop(to, frame, "queue full")
            return
        connection.out_bytes = size
        out = connection.out
        if not out:
            if not self._dirty:
                self.flush_soon()
            self._dirty.append(connection)
        out.append(frame)

    def flush_soon(self) -> None:
        """Write what is sent in this turn of the loop, before whatever is scheduled from now on."""
        self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        for connection in self._dirty:
            connection.flush()
        self._dirty.clear()

    def _wait(self, to: NodeId, frame: bytes) -> None:
        peer = self.peers.get(to)
        if peer is None:
            if to not in self.book:
                self._drop(to, frame, "no connection")
                return
            peer = self.peers[to] = Peer(to)
        too_many = len(peer.waiting) >= MAX_QUEUED_FRAMES
        if too_many or self._is_full(frame, peer.waiting_bytes + len(frame)):
            self._drop(to, frame, "queue full")
            return
        peer.waiting.append(frame)
        peer.waiting_bytes += len(frame)
        self._dial_if_needed(peer)

    def _is_full(self, frame: bytes, size: int) -> bool:
        """Whether a queue that would have so many bytes with this frame cannot take it."""
        room = ROOM_FOR_SMALL if len(frame) <= SMALL_FRAME else 0
        return size > self._max_queued + room

    def _send_waiting(self, peer: Peer) -> None:
        """Send what waits, until the connection has enough again."""
        waiting, peer.waiting, peer.waiting_bytes = peer.waiting, deque(), 0
        for frame in waiting:
            self.send(peer.id, frame)

    def _drop(self, to: NodeId, frame: bytes, why: str) -> None:
        self.counters["frames_dropped"] += 1
        self._on_drop(to, frame, why)

    # Dialing.

    def _dial_if_needed(self, peer: Peer) -> None:
        if peer.dialer is None and not peer.connections and not self._closed:
            peer.dialer = self.loop.create_task(self._dial(peer))

    async def _dial(self, peer: Peer) -> None:
        """Try to connect for as long as something waits for the peer."""
        try:
            while peer.waiting and not peer.connections:
                if peer.failures:
                    await asyncio.sleep(self._backoff(peer.failures))
                    if peer.connections:  # it dialed us meanwhile
                        break
                await self._attempt(peer)
        finally:
            peer.dialer = None

    def _backoff(self, failures: int) -> float:
        doublings = min(failures - 1, 16)
        longest = min(FIRST_BACKOFF_SECONDS * float(2**doublings), LAST_BACKOFF_SECONDS)
        return longest * (1 + self._random.random()) / 2

    async def _attempt(self, peer: Peer) -> None:
        host, port = self.book[peer.id]
        handshake = Handshake(self.identity, "dialer", peer.id)
        connection = Connection(self, handshake)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self.loop.create_connection(lambda: connection, host, port)
            await connection.settled
        except (OSError, RemoteProtocolError) as error:
            reason = str(error) or type(error).__name__
            if not peer.failures and not self._closed:
                self.log(f"{peer.id} cannot be reached at {host}:{port}: {reason}; trying again")
            peer.failures += 1
            self._drop_waiting(peer, "unreachable")

    def _drop_waiting(self, peer: Peer, why: str) -> None:
        waiting, peer.waiting, peer.waiting_bytes = peer.waiting, deque(), 0
        for frame in waiting:
            self._drop(peer.id, frame, why)

    # What connections tell us.

    def _accept(self) -> Connection:
        return Connection(self, Handshake(self.identity, "acceptor"))

    def connected(self, connection: Connection) -> None:
        """A socket is connected and begins its handshake."""
        self._connections.add(connection)
        if self._closed or len(self._strangers) >= MAX_STRANGERS:
            connection.abort()
        else:
            self._strangers.add(connection)

    def opened(self, connection: Connection) -> None:
        """A handshake is done: frames for this peer leave on this connection from now on."""
        self._strangers.discard(connection)
        assert connection.peer is not None, "the handshake told us who it is"
        peer = self.peers.setdefault(connection.peer, Peer(connection.peer))
        if peer.failures:
            self.log(f"{peer.id} can be reached again")
        peer.failures = 0
        peer.connections.append(connection)
        self._ready[peer.id] = connection
        if len(peer.connections) > 2:  # one for each direction; a third means that one is dead
            peer.connections[0].abort()
        self._send_waiting(peer)

    def lost(self, connection: Connection) -> None:
        """The socket of a connection is closed."""
        self._connections.discard(connection)

    def writable(self, connection: Connection) -> None:
        """A connection that was full takes frames again."""
        peer = self.peers.get(connection.peer or "")
        if peer is not None and peer.waiting:
            self._send_waiting(peer)

    def ended(self, connection: Connection) -> None:
        """A connection is gone, or never opened."""
        if connection in self._strangers:
            self._strangers.discard(connection)
            self.counters["connections_refused"] += 1
        peer = self.peers.get(connection.peer or "")
        if peer is None or connection not in peer.connections:
            return
        peer.connections.remove(connection)
        if peer.connections:
            self._ready[peer.id] = peer.connections[-1]
            self._send_waiting(peer)
            return
        del self._ready[peer.id]
        if peer.id in self.book:
            if peer.waiting:
                self._dial_if_needed(peer)
        else:
            self._drop_waiting(peer, "connection lost")
            del self.peers[peer.id]
