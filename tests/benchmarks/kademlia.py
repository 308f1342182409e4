"""Fifty nodes of a table on loopback, in one process: sets and gets a second, beside ``kademlia``.

The peer is the package ``kademlia`` with its own defaults: k is 20, alpha is 3. Ours have the same.
Both are asyncio over UDP, and garbage is collected by the clock, as our members do it. Values are
20 bytes. Operations go one after the other, each to another node. A *set* looks up the key, and
stores the value at the nodes that were found. A *get* looks it up, unless the node that is asked
has it itself: with 50 nodes and k = 20 that is so in two cases of five, here and there. Packets are
counted in the same runs, all that were sent while the operations ran. A second is one of this
process's processor time, which all the nodes share: it holds on a busy machine too.

``runtime`` is no table at all: 50 nodes on the same runtime that send what a set sends, 20 times a
question, an answer with 20 contacts, a Store and a Pong, and do nothing else. It is what sockets,
authentication and the schema cost; ``most_set_vs_kademlia`` is the ratio of a table that does its
own work in no time.

    python tests/benchmarks/kademlia.py --json
"""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import uvloop
from _bench import in_turns, peer, report

from bonus_overlays.kademlia.buckets import Contact, key_of
from bonus_overlays.kademlia.holding import FindItem, Items, Store
from bonus_overlays.kademlia.items import Immutable
from bonus_overlays.kademlia.messages import Pong
from bonus_overlays.kademlia.publishing import Dht, Get, Put
from common.contract import CallId, Node, NodeId, on, operation
from common.runtime.clock import Clock
from common.runtime.garbage import collect_by_the_clock
from common.runtime.handshake import Identity
from common.runtime.ports import free_ports
from common.runtime.resident import Resident
from common.values.history import Ok, Outcome
from common.values.units import SECOND

HERE = Path(__file__).parent
HOST = "127.0.0.1"
NODES, K, ALPHA = 50, 20, 3
OPERATIONS = 200
ROUNDS = 5
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


@operation
class Round:
    """Send what a set sends, to K others."""


class Relay(Node):
    """Says and answers what a set says, and does nothing else: no table, no lookup, no store."""

    carries = (Immutable,)

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...]) -> None:
        super().__init__(id, peers)
        self.key = key_of(id.encode())
        self.contacts = tuple(Contact(key_of(peer.encode()), peer) for peer in peers[:K])
        self.call = self.waiting = 0

    @on(Round)
    def round(self, _: Round, call: CallId) -> None:
        """One question to each of K others."""
        self.call, self.waiting = call, K
        for contact in self.contacts:
            self.send(contact.node, FindItem(1, self.key, contact.key))

    @on(FindItem)
    def find_item_received(self, asked: FindItem, sender: NodeId) -> None:
        """An answer as long as that of a table."""
        self.send(sender, Items(asked.number, self.key, self.contacts, (), self.key[:16]))

    @on(Items)
    def items_received(self, answer: Items, sender: NodeId) -> None:
        """A value for it."""
        item = Immutable(b"round 001 no 000001")
        self.send(sender, Store(answer.number, self.key, item, DAY, None, answer.token))

    @on(Store)
    def store_received(self, store: Store, sender: NodeId) -> None:
        """It is said to be kept."""
        self.send(sender, Pong(store.number, self.key))

    @on(Pong)
    def pong_received(self, pong: Pong, sender: NodeId) -> None:
        """The last one ends the round."""
        self.waiting -= 1
        if not self.waiting:
            self.finish(self.call, Ok())


class Ours:
    """Fifty of our nodes, with the runtime that members of ``lab run`` have, in this process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._residents: list[Resident] = []

    def node(self, name: NodeId, peers: tuple[NodeId, ...]) -> Node:
        """One of them, not started."""
        return Dht(
            name,
            peers,
            k=K,
            alpha=ALPHA,
            seeds=("n1",),
            refresh_every=DAY,
            request_timeout=TIMEOUT,
        )

    async def begin(self) -> None:
        """Let all join by the first one, one after the other."""
        names = tuple(f"n{number}" for number in range(1, NODES + 1))
        clock = Clock.starting_now()
        book = {}
        for name in names:
            peers = tuple(peer for peer in names if peer != name)
            directory = self._directory / f"{type(self).__name__}-{name}"
            directory.mkdir()
            resident = Resident(
                self.node(name, peers),
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
            while resident is not self._residents[0] and not self.has_joined(resident):
                await asyncio.sleep(LOOK_SECONDS)

    def has_joined(self, resident: Resident) -> bool:
        """Whether it knows somebody, and looks for nobody else."""
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


class Runtime(Ours):
    """Fifty relays on the same runtime."""

    def node(self, name: NodeId, peers: tuple[NodeId, ...]) -> Node:
        return Relay(name, peers)

    def has_joined(self, resident: Resident) -> bool:
        return True

    async def set(self, number: int, value: bytes) -> None:
        """What a set sends."""
        assert isinstance(await self._ask(number, Round()), Ok)


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
        before, began = side.packets, time.process_time()
        for number, asker in enumerate(askers):
            await call(asker, f"round {round:03} no {number:06}".encode())
        took = time.process_time() - began
        self.packets.setdefault(name, []).append((side.packets - before) / OPERATIONS)
        return OPERATIONS / took


def main() -> None:
    """Measure both in turns, and report."""
    loop = uvloop.new_event_loop()
    collect_by_the_clock(loop)
    contest = Contest(loop)
    with tempfile.TemporaryDirectory() as scratch:
        ours, theirs, runtime = Ours(Path(scratch)), Theirs(), Runtime(Path(scratch))
        sides: dict[str, Side] = {"ours": ours, "kademlia": theirs, "runtime": runtime}
        for side in sides.values():
            loop.run_until_complete(side.begin())
        contestants = {
            f"{name}_{verb}": contest.contestant(f"{name}_{verb}", side, verb)
            for verb in ("set", "get")
            for name, side in sides.items()
            if (name, verb) != ("runtime", "get")
        }
        medians = in_turns(contestants, ROUNDS)
        for side in sides.values():
            loop.run_until_complete(side.end())
    loop.close()
    figures = {f"{name}s_per_second": round(rate, 1) for name, rate in medians.items()}
    for name, counts in contest.packets.items():
        figures[f"{name}_packets"] = round(sorted(counts)[len(counts) // 2], 1)
    ratios = {
        "set_vs_kademlia": round(medians["ours_set"] / medians["kademlia_set"], 2),
        "most_set_vs_kademlia": round(medians["runtime_set"] / medians["kademlia_set"], 2),
        "get_vs_kademlia": round(medians["ours_get"] / medians["kademlia_get"], 2),
    }
    report("kademlia", figures, ratios, __doc__ or "")


if __name__ == "__main__":
    main()
