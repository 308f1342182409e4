"""What a call costs, measured here: from a local call to one by gRPC.

python -m stage2_communication.rpc.plot FILE.svg
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from common.charts.drawing import Axis, rows_of_dots
from common.codec import MessagePackCodec
from common.contract.schema import Schema
from common.runtime import loops
from common.runtime.cluster import Cluster
from common.runtime.declared import spec_of, with_facades
from common.values.units import SECOND
from stage1_foundations.failures.account import Account, Deposit, Done
from stage2_communication.rpc.calls import Reply, Request
from stage2_communication.rpc.served import Server
from stage2_communication.rpc.streams import StreamingCaller
from stage2_communication.rpc.worlds import WORLDS

MANY, FEW = 2000, 300
PATIENCE = 10 * SECOND
MICROSECONDS = 1e6


def timed(run: Callable[[], object]) -> float:
    """The median of many runs, in microseconds."""
    found = []
    for _ in range(MANY):
        begun = time.perf_counter()
        run()
        found.append(time.perf_counter() - begun)
    return median(found) * MICROSECONDS


async def in_turns(ways: Mapping[str, Callable[[], Awaitable[object]]]) -> dict[str, float]:
    """The same of what is waited for, each once a round: a disk is not always equally fast."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(FEW):
        for name, run in ways.items():
            begun = time.perf_counter()
            await run()
            found[name].append(time.perf_counter() - begun)
    return {name: median(times) * MICROSECONDS for name, times in found.items()}


def packing() -> float:
    """Request and reply to bytes and back."""
    codec = MessagePackCodec(Schema.of(Server))
    request, reply = Request(1, 7, 7, SECOND, "deposit", (5,)), Reply(1, 7, Done(12))

    def both() -> None:
        codec.decode(codec.encode(request))
        codec.decode(codec.encode(reply))

    return timed(both)


@asynccontextmanager
async def echo() -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """64 bytes to another task over the loopback interface, and back."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(64):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())

    async def there_and_back() -> None:
        writer.write(bytes(64))
        await reader.readexactly(64)

    yield there_and_back
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def grpc_call(endpoint: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """A deposit by grpcio's client."""
    import grpc

    from stage2_communication.rpc.front.facade import messages, services

    async with grpc.aio.insecure_channel(endpoint) as channel:
        stub = services.AccountStub(channel)
        metadata = (("caller", "plot"),)
        yield lambda: stub.Deposit(messages.Amount(amount=1), metadata=metadata)


async def calls(scratch: Path) -> dict[str, float]:
    """Deposits at a server that is another process, beside what they are made of."""
    variant = WORLDS.variant("once")
    bare = replace(spec_of(WORLDS, variant, scratch / "cluster"), trace=False)
    spec, _ = with_facades(bare, WORLDS, variant)
    async with AsyncExitStack() as stack:
        file = stack.enter_context((scratch / "file").open("wb", buffering=0))
        there_and_back = await stack.enter_async_context(echo())
        running = await stack.enter_async_context(Cluster(spec))
        client = running.client(StreamingCaller, "c1")

        async def write() -> None:
            file.write(bytes(100))
            os.fsync(file.fileno())

        ways: dict[str, Callable[[], Awaitable[object]]] = {
            "TCP there and back": there_and_back,
            "fsync of 100 bytes": write,
            "our call: all of this": lambda: client.call(Deposit(1), PATIENCE),
        }
        if spec.facade:
            endpoint = f"127.0.0.1:{spec.facade_config['ports']['n1']}"
            call = await stack.enter_async_context(grpc_call(endpoint))
            ways["the same by gRPC"] = call
        return await in_turns(ways)


def costs() -> dict[str, float]:
    """By what is done, the microseconds that it takes (the median)."""
    account = Account()

    def local() -> None:
        account.restore(())
        account.apply(Deposit(5))

    with tempfile.TemporaryDirectory() as scratch:
        found = {
            "a local call": timed(local),
            "packing and unpacking": packing(),
        }
        return {**found, **loops.run(calls(Path(scratch)))}


def costs_chart(found: Mapping[str, float]) -> str:
    """What each kind of call costs, on a logarithmic scale, as SVG."""
    title = "What a call costs (medians; one machine)"
    axis = Axis("microseconds (each line is ten times the one before)", log=True)
    return rows_of_dots(title, axis, list(found), {"microseconds": list(found.values())})


if __name__ == "__main__":
    measured = costs()
    for name, microseconds in measured.items():
        print(f"{name:28} {microseconds:10.1f}")
    Path(sys.argv[1]).write_text(costs_chart(measured), encoding="utf-8")
