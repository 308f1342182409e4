"""Our queue beside the real NATS server, under one real client: nats-py.

    python tests/benchmarks/queue.py [--json]

One Python process with nats-py publishes and consumes messages of 100 bytes, in turns at both
servers; all of it shares the machine. The client is in Python as well, and needs most of the time
for core messages: so those figures say as much about it as about the servers.

* ``core``: messages a second from one connection to another, at most once, nothing on disk.
* ``request``: requests a second that another connection answers, one after the other.
* ``publish``: JetStream publishes a second, 64 under way at once, each on disk before its answer.
  Ours by group commit, theirs with ``sync_interval: always``, which is one fsync for each.
* ``publish_one``: the same, one after the other: what one fsync costs.
* ``consume``: messages a second that are fetched, 50 at once, and acknowledged.

``vs_nats_core`` and ``vs_nats_jetstream_fsync`` are for ``core`` and ``publish``. For comparison,
``nats_lazy_publish`` is JetStream as it comes: synced every two minutes (nats-server#7564).
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from _bench import in_turns, peer, report

from common.runtime.launch import launch_in_background
from stage2_communication.queue.worlds import WORLDS
from tests.support.machine import beside_python
from tests.support.nats import HOST, real_nats

nats = peer("nats", "nats")

ROUNDS = 5
PAYLOAD = b"x" * 100
CORE, REQUESTS, PUBLISHES, ONE_BY_ONE = 20_000, 2_000, 2_000, 200
UNDER_WAY = 64
BATCH = 50
PREFETCH = 1000

_numbers = count()


def run(work: Callable[[str], Coroutine[Any, Any, float]], url: str) -> float:
    """One turn, in a loop of its own."""
    return asyncio.run(work(url))


async def core(url: str) -> float:
    """Messages a second from one connection to another."""
    source, sink = await nats.connect(url), await nats.connect(url)
    done = asyncio.get_running_loop().create_future()
    seen = 0

    async def heard(_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == CORE:
            done.set_result(None)

    await sink.subscribe("bench.core", cb=heard)
    await sink.flush()
    began = time.perf_counter()
    for _ in range(CORE):
        await source.publish("bench.core", PAYLOAD)
    await done
    took = time.perf_counter() - began
    await source.close()
    await sink.close()
    return CORE / took


async def request(url: str) -> float:
    """Requests a second, one after the other."""
    asker, worker = await nats.connect(url), await nats.connect(url)

    async def work(message: Any) -> None:
        await message.respond(message.data)

    await worker.subscribe("bench.request", "workers", cb=work)
    await worker.flush()
    began = time.perf_counter()
    for _ in range(REQUESTS):
        await asker.request("bench.request", PAYLOAD)
    took = time.perf_counter() - began
    await asker.close()
    await worker.close()
    return REQUESTS / took


async def stream(client: Any) -> tuple[Any, str]:
    """A stream of its own for a turn: its JetStream and name."""
    js, name = client.jetstream(timeout=60), f"bench{next(_numbers)}"
    await js.add_stream(name=name, subjects=[f"queue.{name}"])
    return js, name


async def publish(url: str, messages: int = PUBLISHES, under_way: int = UNDER_WAY) -> float:
    """Acknowledged publishes a second."""
    client = await nats.connect(url)
    js, name = await stream(client)
    rate = await published(js, name, messages, under_way)
    await client.close()
    return rate


async def published(js: Any, name: str, messages: int, under_way: int) -> float:
    """Publish so many to a stream, so many at once; how many a second."""
    left = iter(range(messages))

    async def some() -> None:
        for _ in left:
            await js.publish(f"queue.{name}", PAYLOAD)

    began = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(under_way)))
    return messages / (time.perf_counter() - began)


async def consume(url: str) -> float:
    """Messages a second that are fetched and acknowledged."""
    client = await nats.connect(url)
    js, name = await stream(client)
    await published(js, name, PUBLISHES, UNDER_WAY)
    sub = await js.pull_subscribe(f"queue.{name}", durable="bench", stream=name)
    began, seen = time.perf_counter(), 0
    while seen < PUBLISHES:
        messages = await sub.fetch(BATCH, timeout=10)
        await asyncio.gather(*(each.ack_sync() for each in messages))
        seen += len(messages)
    took = time.perf_counter() - began
    await client.close()
    return PUBLISHES / took


def main() -> None:
    """Measure in turns and report."""
    if beside_python("nats-server") is None:
        peer("nats_server_is_missing", "nats")
    one = partial(publish, messages=ONE_BY_ONE, under_way=1)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings: dict[str, Any] = {"prefetch": PREFETCH, "visibility": 30_000_000}
        started = launch_in_background(WORLDS, scratch / "ours", **settings)
        ours = f"nats://{stack.enter_context(started).endpoints[0]}"
        fsync = f"nats://{HOST}:{stack.enter_context(real_nats(scratch / 'fsync', 'always'))}"
        lazy = f"nats://{HOST}:{stack.enter_context(real_nats(scratch / 'lazy'))}"
        contestants: dict[str, Callable[[], float]] = {}
        for name, work in (
            ("core", core),
            ("request", request),
            ("publish", publish),
            ("publish_one", one),
            ("consume", consume),
        ):
            contestants[f"ours_{name}"] = partial(run, work, ours)
            contestants[f"nats_{name}"] = partial(run, work, fsync)
        contestants["nats_lazy_publish"] = partial(run, publish, lazy)
        figures = in_turns(contestants, ROUNDS)
    ratios = {
        "vs_nats_core": figures["ours_core"] / figures["nats_core"],
        "vs_nats_request": figures["ours_request"] / figures["nats_request"],
        "vs_nats_jetstream_fsync": figures["ours_publish"] / figures["nats_publish"],
        "vs_nats_jetstream_fsync_one": figures["ours_publish_one"] / figures["nats_publish_one"],
        "vs_nats_jetstream_lazy": figures["ours_publish"] / figures["nats_lazy_publish"],
        "consume_vs_nats_jetstream": figures["ours_consume"] / figures["nats_consume"],
    }
    report("queue", figures, ratios, (__doc__ or "").partition("\n")[0])
