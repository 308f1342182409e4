"""The follower's half of PSYNC: this cluster's leader follows a real Redis (REPLICAOF host port).

It asks for a copy once, makes its own keys the same, and then does what the stream says, command
for command. If the connection breaks it asks to go on from where it was. The cluster's own
followers get it all by way of the log: a chain, as Redis servers may be in one.

What has expired there is deleted by a command of the stream, so times need not be known here. A
command for something that this lab does not keep ends it, with a sentence: a copy that is nearly
right is wrong.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import cast

from common.runtime.facade import Door
from common.runtime.resp.requests import ProtocolError, RequestReader
from common.values.history import Failed, Ok
from stage3_partitioning.replication.front.rdb import BadRdb, read_rdb
from stage3_partitioning.replication.front.stream import as_bytes, as_text, command
from stage3_partitioning.replication.fronted import (
    Change,
    Picture,
    Read,
    State,
    Write,
    in_pieces,
)
from stage3_partitioning.replication.log import NOWHERE

RETRY_SECONDS = 0.5
REFUSED_SECONDS = 5.0
"""How long until the next try after what a new try will hardly mend."""

SILENCE_SECONDS = 60.0
"""A leader that says nothing for so long is gone. Redis: ``repl-timeout``."""

ACK_SECONDS = 1.0
MOST_BYTES = 1024 * 1024 * 1024
MOST_CHANGES = 500
"""Changes that are made in one step of the node."""

MOST_LINE = 1024
READING = frozenset((b"append", b"incr", b"decr", b"incrby", b"decrby"))
"""Commands that depend on what is under their key."""

NO_CHANGE = frozenset((b"ping", b"select", b"multi", b"exec", b"pexpireat", b"persist", b"publish"))


class NotFollowed(Exception):
    """The Redis cannot be followed; the text says why, for people."""


def changes_of(words: list[bytes], value_of: Mapping[bytes, bytes | None]) -> list[Change]:
    """What a command of the stream does.

    Args:
        words: the command.
        value_of: what is under the keys that it reads, by key.

    Raises:
        NotFollowed: it does something that this lab has not.
    """
    name = words[0].lower()
    if name == b"select" and words[1:] != [b"0"]:
        raise NotFollowed(f"it writes to database {as_text(words[1])}: only 0 is here")
    if name in NO_CHANGE:
        return []
    if name == b"set":
        return [_change(words[1], words[2])]
    if name == b"mset":
        return [_change(*pair) for pair in zip(words[1::2], words[2::2], strict=True)]
    if name in (b"del", b"unlink", b"getdel"):
        return [Change(as_text(key), None) for key in words[1:]]
    if name == b"append":
        return [_change(words[1], (value_of[words[1]] or b"") + words[2])]
    if name in (b"incr", b"decr", b"incrby", b"decrby"):
        by = int(words[2]) if len(words) > 2 else 1
        by = -by if name.startswith(b"decr") else by
        return [_change(words[1], b"%d" % (int(value_of[words[1]] or b"0") + by))]
    text = as_text(words[0]).upper()
    raise NotFollowed(f"it has done {text}, and this lab keeps strings only, without that command")


def _change(key: bytes, value: bytes) -> Change:
    return Change(as_text(key), as_text(value))


class Following:
    """Follows one Redis, until it is told to stop.

    Args:
        door: to the node, which leads its cluster.
        host, port: where that Redis is.
        own_port: where this front listens; Redis shows it.

    Attributes:
        id, offset: of the stream: its name, and how many bytes of it are done.
        up: whether it is connected, and has its copy.
        why: why not, as far as is known.
    """

    def __init__(self, door: Door, host: str, port: int, own_port: int) -> None:
        self._door = door
        self.host, self.port, self._own_port = host, port, own_port
        self.id, self.offset = "?", -1
        self.up = False
        self.why = "not yet connected"
        self._task = asyncio.get_running_loop().create_task(self._go())

    def stop(self) -> None:
        """Follow no further."""
        self._task.cancel()

    async def _go(self) -> None:
        while True:
            pause = RETRY_SECONDS
            try:
                await self._once()
            except (NotFollowed, BadRdb, ProtocolError) as problem:
                self._say(str(problem))
                self.id, self.offset, pause = "?", -1, REFUSED_SECONDS
            except (OSError, TimeoutError, EOFError) as problem:
                self._say(str(problem) or "the connection has ended")
            self.up = False
            await asyncio.sleep(pause)

    def _say(self, why: str) -> None:
        if why != self.why:
            self.why = why
            self._door.log(f"cannot follow the Redis at {self.host}:{self.port}: {why}")

    async def _once(self) -> None:
        """One connection, from its begin to its end."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            link = _Link(reader, writer)
            await link.ask(b"PING")
            await link.ask(b"REPLCONF", b"listening-port", b"%d" % self._own_port)
            await link.ask(b"REPLCONF", b"capa", b"psync2")
            told = await link.ask(b"PSYNC", self.id.encode(), b"%d" % (self.offset + 1 or -1))
            await self._begin(link, told.split())
            self.up, self.why = True, ""
            acks = asyncio.get_running_loop().create_task(self._acknowledge(link))
            try:
                async for commands in link.commands():
                    await self._do(commands, link)
            finally:
                acks.cancel()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _begin(self, link: "_Link", told: list[str]) -> None:
        """Take a copy, or go on where it was."""
        match told:
            case ["+CONTINUE"]:
                return
            case ["+CONTINUE", id]:
                self.id = id
            case ["+FULLRESYNC", id, offset] if offset.isdigit():
                await self._be_like(read_rdb(await link.file()))
                self.id, self.offset = id, int(offset)
            case _:
                raise NotFollowed(f"it answered PSYNC with {' '.join(told)!r}")

    async def _acknowledge(self, link: "_Link") -> None:
        while True:
            link.acknowledge(self.offset)
            await asyncio.sleep(ACK_SECONDS)

    # To the node.

    async def _be_like(self, data: Mapping[bytes, bytes]) -> None:
        """Make the cluster's keys those of a copy."""
        outcome = await self._door.ask(State(NOWHERE))
        assert isinstance(outcome, Ok), "a replica answers its front"
        assert isinstance(outcome.value, Picture), "a replica answers its front"
        here = {as_bytes(key): as_bytes(value) for key, value in outcome.value.copy.data}
        changes = [Change(as_text(key), None) for key in here if key not in data]
        changes += [_change(*item) for item in data.items() if here.get(item[0]) != item[1]]
        await self._write(changes)

    async def _do(self, commands: list[list[bytes]], link: "_Link") -> None:
        """Do what commands do, all that came together in as few writes as possible."""
        changes: list[Change] = []
        end = self.offset
        for words in commands:
            name = words[0].lower()
            if name in (b"replconf", b"flushall", b"flushdb"):
                await self._write(changes)
                changes, self.offset = [], end
                if name == b"replconf":
                    link.acknowledge(self.offset)
                else:
                    await self._be_like({})
            else:
                try:
                    changes += changes_of(words, await self._values(words, changes))
                except (ValueError, IndexError):
                    raise NotFollowed(f"its command {words!r} makes no sense") from None
            end += len(command(*words))
        await self._write(changes)
        self.offset = end

    async def _values(
        self, words: list[bytes], changes: list[Change]
    ) -> Mapping[bytes, bytes | None]:
        """What is under the key that a command reads, after these changes."""
        if words[0].lower() not in READING or len(words) < 2:
            return {}
        key = as_text(words[1])
        known = [each.value for each in changes if each.key == key]
        if not known:
            outcome = await self._door.ask(Read((key,)))
            assert isinstance(outcome, Ok), "a replica answers its front"
            known = list(cast(tuple[str | None, ...], outcome.value))
        value = known[-1]
        return {words[1]: None if value is None else as_bytes(value)}

    async def _write(self, changes: list[Change]) -> None:
        for piece in in_pieces(changes, MOST_CHANGES):
            outcome = await self._door.ask(Write(piece))
            if isinstance(outcome, Failed):
                raise NotFollowed(outcome.reason)


