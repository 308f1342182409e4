"""Echo as a Node over the socket runtime, beside an echo written plainly on asyncio streams.

    python tests/benchmarks/echo.py [--json]

Server and client are two processes. The same client measures both: an asyncio protocol that sends
one request on each connection, waits for the whole answer, compares it byte by byte with what it
expects, and sends the next; it does not decode, so it costs about the same on both sides. Against
the Node it speaks the runtime's real protocol: handshake, frames, message numbers, MessagePack. The
payload is 64 bytes of text; the plain server echoes just these, without frames. Both sides of a
measurement use the same event loop.

Two things are counted, while all connections are open and busy:

* round trips a second: ``vs_uvloop_64`` is the Node's over the plain server's. Client and server
  share the machine, and where the client is the slower one, this says little about the servers.
* what the server alone pays: its processor time for a round trip, its own and the kernel's.
  ``cpu_vs_uvloop_64`` is the plain server's over the Node's, so that here too more is better. Only
  Linux says what another process has used; elsewhere this is left out.

Servers are measured in turns; a ratio is the median of the turns' ratios, since a shared machine's
speed wanders from one turn to the next.
"""

import argparse
import asyncio
import functools
import json
import math
import os
import platform
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.codec import FrameReader, MessagePackCodec, frame
from common.contract.schema import Schema
from common.runtime import control
from common.runtime.config import NodeConfig
from common.runtime.handshake import Handshake, Identity
from common.runtime.loops import run
from common.runtime.wire import pack
from stage1_foundations.echo.node import Echo, Ping, Pong

PAYLOAD = "x" * 64
REPETITIONS = 15
SECONDS = 0.4
WARM_UP_SECONDS = 0.1
CASES = {
    "asyncio_1": (True, 1),
    "asyncio_64": (True, 64),
    "uvloop_1": (False, 1),
    "uvloop_64": (False, 64),
}
"""By the name of the ratio: whether the loop is asyncio's own, and how many connections."""
SECRET = secrets.token_bytes(32)
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Exchange:
    """What a client sends and expects: ``skip`` bytes of each answer differ from time to time."""

    request: bytes
    answer: bytes
    skip: int
    identity: Callable[[int], Identity] | None


def plain_exchange() -> Exchange:
    """The payload, and the payload again."""
    payload = PAYLOAD.encode()
    return Exchange(payload, payload, 0, None)


def node_exchange() -> Exchange:
    """The frame of a Ping, and that of its Pong, whose first 12 bytes are length and number."""
    codec = MessagePackCodec(Schema.of(Echo))
    request = pack(1, codec.encode(Ping(1, PAYLOAD)))
    answer = pack(1, codec.encode(Pong(1, PAYLOAD)))
    return Exchange(request, answer, 12, lambda index: Identity("echo", f"c{index}", SECRET))


class Caller(asyncio.Protocol):
    """One connection of the client, with one request under way at a time."""

    def __init__(self, exchange: Exchange, index: int) -> None:
        self.completed = 0
        self.last = False
        self.ended = asyncio.get_running_loop().create_future()
        self.ready = asyncio.get_running_loop().create_future()
        self._request, self._skip = exchange.request, exchange.skip
        self._size, self._tail = len(exchange.answer), exchange.answer[exchange.skip :]
        self._pending = b""
        self._handshake: Handshake | None = None
        self._reader = FrameReader()
        if exchange.identity is not None:
            self._handshake = Handshake(exchange.identity(index), "dialer", "n1")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = transport.write  # type: ignore[attr-defined]
        self._transport = transport
        if self._handshake is None:
            self.ready.set_result(None)
        else:
            for payload in self._handshake.opening():
                self._write(frame(payload))

    def begin(self) -> None:
        self._write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._handshake is not None:
            self._shake(data)
            return
        if self._pending:
            data = self._pending + data
            self._pending = b""
        if len(data) < self._size:
            self._pending = data
            return
        assert data[self._skip :] == self._tail, "the server must send back what it was sent"
        self.completed += 1
        if self.last:
            self._transport.close()
        else:
            self._write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(error)

    def _shake(self, data: bytes) -> None:
        assert self._handshake is not None
        for payload in self._reader.feed(data):
            for answer in self._handshake.receive(payload):
                self._write(frame(answer))
        if self._handshake.done:
            self._handshake = None
            self.ready.set_result(None)


def _same(caller: Caller) -> Caller:
    return caller


