"""The socket on which MongoDB's clients reach the router in a server."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from common.runtime.facade import Door
from common.runtime.ports import take_port
from stage3_partitioning.shards.front.admin import Admin
from stage3_partitioning.shards.front.cursors import Cursors
from stage3_partitioning.shards.front.data import Data
from stage3_partitioning.shards.front.problems import Problem
from stage3_partitioning.shards.front.store import Store
from stage3_partitioning.shards.front.wire import (
    HEADER,
    Command,
    Document,
    Garbled,
    read_command,
    read_header,
    write_reply,
)

Handler = Callable[[Document], Awaitable[Document]]

MOST_CLIENTS = 1000
STALL_SECONDS = 30.0
"""How long a client may take to send the rest of a message, or to take a reply."""

HELLOS = ("hello", "isMaster", "ismaster")


class Commands:
    """By name, what there is.

    Args:
        store: the documents, and the table.
    """

    def __init__(self, store: Store) -> None:
        cursors = Cursors()
        admin, data = Admin(store, cursors), Data(store, cursors)
        self.by_name: Mapping[str, Handler] = {
            **dict.fromkeys(HELLOS, admin.hello),
            **dict.fromkeys(("ping", "endSessions", "enableSharding", "create"), admin.fine),
            **dict.fromkeys(("buildInfo", "buildinfo"), admin.build_info),
            "hostInfo": admin.host_info,
            "listDatabases": admin.list_databases,
            "listCollections": admin.list_collections,
            "listIndexes": admin.list_indexes,
            "shardCollection": admin.shard_collection,
            "split": admin.split,
            "moveChunk": admin.move_chunk,
            "listShards": admin.list_shards,
            "find": data.find,
            "getMore": data.get_more,
            "killCursors": data.kill_cursors,
            "count": data.count,
            "distinct": data.distinct,
            "aggregate": data.aggregate,
            "insert": data.insert,
            "update": data.update,
            "delete": data.delete,
            "drop": data.drop,
        }

    async def carry_out(self, command: Command) -> Document:
        """The reply to a command, whatever it is."""
        name = command.name
        handler = self.by_name.get(name)
        try:
            if handler is None:
                raise Problem(59, f"no such command: '{name[:100]}'")
            if command.legacy and name not in HELLOS:
                raise Problem(352, f"OP_QUERY is for hello alone: send '{name[:100]}' by OP_MSG")
            return await handler(command.body)
        except Problem as problem:
            return problem.reply()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            text = f"'{name}' lacks a field, or has one of another type: {error!r}"
            return Problem(9, text).reply()


class MongoFacade:
    """Speaks MongoDB's protocol for one server.

    Args:
        door: to the node.
        host, port: where to listen.
        hashed: whether chunks are ranges of hashes.
    """

    def __init__(self, door: Door, host: str, port: int, hashed: bool) -> None:
        self.door = door
        self.host, self.port = host, port
        self.commands = Commands(Store(door, hashed))
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._replies = 0

    async def listen(self) -> None:
        """Accept clients; BadInput if the port is taken."""
        where = f"{self.host}:{self.port}"
        self._server = await take_port("MongoDB's clients", where, self._listen)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._welcome, self.host, self.port)

    async def close(self) -> None:
        """Disconnect everybody."""
        if self._server is not None:
            self._server.close()
        clients = list(self._clients)
        for each in clients:
            each.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a client is served by a task"
        self._clients.add(task)
        try:
            if len(self._clients) <= MOST_CLIENTS:
                await self._serve(reader, writer)
        except Garbled as garbled:
            self.door.log(f"a MongoDB client is disconnected: {garbled}")
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            pass  # it has gone, or this server goes
        finally:
            self._clients.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One command after the other, until the client goes."""
        while True:
            first = await reader.readexactly(HEADER.size)
            header = read_header(first)
            async with asyncio.timeout(STALL_SECONDS):
                payload = await reader.readexactly(header.length - HEADER.size)
            try:
                command = read_command(header, payload, first + payload)
                reply = await self.commands.carry_out(command)
            except Problem as problem:
                command = Command({}, header.request, False, False)
                reply = problem.reply()
            if not command.quiet:
                self._replies += 1
                writer.write(write_reply(command, reply, self._replies))
                async with asyncio.timeout(STALL_SECONDS):
                    await writer.drain()


def make(door: Door, settings: Mapping[str, Any]) -> MongoFacade:
    """The facade of a server; ``settings`` has ``host``, ``ports`` by node, and its ``config``."""
    hashed = bool(settings["config"].get("hashed", False))
    return MongoFacade(door, settings["host"], settings["ports"][door.node], hashed)
