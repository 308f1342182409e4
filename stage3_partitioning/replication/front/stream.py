"""The leader's half of PSYNC: the log as bytes, and the Redis servers that follow it.

A follower says ``PSYNC id offset``: it has the stream ``id`` up to before that byte. If it is this
stream, and the backlog has all from that byte on, it gets the rest (``+CONTINUE``). Else it gets a
copy of everything, and then what follows (``+FULLRESYNC``). An offset from the future is none of
this stream's: a copy, too.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from common.runtime.facade import Door
from common.values.history import Ok, Outcome
from stage3_partitioning.replication.front.rdb import write_rdb
from stage3_partitioning.replication.fronted import Change, Follow, Picture, State, Told
from stage3_partitioning.replication.log import NOWHERE, Position

BACKLOG_BYTES = 1024 * 1024
"""How much of the stream is kept for followers that come back. Redis' default, too."""

MOST_UNREAD = 64 * 1024 * 1024
"""A follower that is so many bytes behind is disconnected. Redis:
``client-output-buffer-limit``."""

PING_SECONDS = 10.0
"""How often a silent stream shows that it lives; a Redis gives up after 60 seconds."""


class Follower(Protocol):
    """A Redis server that follows, as the stream sees it: a connection.

    Attributes:
        acknowledged: up to which byte it has said to have the stream.
        online: whether it has its copy, and gets the stream.
    """

    acknowledged: int
    online: bool

    def write(self, data: bytes) -> None:
        """Send it bytes."""

    def unread(self) -> int:
        """How many bytes wait because it does not read."""

    def hang_up(self) -> None:
        """Disconnect it."""


def command(*words: bytes) -> bytes:
    """A command as an array of bulk strings."""
    return b"*%d\r\n%b" % (
        len(words),
        b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words]),
    )


def as_bytes(text: str) -> bytes:
    """A key or a value as Redis has it. The lab keeps texts: each byte is one sign of Latin-1."""
    return text.encode("latin-1")


def as_text(word: bytes) -> str:
    """A key or a value as the lab has it."""
    return word.decode("latin-1")


def encoded(change: Change) -> bytes:
    """A change as the command that does it."""
    if change.value is None:
        return command(b"DEL", as_bytes(change.key))
    return command(b"SET", as_bytes(change.key), as_bytes(change.value))


GETACK = command(b"REPLCONF", b"GETACK", b"*")


class Stream:
    """The log of one replica as a stream of bytes.

    Args:
        door: to the replica.

    Attributes:
        id: names the stream; 40 hexadecimal digits.
        offset: how many bytes it has so far.
        followers: the Redis servers that follow it.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self.id = secrets.token_hex(20)
        self.offset = 0
        self.followers: list[Follower] = []
        self._backlog = bytearray()
        self._position: Position = NOWHERE
        self._changed: asyncio.Event = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Begin to follow the log."""
        self._ask()
        self.spawn(self._stay_alive())

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on beside."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Stop, and disconnect all."""
        for task in list(self._tasks):
            task.cancel()
        for follower in list(self.followers):
            follower.hang_up()

    # From the log to the stream.

    def _ask(self) -> None:
        begin = self._position

        def told(outcome: Outcome) -> None:
            if isinstance(outcome, Ok):  # else the replica is ending
                assert isinstance(outcome.value, Told), "a replica answers its front"
                self._advance(begin, outcome.value)
                self._ask()

        self._door.invoke(Follow(begin), told)

    def _advance(self, begin: Position, told: Told) -> None:
        """Take changes into the stream that come behind ``begin``; some may be in it already."""
        if told.again:
            self._begin_again()
        elif told.position[1] > self._position[1]:
            new = told.changes[self._position[1] - begin[1] :]
            self.send(b"".join([encoded(each) for each in new if each is not None]))
        else:
            return
        self._position = told.position
        self._changed.set()

    def _begin_again(self) -> None:
        """The log has taken another way: no follower can go on with this stream."""
        if self.offset:
            self._door.log("the log has taken another way: Redis servers that follow begin again")
        self.id = secrets.token_hex(20)
        self._backlog.clear()
        for follower in list(self.followers):
            follower.hang_up()

    def send(self, data: bytes) -> None:
        """Put bytes at the end of the stream."""
        if not data:
            return
        self.offset += len(data)
        self._backlog += data
        if len(self._backlog) > 2 * BACKLOG_BYTES:
            del self._backlog[:-BACKLOG_BYTES]
        for follower in list(self.followers):
            if follower.online:
                follower.write(data)
                if follower.unread() > MOST_UNREAD:
                    self._door.log("a Redis server that follows reads too slowly: disconnected")
                    follower.hang_up()

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            if self.followers:
                self.send(command(b"PING"))

    # Followers.

    def has(self, id: str, offset: int) -> bool:
        """Whether a follower can go on that wants the stream ``id`` from this byte on, from 1."""
        first = self.offset - len(self._backlog) + 1
        return id == self.id and first <= offset <= self.offset + 1

    def welcome(self, follower: Follower, id: str, offset: int) -> None:
        """Begin to send to a follower: the rest of the stream, or a copy first."""
        self.followers.append(follower)
        if self.has(id, offset):
            follower.write(b"+CONTINUE %b\r\n" % self.id.encode())
            behind = self.offset + 1 - offset
            follower.write(bytes(self._backlog[len(self._backlog) - behind :]))
            follower.acknowledged, follower.online = offset - 1, True
        else:
            self._copy_to(follower)

    def _copy_to(self, follower: Follower) -> None:
        """Ask for a copy, and for the way to it: then the stream is at the very same place."""
        begin, id = self._position, self.id

        def told(outcome: Outcome) -> None:
            if follower not in self.followers or not isinstance(outcome, Ok):
                return
            picture = outcome.value
            assert isinstance(picture, Picture), "a replica answers its front"
            if self.id != id:
                return  # the log has taken another way, and the follower was disconnected
            self._advance(begin, picture.told)
            if follower not in self.followers:
                return
            data = picture.copy.data
            file = write_rdb({as_bytes(key): as_bytes(value) for key, value in data})
            follower.write(b"+FULLRESYNC %b %d\r\n" % (self.id.encode(), self.offset))
            follower.write(b"$%d\r\n%b" % (len(file), file))
            follower.acknowledged, follower.online = self.offset, True

        self._door.invoke(State(begin), told)

    def left(self, follower: Follower) -> None:
        """A follower has gone."""
        if follower in self.followers:
            self.followers.remove(follower)

    def acknowledged(self, follower: Follower, offset: int) -> None:
        """A follower has the stream up to there."""
        follower.acknowledged = max(follower.acknowledged, min(offset, self.offset))
        self._changed.set()

    def count(self, offset: int) -> int:
        """How many followers have the stream up to there."""
        return sum(each.online and each.acknowledged >= offset for each in self.followers)

    async def wait_for(self, many: int, position: Position, seconds: float | None) -> int:
        """Wait until so many followers have the log up to a position, or for so long.

        Returns:
            How many have it.
        """
        offset = self.offset
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until(lambda: self._position >= position)
                offset = self.offset
                if self.count(offset) < many:
                    self.send(GETACK)
                await self._until(lambda: self.count(offset) >= many)
        return self.count(offset) if self._position >= position else 0

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()
