"""Our side of ``raft.py``: a real cluster of processes, and clients in the benchmark's process."""

import asyncio
import os
import statistics
import time
from pathlib import Path

from _bench import Flight

from common.contract import Node
from common.contract.registers import Put
from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.spec import ClusterSpec
from common.values.history import Ok, Outcome
from common.values.units import SECOND

MEMBERS = ("n1", "n2", "n3")
READY_SECONDS = 15.0
SETTLE_SECONDS = 0.3
PATIENCE = 10 * SECOND


def cluster(directory: Path, node: type[Node], **config: object) -> Cluster:
    """Three servers as processes, with their logs in ``directory``."""
    return Cluster(
        ClusterSpec(
            lab="raft",
            node=node,
            members=MEMBERS,
            directory=directory,
            config=config,
            trace=False,
        )
    )


def processes(running: Cluster) -> list[int]:
    """The ids of the servers' processes, and of this one, where the clients are."""
    return [os.getpid(), *(member.pid for member in running.members.values())]


async def leader_of(running: Cluster, without: str = "") -> str:
    """Wait until a server leads, and name it."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            statuses = await running.status()
            leading = {
                int(status.fields["term"]): id
                for id, status in statuses.items()
                if status is not None and status.fields.get("role") == "leader" and id != without
            }
            if leading:
                return leading[max(leading)]
            await asyncio.sleep(0.02)


async def puts_one_by_one(client: Client, count: int) -> float:
    """Median seconds of a put, one at a time."""
    taken: list[float] = []
    loop = asyncio.get_running_loop()
    for number in range(count):
        begun = time.perf_counter()
        answer: asyncio.Future[Outcome] = loop.create_future()
        client.submit(Put(f"key{number % 100}", f"value{number:027}"), answer.set_result)
        outcome = await answer
        taken.append(time.perf_counter() - begun)
        assert isinstance(outcome, Ok), outcome
    return statistics.median(taken)


async def puts_in_flight(clients: list[Client], count: int, seconds: float) -> Flight:
    """Puts with ``count`` under way, spread evenly over the clients.

    Each put is asked for when another one was answered, by that answer's own callback.
    """
    load = _Load(clients, count)
    load.begin()
    await asyncio.sleep(seconds / 4)
    before, begun = load.done, time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (load.done - before) / (time.perf_counter() - begun)
    await load.end()
    assert not load.other, f"every put must be carried out: {load.other}"
    return Flight(rate, load.done)


class _Load:
    def __init__(self, clients: list[Client], count: int) -> None:
        self.done = 0
        self.other: Outcome | None = None
        self._clients, self._count = clients, count
        self._under_way = 0
        self._stop = False
        self._ended = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        for number in range(self._count):
            self._ask(self._clients[number % len(self._clients)])

    async def end(self) -> None:
        self._stop = True
        async with asyncio.timeout(READY_SECONDS):
            await self._ended

    def _ask(self, client: Client) -> None:
        self._under_way += 1

        def answered(outcome: Outcome) -> None:
            self.done += 1
            self._under_way -= 1
            if outcome.__class__ is not Ok:
                self.other = outcome
            if not self._stop:
                self._ask(client)
            elif not self._under_way:
                self._ended.set_result(None)

        number = self.done
        client.submit(Put(f"key{number % 100}", f"value{number:027}"), answered)


async def gaps_of_kills(running: Cluster, client: Client, kills: int) -> list[float]:
    """Kill the leader so many times while the client writes; the seconds without an answer.

    The client writes all the time, one put after the other. The gap of a kill is the longest time
    between two of its answers, from just before the kill until the next server has answered.
    """
    writer = _Writer(client)
    writing = asyncio.create_task(writer.write())
    gaps: list[float] = []
    try:
        for _ in range(kills):
            leader = await leader_of(running)
            await writer.answered()
            writer.longest = 0.0
            await running.kill(leader)
            await leader_of(running, without=leader)
            await writer.answered()
            gaps.append(writer.longest)
            await running.restart(leader)
            await asyncio.sleep(SETTLE_SECONDS)  # the restarted server hears from the leader
    finally:
        writer.stop = True
        await writing
    return gaps


class _Writer:
    def __init__(self, client: Client) -> None:
        self.stop = False
        self.longest = 0.0
        self._client = client
        self._news = asyncio.Event()

    async def write(self) -> None:
        last = time.perf_counter()
        while not self.stop:
            outcome = await self._client.call(Put("key", "value"), PATIENCE)
            assert isinstance(outcome, Ok), outcome
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            last = now
            self._news.set()

    async def answered(self) -> None:
        """Wait for an answer to what is asked from now on."""
        for _ in range(2):
            self._news.clear()
            async with asyncio.timeout(READY_SECONDS):
                await self._news.wait()