class _Link:
    """A connection to a Redis that leads."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, *words: bytes) -> None:
        """Send a command."""
        self._writer.write(command(*words))

    def acknowledge(self, offset: int) -> None:
        """Say up to which byte the stream is done here."""
        self.send(b"REPLCONF", b"ACK", b"%d" % offset)

    async def ask(self, *words: bytes) -> str:
        """Send a command, and return its one-line reply."""
        self.send(*words)
        line = await self._line()
        if line.startswith("-"):
            raise NotFollowed(f"it refuses {as_text(words[0])}: {line[1:]}")
        return line

    async def _line(self) -> str:
        """The next line that is not empty: a Redis that makes its file sends empty ones."""
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                line = await self._reader.readline()
            if not line:
                raise EOFError("it has closed the connection")
            if not line.endswith(b"\n") or len(line) > MOST_LINE:
                raise NotFollowed("it sent a line that is too long, or cut")
            if line.strip():
                return as_text(line.strip())

    async def file(self) -> bytes:
        """The RDB that comes now."""
        head = await self._line()
        if head[:1] != "$" or not head[1:].isdigit() or int(head[1:]) > MOST_BYTES:
            raise NotFollowed(f"it announced its file with {head[:60]!r}")
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                return await self._reader.readexactly(int(head[1:]))
        except asyncio.IncompleteReadError as cut:
            count = f"{len(cut.partial)} of {head[1:]} bytes"
            raise BadRdb(f"the RDB is cut: {count} have come") from None

    async def commands(self) -> AsyncIterator[list[list[bytes]]]:
        """The commands of the stream, those together that came together."""
        requests = RequestReader()
        while True:
            async with asyncio.timeout(SILENCE_SECONDS):
                data = await self._reader.read(65536)
            if not data:
                raise EOFError("it has closed the connection")
            commands, problem = requests.feed(data)
            yield commands
            if problem is not None:
                raise problem
