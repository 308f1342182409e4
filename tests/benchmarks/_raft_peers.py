"""The peers of ``raft.py``: PySyncObj and etcd, three processes each on loopback.

PySyncObj's journal is a mapped file that is never flushed, so what it acknowledges would not
survive a power failure, unless the option ``flush`` is set here; etcd flushes, as we do.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from _bench import Flight, peer, program

from common.runtime.ports import free_ports

HOST = "127.0.0.1"
READY_SECONDS = 30.0


def look_for_all() -> None:
    """End the program with one sentence where the machine lacks a peer."""
    peer("pysyncobj", "bench")
    peer("aetcd", "etcd")
    program("etcd", "etcd-server")


# PySyncObj.


class PySyncObjCluster:
    """Three processes of PySyncObj; its leader proposes by itself, in its own process.

    Args:
        directory: for journals.
        options: ``batch``, ``period_ms`` and ``journal``; see :func:`serve_pysyncobj`.
    """

    def __init__(self, directory: Path, **options: Any) -> None:
        self.directory = directory
        self.options = options
        self._processes: list[subprocess.Popen[str]] = []
        self._leader: subprocess.Popen[str] | None = None

    def __enter__(self) -> "PySyncObjCluster":
        ports = free_ports(HOST, 3)
        self.directory.mkdir(parents=True)
        for port in ports:
            others = [other for other in ports if other != port]
            journal = str(self.directory / f"journal-{port}") if self.options["journal"] else None
            options = {**self.options, "port": port, "others": others, "journal": journal}
            command = [sys.executable, __file__, json.dumps(options)]
            self._processes.append(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                    stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
        answers = [self._read(process) for process in self._processes]
        leading = [number for number, answer in enumerate(answers) if answer["leads"]]
        assert len(leading) == 1, "one server of PySyncObj leads"
        self._leader = self._processes[leading[0]]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    @property
    def processes(self) -> list[int]:
        """The ids of the three processes."""
        return [process.pid for process in self._processes]

    def one_by_one(self, count: int) -> float:
        """Median seconds of an operation, one at a time."""
        return float(self._ask({"do": "one_by_one", "count": count}))

    def in_flight(self, count: int, seconds: float) -> Flight:
        """Operations with so many under way."""
        return Flight(*self._ask({"do": "in_flight", "count": count, "seconds": seconds}))

    def _ask(self, command: dict[str, Any]) -> Any:
        assert self._leader is not None
        assert self._leader.stdin is not None
        self._leader.stdin.write(json.dumps(command) + "\n")
        self._leader.stdin.flush()
        return self._read(self._leader)["figure"]

    @staticmethod
    def _read(process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer


def serve_pysyncobj(options: dict[str, Any]) -> None:
    """One server of PySyncObj, in a process of its own; ends when stdin does."""
    from pysyncobj import SyncObj, SyncObjConf, replicated

    if options.get("flush"):
        _flush_each_entry()

    class Store(SyncObj):  # type: ignore[misc]
        def __init__(self) -> None:
            conf: dict[str, Any] = {
                "journalFile": options["journal"], "appendEntriesUseBatch": options["batch"],
                "fullDumpFile": None, "commandsQueueSize": 1_000_000,
            }  # fmt: skip
            if period := options.get("period_ms"):
                conf |= {"appendEntriesPeriod": period / 1000, "autoTickPeriod": period / 1000}
            others = [f"{HOST}:{other}" for other in options["others"]]
            super().__init__(f"{HOST}:{options['port']}", others, SyncObjConf(**conf))
            self.held: dict[str, str] = {}

        @replicated  # type: ignore[untyped-decorator]
        def put(self, key: str, value: str) -> None:
            self.held[key] = value

    store = Store()
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and not (store.isReady() and store._getLeader() is not None):
        time.sleep(0.02)
    time.sleep(1)  # for the others to connect
    print(json.dumps({"leads": store._isLeader()}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        work = _one_by_one if command.pop("do") == "one_by_one" else _in_flight
        print(json.dumps({"figure": work(store, **command)}), flush=True)


def _flush_each_entry() -> None:
    """Let the journal reach the disk with each entry; PySyncObj has no setting for that."""
    from pysyncobj.journal import FileJournal

    add = FileJournal.add

    def add_durably(journal: Any, *entry: Any) -> None:
        add(journal, *entry)
        journal.flush()

    FileJournal.add = add_durably


def _one_by_one(store: Any, count: int) -> float:
    taken: list[float] = []
    for number in range(count):
        begun = time.perf_counter()
        store.put(f"key{number % 100}", f"value{number:027}", sync=True, timeout=10)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def _in_flight(store: Any, count: int, seconds: float) -> Flight:
    done = failed = 0
    stop = False
    idle = 0

    def returned(_result: object, error: int) -> None:
        nonlocal done, failed, idle
        done += 1
        failed += error != 0
        if stop:
            idle += 1
        else:
            store.put(f"key{done % 100}", f"value{done:027}", callback=returned)

    for number in range(count):
        store.put(f"key{number % 100}", f"value{number:027}", callback=returned)
    time.sleep(seconds / 4)  # to warm up
    before, begun = done, time.perf_counter()
    time.sleep(seconds)
    rate = (done - before) / (time.perf_counter() - begun)
    stop = True
    until = time.monotonic() + 10
    while idle < count and time.monotonic() < until:
        time.sleep(0.01)
    assert failed == 0, "no operation may fail"
    return Flight(rate, done)


# etcd.


@contextlib.contextmanager
def etcd_processes(directory: Path) -> Iterator[list[int]]:
    """Three servers of etcd; yields the ports for clients."""
    ports = free_ports(HOST, 6)
    clients, peers = ports[:3], ports[3:]
    cluster = ",".join(f"e{number}=http://{HOST}:{peer}" for number, peer in enumerate(peers))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number, (client, peer) in enumerate(zip(clients, peers, strict=True)):
            command = [
                "etcd", "--name", f"e{number}", "--data-dir", str(directory / f"e{number}"),
                "--listen-client-urls", f"http://{HOST}:{client}",
                "--advertise-client-urls", f"http://{HOST}:{client}",
                "--listen-peer-urls", f"http://{HOST}:{peer}",
                "--initial-advertise-peer-urls", f"http://{HOST}:{peer}",
                "--initial-cluster", cluster, "--log-level", "error",
            ]  # fmt: skip
            quiet = subprocess.DEVNULL
            processes.append(subprocess.Popen(command, stdout=quiet, stderr=quiet))
        yield clients
    finally:
        for process in processes:
            process.kill()
            process.wait()


PUT = "/etcdserverpb.KV/Put"


def put_request(key: str, value: str) -> bytes:
    """The bytes of a PutRequest whose key and value are short; protobuf by hand, for speed."""
    return b"\n%c%s\x12%c%s" % (len(key), key.encode(), len(value), value.encode())


Put = Callable[[bytes], Any]
"""Sends a PutRequest; awaiting what it returns gives the answer's bytes."""


