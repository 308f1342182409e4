"""pymongo, unmodified, writes by way of routers while chunks move and a server is killed."""

import asyncio
import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("pymongo", reason="pymongo is missing: pip install -e '.[mongo]'")
pytest.importorskip("mongomock", reason="mongomock is missing: pip install -e '.[mongo]'")
pytest.importorskip("crc32c", reason="crc32c is missing: pip install -e '.[mongo]'")

import pymongo
from pymongo.errors import PyMongoError

from common.check.linearizability import check_linearizability
from common.check.models import KEY_VALUE
from common.runtime.launch import launch
from common.values.history import Failed, History, Ok, Unknown
from stage3_partitioning.shards.worlds import WORLDS
from tests.support.live import live

KEYS = range(6)
EACH = 40
"""So many operations of each client."""

OPTIONS: dict[str, Any] = {"serverSelectionTimeoutMS": 10_000, "socketTimeoutMS": 10_000}


def connected(endpoint: str) -> Any:
    """An unmodified client of one router."""
    return pymongo.MongoClient(f"mongodb://{endpoint}", **OPTIONS)


class Told:
    """What clients in threads were told, as a history."""

    def __init__(self) -> None:
        self.history = History()
        self._lock = threading.Lock()

    def now(self) -> int:
        """The time, in microseconds."""
        return time.monotonic_ns() // 1000

    def work(self, endpoint: str, name: str) -> None:
        """Append to documents and read them."""
        random = Random(name)
        with connected(endpoint) as client:
            carts = client.shop.carts
            for number in range(EACH):
                key, text = random.choice(KEYS), f"{name}.{number};"
                write = random.random() < 0.6
                with self._lock:
                    asked = self.history.invoke(
                        f"{name}/{number}", "append" if write else "get", key,
                        text if write else None, self.now(),
                    )  # fmt: skip
                outcome: Any
                try:
                    if write:
                        changed = carts.update_one({"_id": key}, {"$push": {"cart": text}})
                        outcome = Ok(True) if changed.matched_count else Failed("not found")
                    else:
                        outcome = Ok("".join(carts.find_one({"_id": key})["cart"]))
                except PyMongoError as error:
                    outcome = Unknown(str(error)) if write else Failed(str(error))
                with self._lock:
                    self.history.finish(asked, outcome, self.now())


def prepare(endpoint: str) -> None:
    """Make the documents, and shard them."""
    with connected(endpoint) as client:
        assert client.topology_description.topology_type_name in ("Unknown", "Sharded")
        client.admin.command("enableSharding", "shop")
        client.admin.command("shardCollection", "shop.carts", key={"_id": 1})
        client.shop.carts.insert_many([{"_id": key, "cart": []} for key in KEYS])
        client.admin.command("split", "shop.carts", middle={"_id": 3})
        assert client.topology_description.topology_type_name == "Sharded"


def move_about(endpoint: str, stop: threading.Event) -> int:
    """Move both chunks from shard to shard until told to stop; how often it was done."""
    moved, shards = 0, ("n2", "n3", "n1")
    with connected(endpoint) as client:
        while not stop.is_set():
            with suppress(PyMongoError):
                key, to = moved % 2 * 5, shards[moved % 3]
                client.admin.command("moveChunk", "shop.carts", find={"_id": key}, to=to)
                moved += 1
    return moved


@live
async def test_pymongo_loses_nothing_while_chunks_move_and_a_shard_is_killed(
    tmp_path: Path,
) -> None:
    async with launch(WORLDS, tmp_path, members=3, balance=False) as cluster:
        first, second, third = cluster.endpoints
        await asyncio.to_thread(prepare, first)
        told, stop = Told(), threading.Event()
        mover = asyncio.create_task(asyncio.to_thread(move_about, first, stop))
        workers = [
            asyncio.create_task(asyncio.to_thread(told.work, endpoint, name))
            for endpoint, name in ((first, "a"), (second, "b"), (first, "c"))
        ]
        await asyncio.sleep(0.3)
        await cluster.running.kill("n3")
        await asyncio.sleep(0.3)
        await cluster.running.restart("n3")
        await asyncio.gather(*workers)
        stop.set()
        assert await mover >= 2, "chunks have moved meanwhile"
        ok = [each for each in told.history if isinstance(each.outcome, Ok)]
        assert len(ok) > len(told.history) * 0.6, "most operations are carried out"
        await asyncio.to_thread(told.work, third, "z")
        verdict = check_linearizability(told.history, KEY_VALUE)
        assert verdict.answer.value == "yes", verdict.sentence


def move_large_documents(endpoint: str) -> None:
    """Write documents as large as they may be, move their chunk away and home, and read them."""
    largest = b"\xff" * 990_000
    with connected(endpoint) as client:
        scans = client.shop.scans
        scans.insert_many([{"_id": number, "scan": largest} for number in range(8)])
        with pytest.raises(PyMongoError, match="Size must be at most 1000000"):
            scans.insert_one({"_id": 99, "scan": largest + bytes(10_000)})
        for to in ("n2", "n1"):
            client.admin.command("moveChunk", "shop.scans", find={"_id": 0}, to=to)
            assert [each["scan"] for each in scans.find()] == [largest] * 8


@live
async def test_the_largest_documents_move_with_their_chunk(tmp_path: Path) -> None:
    async with launch(WORLDS, tmp_path, members=2, balance=False) as cluster:
        await asyncio.to_thread(prepare, cluster.endpoints[0])
        await asyncio.to_thread(move_large_documents, cluster.endpoints[0])
        assert len(await cluster.status()) == 2


@live
async def test_what_is_no_message_ends_its_connection_and_no_other(tmp_path: Path) -> None:
    async with launch(WORLDS, tmp_path, members=1) as cluster:
        (endpoint,) = cluster.endpoints
        host, _, port = endpoint.partition(":")

        def send(data: bytes) -> bytes:
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(data)
                with suppress(ConnectionResetError):
                    return connection.recv(100)
            return b""

        def check() -> None:
            with connected(endpoint) as client:
                client.shop.carts.insert_one({"_id": 1})
                for length in (5, 64 * 1024 * 1024, -1):
                    assert send(struct.pack("<iiii", length, 1, 0, 2013) + b"x" * 50) == b""
                assert send(b"GET / HTTP/1.1\r\n\r\n") == b""
                assert client.shop.carts.find_one() == {"_id": 1}
                deep: dict[str, Any] = {}
                for _ in range(500):
                    deep = {"a": deep}
                with pytest.raises(PyMongoError, match="nested object depth"):
                    client.shop.carts.insert_one({"_id": 2, "deep": deep})
                with pytest.raises(PyMongoError, match="no such command"):
                    client.admin.command("nonsense")
                assert client.shop.carts.count_documents({}) == 1

        await asyncio.to_thread(check)
