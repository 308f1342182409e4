"""One client: its requests are cut out of the stream, carried out, and answered in their order.

A request begins when it has arrived, also while earlier ones wait: a producer sends its next batch
before it knows the offset of the last one, and a consumer that wants to leave its group need not
wait until its own join has ended. Responses leave in the order of the requests, as the protocol
says, so each one waits for those before it.

A Fetch begins when those before it are answered, for its response is large: many of them, asked for
at once by a client that does not read, would all be in memory.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

from common.runtime.refusals import Refused
from stage8_real_systems.log.front import cluster, groups, records
from stage8_real_systems.log.front.apis import Request, read_request, write_response
from stage8_real_systems.log.front.apis_records import FETCH
from stage8_real_systems.log.front.gateway import Gateway
from stage8_real_systems.log.front.schema import Message

MOST_BYTES = 8 * 1024 * 1024
"""No request is longer. Nothing is allocated for one that says it is; its connection ends."""

MOST_PENDING = 64
"""So many requests of one client may be under way; then no more are read."""

HIGH_WATER = 16 * 1024 * 1024
"""So many bytes of responses may wait for one client before no more of its requests are read."""

STALL_SECONDS = 30.0
LENGTH_BYTES = 4

Handler: TypeAlias = Callable[[Gateway, Request], Coroutine[Any, Any, Message | None]]

HANDLERS: Mapping[str, Handler] = {
    "Produce": records.produce,
    "Fetch": records.fetch,
    "ListOffsets": records.list_offsets,
    "Metadata": cluster.metadata,
    "OffsetCommit": groups.offset_commit,
    "OffsetFetch": groups.offset_fetch,
    "FindCoordinator": groups.find_coordinator,
    "JoinGroup": groups.join_group,
    "Heartbeat": groups.heartbeat,
    "LeaveGroup": groups.leave_group,
    "SyncGroup": groups.sync_group,
    "ApiVersions": cluster.api_versions,
    "CreateTopics": cluster.create_topics,
    "InitProducerId": records.init_producer_id,
}
"""Who carries out what, by the API's name."""


class Frames:
    """Cuts a stream into requests, by the length before each."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """More of the stream has arrived."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next whole request, without its length; None if it is not there yet.

        Raises:
            Refused: its length is absurd; nothing behind it can be understood.
        """
        buffer = self._buffer
        if len(buffer) < LENGTH_BYTES:
            return None
        length = int.from_bytes(buffer[:LENGTH_BYTES], signed=True)
        if not 0 <= length <= MOST_BYTES:
            raise Refused(
                "too_long",
                f"it claims a request of {length} bytes, and {MOST_BYTES} are the most (TLS and "
                "HTTP look like this too: neither is spoken here)",
            )
        end = LENGTH_BYTES + length
        if len(buffer) < end:
            return None
        found = bytes(memoryview(buffer)[LENGTH_BYTES:end])
        del buffer[:end]
        return found


@dataclass(slots=True, eq=False)
class Turn:
    """A request that is not answered yet, and who carries it out, once it has begun."""

    request: Request
    task: "asyncio.Task[Message | None] | None" = None

    @property
    def is_done(self) -> bool:
        """Whether its response is there."""
        return self.task is not None and self.task.done()


class Clients(Protocol):
    """What a connection needs of the facade."""

    gateway: Gateway

    def opened(self, connection: "Connection") -> None: ...
    def closed(self, connection: "Connection") -> None: ...
    def refused(self, connection: "Connection", error: Refused) -> None: ...


class Connection(asyncio.Protocol):
    """One client.

    Args:
        facade: what it is connected to.

    Attributes:
        peer: where it comes from.
    """

    def __init__(self, facade: Clients) -> None:
        self.peer = ""
        self._facade = facade
        self._frames = Frames()
        self._row: deque[Turn] = deque()
        self._paused = False
        self._full = False
        self._ending = False
        self._stalled: asyncio.TimerHandle | None = None

    # From the socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self.transport.set_write_buffer_limits(high=HIGH_WATER)
        host, port = transport.get_extra_info("peername")[:2]
        self.peer = f"{host}:{port}"
        self._facade.opened(self)

    def data_received(self, data: bytes) -> None:
        """Some of the stream has arrived."""
        if not self._ending:
            self._frames.feed(data)
            self._work()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone; what it asked for last may still be carried out."""
        self._ending = True
        if self._stalled is not None:
            self._stalled.cancel()
        for turn in self._row:
            if turn.task is not None:
                turn.task.cancel()
        self._facade.closed(self)

    def pause_writing(self) -> None:
        """The client does not read: carry out no more for it, and give up after a while."""
        self._full = True
        self._stalled = asyncio.get_running_loop().call_later(STALL_SECONDS, self._give_up)
        self._look()

    def resume_writing(self) -> None:
        """It reads again."""
        self._full = False
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        self._work()

    def _give_up(self) -> None:
        self._refuse(Refused("stalled", f"it read nothing for {STALL_SECONDS:g} s"))

    # Requests, and their responses.

    def _work(self) -> None:
        """Begin all requests that are there and may begin."""
        try:
            while self._has_room() and (data := self._frames.next()) is not None:
                turn = Turn(read_request(data))
                self._row.append(turn)
                if turn.request.api is not FETCH:
                    self._begin(turn)
        except Refused as error:
            self._refuse(error)
        if self._row and self._row[0].task is None and not self._full and not self._ending:
            self._begin(self._row[0])
        self._look()

    def _has_room(self) -> bool:
        return len(self._row) < MOST_PENDING and not self._full and not self._ending

    def _look(self) -> None:
        """Read from the socket while there is room, and only then."""
        pause = not self._has_room()
        if pause != self._paused and not self.transport.is_closing():
            self._paused = pause
            if pause:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def _begin(self, turn: Turn) -> None:
        handler = HANDLERS[turn.request.api.name]
        turn.task = asyncio.create_task(handler(self._facade.gateway, turn.request))
        turn.task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Message | None]) -> None:
        """A request is carried out: write what can be written in order, and go on."""
        try:
            while self._row and self._row[0].is_done and not self._ending:
                self._answer(self._row.popleft())
        except Refused as error:
            self._refuse(error)
        if not self._ending:
            self._work()

    def _answer(self, turn: Turn) -> None:
        """Write a response. A mistake of ours is told by the log: no answer is right then, and the
        client is not left waiting for one."""
        assert turn.task is not None, "it is done, so it has begun"
        try:
            response = turn.task.result()
            if response is not None:
                self.transport.write(write_response(turn.request, response))
        except Exception:
            self._ending = True
            self.transport.abort()
            raise

    def _refuse(self, error: Refused) -> None:
        """Close, for nothing behind what is refused can be understood."""
        self._ending = True
        self._facade.refused(self, error)
        self.transport.abort()
