"""A front of the lab log with the test behind it: the test plays the broker and the client."""

import asyncio
from collections.abc import Callable
from struct import pack
from typing import Any, cast

import crc32c

from common.runtime.facade import Door
from common.runtime.ports import free_ports
from common.values.history import Ok, Outcome
from stage8_real_systems.log.front.apis import API_VERSIONS, APIS
from stage8_real_systems.log.front.batches import HEADER
from stage8_real_systems.log.front.facade import KafkaFacade, make
from stage8_real_systems.log.front.schema import Message
from stage8_real_systems.log.front.wire import Reader
from tests.support.live import eventually

HOST = "127.0.0.1"


def batch(count: int = 1, attributes: int = 0, **fields: int) -> bytes:
    """A batch as producers send it, with a right checksum; its records are nonsense."""
    body = b"x" * 20
    given = {"magic": 2, "last": count - 1, "producer": -1, "epoch": -1, "sequence": -1, **fields}
    whole = bytearray(
        HEADER.pack(
            *(0, HEADER.size - 12 + len(body), -1, given["magic"], 0, attributes, given["last"]),
            *(1, 9, given["producer"], given["epoch"], given["sequence"], count),
        )
        + body
    )
    whole[17:21] = pack(">I", crc32c.crc32c(bytes(whole[21:])))
    return bytes(whole)


class Behind:
    """The broker, played by the test."""

    node, members = "n1", ("n1", "n2", "n3")

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Callable[[Outcome], None]]] = []
        self.said: list[str] = []
        self.log = self.said.append

    def invoke(self, operation: object, then: Callable[[Outcome], None]) -> None:
        """Let the test see it."""
        self.asked.append((operation, then))

    async def sees(self, count: int) -> list[Any]:
        """The operations, once so many are there."""
        await eventually(lambda: len(self.asked) >= count)
        return [operation for operation, _ in self.asked]

    def answer(self, number: int, result: object) -> None:
        """Answer the operation of this number."""
        self.asked[number][1](Ok(result))


class Client:
    """A client whose every byte the test writes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._waiting: list[tuple[int, int]] = []

    def send(self, api: int, version: int, body: Message) -> None:
        """Send a request."""
        self._waiting.append((api, version))
        out = bytearray(pack(">hhih", api, version, len(self._waiting), -1))
        if version >= APIS[api].flexible:
            out.append(0)
        APIS[api].codec("request", version)[1](out, body)
        self.writer.write(pack(">i", len(out)) + out)

    async def receive(self) -> tuple[int, Message]:
        """The next response: which request it is for, counted from 1, and its body."""
        size = int.from_bytes(await self.reader.readexactly(4))
        data = await self.reader.readexactly(size)
        number = int.from_bytes(data[:4])
        api, version = self._waiting[number - 1]
        skip = 4 + (version >= APIS[api].flexible and api != API_VERSIONS.key)
        found: Message = APIS[api].codec("response", version)[0](Reader(data, skip))
        return number, found

    async def ask(self, api: int, version: int, body: Message) -> Message:
        """Send a request, and wait for its response."""
        self.send(api, version, body)
        return (await self.receive())[1]

    async def is_disconnected(self) -> bool:
        """Whether the front closes the connection."""
        try:
            return not await self.reader.read(1)
        except ConnectionResetError:
            return True


class Front:
    """A front, a client of it, and the test behind it."""

    async def __aenter__(self) -> tuple[Behind, Client]:
        self.behind = Behind()
        ports = dict(zip(Behind.members, free_ports(HOST, 3), strict=True))
        settings = {"host": HOST, "ports": ports}
        self.facade: KafkaFacade = make(cast(Door, self.behind), settings)
        await self.facade.listen()
        self.client = Client(*await asyncio.open_connection(HOST, ports["n1"]))
        return self.behind, self.client

    async def __aexit__(self, *_: object) -> None:
        self.client.writer.transport.abort()
        await self.facade.close()
        await asyncio.sleep(0)
