"""Fifty nodes of a table on loopback, in one process: sets and gets a second, beside ``kademlia``.

The peer is the package ``kademlia`` with its own defaults: k is 20, alpha is 3. Ours have the same.
Both are asyncio over UDP, and garbage is collected by the clock, as our members do it. Values are
20 bytes. Operations go one after the other, each to another node. A *set* looks up the key, and
stores the value at the nodes that were found. A *get* looks it up, unless the node that is asked
has it itself: with 50 nodes and k = 20 that is so in two cases of five, here and there. Packets are
counted in the same runs, all that were sent while the operations ran.

``wire`` is no table at all: one socket sends a datagram of the usual size to another, which takes
it, again and again. It is what the kernel alone costs; ``most_set_vs_kademlia`` is the ratio that a
table would have which sent our packets and did nothing else.

    python tests/benchmarks/kademlia.py --json
"""

import asyncio
import logging
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import uvloop
from _bench import in_turns, peer, report

from bonus_overlays.kademlia.buckets import key_of
from bonus_overlays.kademlia.publishing import Dht, Get, Put
from common.runtime.clock import Clock
from common.runtime.facade import free_ports
from common.runtime.garbage import collect_by_the_clock
from common.runtime.handshake import Identity
from common.runtime.resident import Resident
from common.values.history import Ok, Outcome
from common.values.units import SECOND

HERE = Path(__file__).parent
HOST = "127.0.0.1"
NODES, K, ALPHA = 50, 20, 3
OPERATIONS = 200
ROUNDS = 5
DATAGRAMS, DATAGRAM_BYTES = 20_000, 200
LOOK_SECONDS = 0.02
TIMEOUT = 5 * SECOND
"""That of the package."""
DAY = 24 * 3600 * SECOND


def the_package() -> Any:
    """The package's ``kademlia.network``: this file has its name, and is first on the path."""
    here, sys.path[:] = list(sys.path), [each for each in sys.path if Path(each) != HERE]
    try:
        return peer("kademlia.network", "bench")
    finally:
        sys.path[:] = here


class Ours:
    """Fifty of our nodes, with the runtime that members of ``lab run`` have, in this process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._residents: list[Resident] = []

    async def begin(self) -> None:
        """Let all join by the first one, one after the other."""
        names = tuple(f"n{number}" for number in range(1, NODES + 1))
        clock = Clock.starting_now()
        book = {}
        for name in names:
            peers = tuple(peer for peer in names if peer != name)
            node = Dht(
                name,
                peers,
                k=K,
                alpha=ALPHA,
                seeds=("n1",),
                refresh_every=DAY,
                request_timeout=TIMEOUT,
            )
            directory = self._directory / name
            directory.mkdir()
            resident = Resident(
                node,
                Identity("bench", name, b"secret" * 6),
                directory,
                clock=clock.another(),
                seed=name,
                by_datagram=peers,
            )
            book[name] = (HOST, await resident.listen(HOST))
            self._residents.append(resident)
        for resident in self._residents:
            resident.begin(book)
            while resident is not self._residents[0] and not self._has_joined(resident):
                await asyncio.sleep(LOOK_SECONDS)

    def _has_joined(self, resident: Resident) -> bool:
        status = resident.host.status()
        return bool(status["contacts"]) and not status["lookups"]

    @property
    def packets(self) -> int:
        """Messages that were sent so far; each is one datagram."""
        return sum(resident.host.counters["messages_sent"] for resident in self._residents)

    async def set(self, number: int, value: bytes) -> None:
        """Put a value at some node."""
        outcome = await self._ask(number, Put(value))
        assert isinstance(outcome, Ok), outcome

    async def get(self, number: int, value: bytes) -> None:
        """Get it at some node."""
        assert await self._ask(number, Get(key_of(value))) == Ok(value)

    async def _ask(self, number: int, operation: object) -> Outcome:
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._residents[number % NODES].submit(operation, answer.set_result)
        return await answer

    async def end(self) -> None:
        """Close all."""
        for resident in self._residents:
            await resident.close()


class Theirs:
    """Fifty servers of the package ``kademlia``."""

    def __init__(self) -> None:
        self._servers: list[Any] = []
        self.packets = 0

    async def begin(self) -> None:
        """Let all join by the first one."""
        server_class = the_package().Server
        logging.disable(logging.CRITICAL)
        ports = free_ports(HOST, NODES)
        for port in ports:
            server = server_class(ksize=K, alpha=ALPHA)
            await server.listen(port, interface=HOST)
            server.protocol.transport = _Counted(server.protocol.transport, self)
            self._servers.append(server)
        for server in self._servers[1:]:
            await server.bootstrap([(HOST, ports[0])])
        for server in self._servers:
            await server.bootstrap([(HOST, ports[0])])

    async def set(self, number: int, value: bytes) -> None:
        """Set a value at some server."""
        assert await self._servers[number % NODES].set(value.decode(), value)

    async def get(self, number: int, value: bytes) -> None:
        """Get it at some server."""
        assert await self._servers[number % NODES].get(value.decode()) == value

    async def end(self) -> None:
        """Close all."""
        for server in self._servers:
            server.stop()


def wire() -> float:
    """Datagrams a second that one socket sends and another takes, with nothing in between."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        other.bind((HOST, 0))
        address, datagram = other.getsockname(), b"x" * DATAGRAM_BYTES
        began = time.perf_counter()
        for _ in range(DATAGRAMS):
            one.sendto(datagram, address)
            other.recvfrom(2 * DATAGRAM_BYTES)
        return DATAGRAMS / (time.perf_counter() - began)