@contextlib.asynccontextmanager
async def etcd_put(port: int) -> AsyncIterator[Put]:
    """A gRPC client of whatever serves etcd's KV.Put at ``port``."""
    import grpc.aio

    async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
        yield channel.unary_unary(PUT)


async def etcd_leader(ports: list[int]) -> int:
    """Wait until one of the servers leads, and return its port."""
    import grpc
    import grpc.aio
    from aetcd.rpc import StatusRequest, StatusResponse

    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        for port in ports:
            async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
                status = channel.unary_unary(
                    "/etcdserverpb.Maintenance/Status",
                    request_serializer=StatusRequest.SerializeToString,
                    response_deserializer=StatusResponse.FromString,
                )
                with contextlib.suppress(grpc.RpcError):
                    answer = await status(StatusRequest(), timeout=1)
                    if answer.leader and answer.leader == answer.header.member_id:
                        return port
        await asyncio.sleep(0.1)
    raise TimeoutError("no server of etcd leads")


async def puts_one_by_one(put: Put, count: int) -> float:
    """Median seconds of a put, one at a time."""
    taken: list[float] = []
    for number in range(count):
        begun = time.perf_counter()
        await put(put_request(f"key{number % 100}", f"value{number:027}"))
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


async def puts_in_flight(put: Put, clients: int, seconds: float) -> Flight:
    """Puts by so many clients at once, one at a time each."""
    done = 0
    stop = False

    async def client(name: int) -> None:
        nonlocal done
        while not stop:
            await put(put_request(f"key{name}", f"value{done:027}"))
            done += 1

    tasks = [asyncio.create_task(client(number)) for number in range(clients)]
    await asyncio.sleep(seconds / 4)
    before, begun = done, time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (done - before) / (time.perf_counter() - begun)
    stop = True
    await asyncio.gather(*tasks)
    return Flight(rate, done)


if __name__ == "__main__":
    serve_pysyncobj(json.loads(sys.argv[1]))
