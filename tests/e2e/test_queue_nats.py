"""Unmodified nats-py talks to the lab ``queue``, and does the same things at the real server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nats", reason="nats-py is not installed: pip install -e '.[nats]'")

import nats
from nats.errors import MaxPayloadError, NoRespondersError, TimeoutError
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy
from nats.js.errors import BadRequestError

from common.runtime.launch import launch
from common.values.history import Ok
from stage2_communication.queue.client import Take
from stage2_communication.queue.worlds import WORLDS
from tests.support.live import live
from tests.support.nats import HOST, real_nats, say

pytestmark = pytest.mark.needs("nats")

ACK_WAIT = 1.5
"""Seconds; long, so that a machine that is busy gets through what is done within one lease."""
SETTINGS: dict[str, Any] = {
    "visibility": int(ACK_WAIT * 1_000_000),
    "prefetch": 20,
    "most_deliveries": 3,
}


async def consumer(js: Any, name: str = "workers") -> Any:
    """The stream ``jobs`` and one consumer of it, as the broker has them."""
    await js.add_stream(name="jobs", subjects=["queue.jobs"], retention=RetentionPolicy.WORK_QUEUE)
    config = ConsumerConfig(
        ack_policy=AckPolicy.EXPLICIT, ack_wait=ACK_WAIT, max_deliver=3, max_ack_pending=20
    )
    return await js.pull_subscribe("queue.jobs", durable=name, config=config)


async def fetched(sub: Any, batch: int = 1, timeout: float = 10.0) -> list[Any]:
    """What a fetch brings; nothing where its time is over."""
    try:
        return list(await sub.fetch(batch, timeout=timeout))
    except TimeoutError:
        return []


async def script(url: str) -> list[object]:
    """Redelivery and deduplication, step by step; what was seen."""
    seen: list[object] = []
    client = await nats.connect(url)
    js = client.jetstream()
    first, second = await consumer(js), await consumer(js)

    async def look(sub: Any, batch: int = 1, timeout: float = 10.0) -> list[Any]:
        messages = await fetched(sub, batch, timeout)
        seen.append([(each.data, each.metadata.num_delivered) for each in messages])
        return messages

    for id, text in (("1", b"one"), ("2", b"two"), ("1", b"one, again"), ("3", b"three")):
        told = await js.publish("queue.jobs", text, headers={"Nats-Msg-Id": id})
        seen.append((told.stream, told.seq, bool(told.duplicate)))
    [one] = await look(first)
    [two] = await look(second)
    await two.ack_sync()
    [three] = await look(second)
    await three.nak()
    [three] = await look(second)
    await look(second, timeout=0.1)
    await three.ack_sync()
    [one] = await look(second)  # the time of the first consumer is over
    for _ in range(3):
        await asyncio.sleep(ACK_WAIT / 2)
        await one.in_progress()
    await look(first, timeout=0.1)
    await one.nak()
    [one] = await look(first)
    await one.nak()
    await look(second, timeout=0.1)  # three deliveries are enough
    for number in range(5):
        await js.publish("queue.jobs", b"%d" % number)
    for each in await look(first, 5):
        await each.ack_sync()
    await look(second, timeout=0.1)
    await client.close()
    return seen


@live
async def test_redelivery_and_deduplication_are_those_of_the_real_server(tmp_path: Path) -> None:
    with real_nats(tmp_path / "theirs") as port:
        async with launch(WORLDS, tmp_path / "ours", **SETTINGS) as cluster:
            ours, theirs = await asyncio.gather(
                script(f"nats://{cluster.endpoints[0]}"), script(f"nats://{HOST}:{port}")
            )
    assert ours == theirs
    assert (b"one", 2) in [each for step in ours if isinstance(step, list) for each in step]


@live
async def test_core_subjects_queue_groups_requests_and_headers(tmp_path: Path) -> None:
    async with launch(WORLDS, tmp_path) as cluster:
        url = f"nats://{cluster.endpoints[0]}"
        workers, asker = await nats.connect(url), await nats.connect(url)
        done: list[str] = []

        async def work(message: Any) -> None:
            done.append(message.subject)
            await message.respond(message.data.upper())

        for _ in range(3):
            await workers.subscribe("work.*", "workers", cb=work)
        await workers.flush()
        answers = [await asker.request("work.eu", b"text", headers={"A": "b"}) for _ in range(20)]
        assert [each.data for each in answers] == [b"TEXT"] * 20
        assert done == ["work.eu"] * 20, "one of the group each"
        with pytest.raises(NoRespondersError):
            await asker.request("nobody.there", b"", timeout=2)
        heard = await asker.subscribe("news.>")
        await asker.publish("news.of.today", b"x", headers={"A": "b"})
        message = await heard.next_msg(2)
        assert (message.subject, message.data, message.headers) == (
            "news.of.today",
            b"x",
            {"A": "b"},
        )
        await workers.close()
        await asker.close()


@live
async def test_what_was_acknowledged_is_there_after_sigkill(tmp_path: Path) -> None:
    async with launch(WORLDS, tmp_path, **SETTINGS) as cluster:
        client = await nats.connect(
            f"nats://{cluster.endpoints[0]}", reconnect_time_wait=0.1, max_reconnect_attempts=100
        )
        js = client.jetstream()
        sub = await consumer(js)
        for number in range(10):
            await js.publish("queue.jobs", b"%d" % number, headers={"Nats-Msg-Id": f"{number}"})
        for each in await fetched(sub, 4):
            await each.ack_sync()
        await cluster.running.kill("n1")
        await cluster.running.restart("n1")
        while not client.is_connected:
            await asyncio.sleep(0.05)
        told = await js.publish("queue.jobs", b"again", headers={"Nats-Msg-Id": "9"})
        assert (told.seq, told.duplicate) == (10, True), "its id is known over the crash"
        left = await fetched(sub, 6)
        assert [each.data for each in left] == [b"4", b"5", b"6", b"7", b"8", b"9"]
        await client.close()


@live
async def test_a_message_that_everybody_gives_back_is_fetched_among_the_dead_letters(
    tmp_path: Path,
) -> None:
    async with launch(WORLDS, tmp_path, **SETTINGS) as cluster:
        client = await nats.connect(f"nats://{cluster.endpoints[0]}")
        js = client.jetstream()
        sub = await consumer(js)
        await js.publish("queue.jobs", b"poison")
        for attempt in (1, 2, 3):
            [message] = await fetched(sub)
            assert message.metadata.num_delivered == attempt
            await message.nak()
        await client.flush()
        assert await fetched(sub, timeout=0.1) == []
        dead = await js.pull_subscribe_bind("people", stream="jobs-dead")
        [letter] = await fetched(dead)
        assert letter.data == b"poison"
        await letter.ack_sync()
        assert (await js.stream_info("jobs-dead")).state.messages == 0
        await client.close()


@live
async def test_messages_as_large_as_nats_lets_through_neither_end_the_broker_nor_its_clients(
    tmp_path: Path,
) -> None:
    largest, count = 1024 * 1024, 12
    payload = b"\xff" * largest  # twice as long as text in UTF-8
    async with launch(WORLDS, tmp_path, **{**SETTINGS, "visibility": 60_000_000}) as cluster:
        client = await nats.connect(f"nats://{cluster.endpoints[0]}")
        js = client.jetstream()
        for _ in range(count):
            await js.publish("queue.jobs", payload)
        taken = await cluster.ask(Take("jobs"))  # a batch of two would fit into no message
        assert isinstance(taken, Ok)
        sub = await js.pull_subscribe_bind("workers", stream="jobs")
        got = [message.data for message in await fetched(sub, count - 1)]
        assert got == [payload] * (count - 1)
        with pytest.raises(MaxPayloadError):
            await js.publish("queue.jobs", payload + b"\xff")
        assert client.is_connected
        told = await say(cluster.ports["n1"], b"PUB queue.jobs 1048577\r\n")
        assert told == b"-ERR 'Maximum Payload Violation'\r\n"
        assert (await cluster.status())["n1"]["published"] == count
        await client.close()


@live
async def test_what_the_broker_does_not_do_is_refused_in_a_sentence(tmp_path: Path) -> None:
    async with launch(WORLDS, tmp_path) as cluster:
        client = await nats.connect(f"nats://{cluster.endpoints[0]}")
        js = client.jetstream()
        with pytest.raises(BadRequestError, match="the stream other has one subject: queue.other"):
            await js.add_stream(name="other", subjects=["anything"])
        with pytest.raises(BadRequestError, match="ack_wait is 400000000 here, as the broker says"):
            await js.add_consumer("jobs", ConsumerConfig(durable_name="slow", ack_wait=30))
        with pytest.raises(BadRequestError, match="STREAM.PURGE is not served here"):
            await js.purge_stream("jobs")
        told = await client.request("$JS.API.STREAM.CREATE.jobs", b"[[[")
        assert b"no JSON object" in told.data
        await client.close()