class _Counted:
    """A transport that counts what is sent by it."""

    def __init__(self, transport: Any, side: Theirs) -> None:
        self._transport = transport
        self._side = side

    def sendto(self, data: bytes, address: Any) -> None:
        """Send, and count."""
        self._side.packets += 1
        self._transport.sendto(data, address)


Side = Ours | Theirs


class Contest:
    """Both sides, and what was counted.

    Attributes:
        packets: by contestant, how many were sent for how many operations.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._round: dict[str, int] = {}
        self.packets: dict[str, list[float]] = {}

    def contestant(self, name: str, side: Side, verb: str) -> Callable[[], float]:
        """A run of some operations: how many a second."""

        def run() -> float:
            number = self._round[name] = self._round.get(name, 0) + 1
            call: Callable[[int, bytes], Awaitable[None]] = getattr(side, verb)
            return self._loop.run_until_complete(self._timed(name, side, call, number))

        return run

    async def _timed(
        self, name: str, side: Side, call: Callable[[int, bytes], Awaitable[None]], round: int
    ) -> float:
        random = Random(f"askers/{round}/{call.__name__}")
        askers = [random.randrange(NODES) for _ in range(OPERATIONS)]
        before, began = side.packets, time.perf_counter()
        for number, asker in enumerate(askers):
            await call(asker, f"round {round:03} no {number:06}".encode())
        took = time.perf_counter() - began
        self.packets.setdefault(name, []).append((side.packets - before) / OPERATIONS)
        return OPERATIONS / took


def main() -> None:
    """Measure both in turns, and report."""
    loop = uvloop.new_event_loop()
    collect_by_the_clock(loop)
    contest = Contest(loop)
    with tempfile.TemporaryDirectory() as scratch:
        ours, theirs = Ours(Path(scratch)), Theirs()
        loop.run_until_complete(ours.begin())
        loop.run_until_complete(theirs.begin())
        contestants = {
            f"{side_name}_{verb}": contest.contestant(f"{side_name}_{verb}", side, verb)
            for verb in ("set", "get")
            for side_name, side in (("ours", ours), ("kademlia", theirs))
        }
        medians = in_turns({**contestants, "wire": wire}, ROUNDS)
        loop.run_until_complete(ours.end())
        loop.run_until_complete(theirs.end())
    loop.close()
    packets = medians.pop("wire")
    figures = {f"{name}s_per_second": round(rate, 1) for name, rate in medians.items()}
    figures["wire_packets_per_second"] = round(packets)
    for name, counts in contest.packets.items():
        figures[f"{name}_packets"] = round(sorted(counts)[len(counts) // 2], 1)
    most = packets / figures["ours_set_packets"]
    ratios = {
        "set_vs_kademlia": round(medians["ours_set"] / medians["kademlia_set"], 2),
        "most_set_vs_kademlia": round(most / medians["kademlia_set"], 2),
        "get_vs_kademlia": round(medians["ours_get"] / medians["kademlia_get"], 2),
    }
    report("kademlia", figures, ratios, __doc__ or "")


if __name__ == "__main__":
    main()