@dataclass(frozen=True)
class Server:
    """A server process and the port on which it listens."""

    process: int
    port: int

    def cpu_seconds(self) -> float:
        """The processor time that it has used, the kernel's for it included; NaN if unknown."""
        tasks = Path(f"/proc/{self.process}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9 or math.nan


@dataclass(frozen=True)
class Figures:
    """One measurement: round trips a second, and the server's processor time for each, in µs."""

    rate: float
    cpu: float


async def measure(exchange: Exchange, server: Server, connections: int) -> Figures:
    """Measure round trips over so many connections at once."""
    loop = asyncio.get_running_loop()
    callers = [Caller(exchange, index) for index in range(connections)]
    for caller in callers:
        await loop.create_connection(functools.partial(_same, caller), HOST, server.port)
        await caller.ready
    for caller in callers:
        caller.begin()
    await asyncio.sleep(WARM_UP_SECONDS)
    before, begun = sum(caller.completed for caller in callers), time.perf_counter()
    cpu_before = server.cpu_seconds()
    await asyncio.sleep(SECONDS)
    cpu_after = server.cpu_seconds()
    after, ended = sum(caller.completed for caller in callers), time.perf_counter()
    for caller in callers:
        caller.last = True
    for caller in callers:
        assert await caller.ended is None, "no connection may break"
    trips = after - before
    return Figures(trips / (ended - begun), (cpu_after - cpu_before) / trips * 1e6)


# The two servers.


async def serve_plainly() -> None:
    """The peer: an echo as the asyncio documentation writes it. Ends when stdin does."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextmanager
def served(command: list[str], first: bytes = b"") -> Iterator[Server]:
    """Run a server process that says its port in a line of JSON; it ends when its stdin does."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = json.loads(process.stdout.readline())["port"]
        process.stdin.write(first)
        process.stdin.flush()
        yield Server(process.pid, port)
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def plain_server(stock: bool) -> Iterator[Server]:
    """The peer in a process of its own."""
    with served([sys.executable, __file__, "--serve", "asyncio" if stock else "uvloop"]) as server:
        yield server


@contextmanager
def node_server(stock: bool) -> Iterator[Server]:
    """The Echo node in a process of its own."""
    with tempfile.TemporaryDirectory() as directory:
        config = NodeConfig(
            lab="echo",
            cluster="echo",
            secret=SECRET.hex(),
            node="n1",
            index=0,
            life=0,
            members=("n1",),
            node_class="stage1_foundations.echo.node:Echo",
            directory=directory,
            epoch_ns=time.monotonic_ns(),
            trace=False,
            stock_loop=stock,
        )
        path = Path(directory) / "config.json"
        config.write(path)
        command = [sys.executable, "-m", "common.runtime.process", str(path)]
        with served(command, control.to_line(control.Begin({}, []))) as server:
            yield server


# The comparison.


def compare() -> dict[str, object]:
    """Measure all cases in turns; returns the object that ``--json`` prints."""
    plain, node = plain_exchange(), node_exchange()
    theirs: dict[str, list[Figures]] = {name: [] for name in CASES}
    ours: dict[str, list[Figures]] = {name: [] for name in CASES}
    for stock in (True, False):
        names = [name for name, (case_stock, _) in CASES.items() if case_stock == stock]
        with plain_server(stock) as plain_one, node_server(stock) as node_one:
            for name in names * REPETITIONS:
                connections = CASES[name][1]
                theirs[name].append(run(measure(plain, plain_one, connections), stock=stock))
                ours[name].append(run(measure(node, node_one, connections), stock=stock))
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for name in CASES:
        for who, turns in (("streams", theirs[name]), ("node", ours[name])):
            figures[f"{who}_{name}_per_second"] = statistics.median(turn.rate for turn in turns)
            figures[f"{who}_{name}_server_cpu_us"] = statistics.median(turn.cpu for turn in turns)
        pairs = list(zip(ours[name], theirs[name], strict=True))
        ratios[f"vs_{name}"] = statistics.median(our.rate / their.rate for our, their in pairs)
        ratios[f"cpu_vs_{name}"] = statistics.median(their.cpu / our.cpu for our, their in pairs)
    return {
        "name": "echo",
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {sys.version.split()[0]}",
        "figures": known(figures),
        "ratios": known(ratios),
    }


def known(values: dict[str, float]) -> dict[str, float]:
    """The values that could be measured, rounded for people."""
    return {name: round(value, 2) for name, value in values.items() if not math.isnan(value)}


def main() -> None:
    """Print the comparison as a table, or with ``--json`` as one object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--serve", choices=("asyncio", "uvloop"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        run(serve_plainly(), stock=options.serve == "asyncio")
        return
    result = compare()
    if options.json:
        print(json.dumps(result))
        return
    for part in ("figures", "ratios"):
        for name, value in result[part].items():  # type: ignore[attr-defined]
            print(f"{name:40} {value:>10,}")


if __name__ == "__main__":
    main()
