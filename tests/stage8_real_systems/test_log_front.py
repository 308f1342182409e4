"""The front of the lab log: order and bounds of a connection, and what requests become.

The broker behind the front is the test itself: it sees each operation, and answers when it likes.
"""

import asyncio
from random import Random
from struct import pack

import pytest

pytest.importorskip("crc32c", reason="crc32c is not installed: pip install -e '.[kafka]'")


from common.values.history import Unknown
from stage8_real_systems.log.batches import Batch
from stage8_real_systems.log.front import cluster
from stage8_real_systems.log.front.apis import APIS
from stage8_real_systems.log.front.batches import written
from stage8_real_systems.log.front.connection import MOST_BYTES, MOST_PENDING
from stage8_real_systems.log.front.schema import Message
from stage8_real_systems.log.group_requests import (
    CommitOffsets,
    Heartbeat,
    JoinGroup,
    LeaveGroup,
    MemberIdRequired,
)
from stage8_real_systems.log.requests import (
    CreateTopic,
    DescribeCluster,
    Described,
    Done,
    Error,
    Fetch,
    Fetched,
    FetchedPart,
    PartitionInfo,
    Produce,
    Produced,
    Refused,
    TopicInfo,
)
from tests.support.kafka_front import HOST, Front, batch
from tests.support.live import live

HEARTBEAT, PRODUCE, METADATA, VERSIONS = 12, 0, 3, 18


def beat(member: str) -> Message:
    """A heartbeat."""
    return {"group_id": "g", "generation_id": 1, "member_id": member}


def to_produce(*batches: bytes, acks: int = -1, topic: str = "t") -> Message:
    """A request with a batch for each partition from 0 on."""
    parts = [{"index": index, "records": each} for index, each in enumerate(batches)]
    topics = [{"name": topic, "partition_data": parts}]
    return {"acks": acks, "timeout_ms": 5_000, "topic_data": topics}


@live
async def test_requests_begin_at_once_and_are_answered_in_their_order() -> None:
    async with Front() as (behind, client):
        for member in "abc":
            client.send(HEARTBEAT, 4, beat(member))
        assert [each.member for each in await behind.sees(3)] == ["a", "b", "c"]
        behind.answer(2, Done())
        behind.answer(1, Refused(Error.REBALANCE_IN_PROGRESS))
        await asyncio.sleep(0.01)
        behind.answer(0, Done())
        answers = [await client.receive() for _ in "abc"]
        assert [(number, body["error_code"]) for number, body in answers] == [
            (1, 0),
            (2, Error.REBALANCE_IN_PROGRESS),
            (3, 0),
        ]


@live
async def test_no_more_begins_than_may_be_under_way() -> None:
    async with Front() as (behind, client):
        for number in range(MOST_PENDING + 10):
            client.send(HEARTBEAT, 0, beat(str(number)))
        await behind.sees(MOST_PENDING)
        await asyncio.sleep(0.05)
        assert len(behind.asked) == MOST_PENDING
        behind.answer(0, Done())
        assert (await behind.sees(MOST_PENDING + 1))[-1] == Heartbeat("g", 1, str(MOST_PENDING))


@live
async def test_a_request_of_two_gigabytes_is_refused_with_one_sentence() -> None:
    async with Front() as (behind, client):
        client.writer.write((2**31 - 1).to_bytes(4) + b"x" * 1_000)
        assert await client.is_disconnected()
        (said,) = behind.said
        assert f"a request of {2**31 - 1} bytes, and {MOST_BYTES} are the most" in said


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00", b"\xff" * 4])
@live
async def test_what_is_no_request_ends_the_connection(sent: bytes) -> None:
    async with Front() as (behind, client):
        client.writer.write(sent)
        assert await client.is_disconnected()
        assert len(behind.said) == 1


@live
async def test_a_version_that_is_not_served_ends_the_connection_but_for_that_of_versions() -> None:
    async with Front() as (behind, client):
        client.writer.write(pack(">ihhih", 10, VERSIONS, 4, 9, -1))
        data = await client.reader.readexactly(4 + 4 + 2 + 4 + 6 * len(APIS))
        assert data[4:10] == pack(">ih", 9, 35)
        assert pack(">hhh", PRODUCE, 3, 9) in data
        client.writer.write(pack(">ihhih", 10, PRODUCE, 13, 10, -1))
        assert await client.is_disconnected()
        assert "asks for Produce 13; versions 3 to 9 are served" in behind.said[0]


@live
async def test_a_batch_that_was_changed_on_its_way_is_refused_and_the_others_are_not() -> None:
    async with Front() as (behind, client):
        good = batch(2)
        client.send(PRODUCE, 9, to_produce(good[:-1] + b"!", good))
        (asked,) = await behind.sees(1)
        expected = Batch(0, 0, 2, -1, -1, -1, 9, good)
        assert asked == Produce("t", 1, expected, -1, 5_000_000)
        behind.answer(0, Produced(10, 3))
        _, body = await client.receive()
        first, second = body["responses"][0]["partition_responses"]
        assert (first["error_code"], first["base_offset"]) == (Error.CORRUPT_MESSAGE, -1)
        assert "checksum is wrong" in first["error_message"]
        assert (second["error_code"], second["base_offset"]) == (0, 10)


@live
async def test_a_producer_that_wants_no_answer_gets_none() -> None:
    async with Front() as (behind, client):
        client.send(PRODUCE, 7, to_produce(batch(), acks=0))
        client.send(HEARTBEAT, 0, beat("a"))
        await behind.sees(2)
        behind.answer(0, Produced(0, 0))
        behind.answer(1, Done())
        assert (await client.receive())[0] == 2


@live
async def test_a_transaction_is_refused_and_never_reaches_the_broker() -> None:
    async with Front() as (behind, client):
        request = {**to_produce(batch()), "transactional_id": "tx"}
        answer = await client.ask(PRODUCE, 9, request)
        (part,) = answer["responses"][0]["partition_responses"]
        assert (part["error_code"], behind.asked) == (42, [])
        assert (await client.ask(22, 4, {"transactional_id": "tx"}))["error_code"] == 42
        assert (await client.ask(10, 3, {"key": "tx", "key_type": 1}))["error_code"] == 42


@live
async def test_acks_are_three_and_no_others() -> None:
    async with Front() as (behind, client):
        answer = await client.ask(PRODUCE, 9, to_produce(batch(), acks=2))
        (part,) = answer["responses"][0]["partition_responses"]
        assert (part["error_code"], behind.asked) == (21, [])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Error.INVALID_REPLICATION_FACTOR, Error.LEADER_NOT_AVAILABLE),
        (Error.INVALID_TOPIC_EXCEPTION, Error.INVALID_TOPIC_EXCEPTION),
    ],
)
@live
async def test_a_topic_that_cannot_be_made_now_is_asked_for_again(error: Error, told: int) -> None:
    async with Front() as (behind, client):
        missing = TopicInfo("new", Error.UNKNOWN_TOPIC_OR_PARTITION, ())
        client.send(METADATA, 9, {"topics": [{"name": "new"}]})
        for number, answer in enumerate((None, Refused(error), None)):
            await behind.sees(number + 1)
            behind.answer(number, answer or Described("n1", ("n1",), (missing,)))
        _, body = await client.receive()
        assert body["topics"][0]["error_code"] == told


@live
async def test_a_fetch_is_held_by_the_broker_within_bounds() -> None:
    async with Front() as (behind, client):
        part = {"partition": 0, "fetch_offset": 4, "partition_max_bytes": 2**31 - 1}
        client.send(
            1,
            12,
            {
                "max_wait_ms": 2**31 - 1,
                "min_bytes": 2**31 - 1,
                "max_bytes": 2**31 - 1,
                "topics": [{"topic": "t", "partitions": [part]}],
            },
        )
        (asked,) = await behind.sees(1)
        assert isinstance(asked, Fetch)
        assert asked.max_wait_us == 600_000_000
        assert asked.min_bytes == asked.max_bytes == asked.parts[0].max_bytes == 8 * 1024 * 1024
        stored = Batch(3, 1, 2, -1, -1, -1, 9, batch(2))
        behind.answer(0, Fetched((FetchedPart("t", 0, Error.NONE, 5, 0, (stored, stored)),)))
        _, body = await client.receive()
        (found,) = body["responses"][0]["partitions"]
        assert found["records"] == written(stored) * 2
        assert (found["high_watermark"], found["last_stable_offset"]) == (5, 5)
        sessions = await client.ask(1, 12, {"max_bytes": 1, "session_id": 5, "session_epoch": 3})
        assert sessions["error_code"] == 70


@live
async def test_a_topic_that_is_named_is_made_if_it_is_wanted_and_only_then() -> None:
    async with Front() as (behind, client):
        missing = TopicInfo("new", Error.UNKNOWN_TOPIC_OR_PARTITION, ())
        lacks = Described("n2", ("n1", "n2"), (missing,))
        asked = {"topics": [{"name": "new"}], "allow_auto_topic_creation": False}
        client.send(METADATA, 9, asked)
        assert await behind.sees(1) == [DescribeCluster(("new",))]
        behind.answer(0, lacks)
        _, body = await client.receive()
        assert (body["controller_id"], body["topics"][0]["error_code"]) == (2, 3)
        client.send(METADATA, 9, {**asked, "allow_auto_topic_creation": True})
        await behind.sees(2)
        behind.answer(1, lacks)
        assert (await behind.sees(3))[-1] == CreateTopic("new", -1, -1)
        behind.answer(2, Done())
        await behind.sees(4)
        part = PartitionInfo(0, "n3", 1, ("n3", "n1"), ("n3",))
        behind.answer(3, Described("n2", ("n1", "n3"), (TopicInfo("new", Error.NONE, (part,)),)))
        _, body = await client.receive()
        (found,) = body["topics"][0]["partitions"]
        assert (found["leader_id"], found["replica_nodes"], found["isr_nodes"]) == (3, [3, 1], [3])
        assert [each["node_id"] for each in body["brokers"]] == [1, 3]


@live
async def test_a_broker_that_has_heard_of_nobody_waits_with_its_answer_until_it_has() -> None:
    async with Front() as (behind, client):
        client.send(METADATA, 1, {"topics": None})
        await behind.sees(1)
        behind.answer(0, Described("", (), ()))
        assert await behind.sees(2) == [DescribeCluster(None)] * 2
        behind.answer(1, Described("n1", ("n1",), ()))
        _, body = await client.receive()
        assert [each["node_id"] for each in body["brokers"]] == [1]


@live
async def test_one_that_hears_of_nobody_names_itself_so_that_somebody_can_be_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "HEARS_WITHIN_SECONDS", 0.0)
    async with Front() as (behind, client):
        client.send(METADATA, 1, {"topics": None})
        await behind.sees(1)
        await asyncio.sleep(0.01)
        behind.answer(0, Described("", (), ()))
        _, body = await client.receive()
        assert [each["node_id"] for each in body["brokers"]] == [1]
        assert body["controller_id"] == -1


@live
async def test_a_member_without_an_id_is_given_one_by_versions_that_ask_for_it() -> None:
    async with Front() as (behind, client):
        body = {"group_id": "g", "session_timeout_ms": 10, "protocol_type": "consumer"}
        for version in (3, 7):
            client.send(11, version, {**body, "protocols": [{"name": "range", "metadata": b"m"}]})
        old, new = await behind.sees(2)
        assert isinstance(old, JoinGroup)
        assert (old.id_required, new.id_required) == (False, True)
        assert old.rebalance_timeout_us == old.session_timeout_us == 10_000
        behind.answer(0, Refused(Error.NOT_COORDINATOR))
        behind.answer(1, MemberIdRequired("m-1"))
        assert (await client.receive())[1]["error_code"] == Error.NOT_COORDINATOR
        answer = (await client.receive())[1]
        assert (answer["error_code"], answer["member_id"]) == (79, "m-1")


@live
async def test_old_members_leave_alone_and_new_ones_together() -> None:
    async with Front() as (behind, client):
        client.send(13, 1, {"group_id": "g", "member_id": "a"})
        client.send(13, 4, {"group_id": "g", "members": [{"member_id": x} for x in "bc"]})
        asked = await behind.sees(3)
        assert asked == [LeaveGroup("g", each) for each in "abc"]
        behind.answer(0, Refused(Error.UNKNOWN_MEMBER_ID))
        behind.answer(1, Done())
        behind.answer(2, Refused(Error.UNKNOWN_MEMBER_ID))
        assert (await client.receive())[1]["error_code"] == Error.UNKNOWN_MEMBER_ID
        _, body = await client.receive()
        assert [each["error_code"] for each in body["members"]] == [0, Error.UNKNOWN_MEMBER_ID]


@live
async def test_a_commit_is_answered_for_each_partition() -> None:
    async with Front() as (behind, client):
        part = {"partition_index": 4, "committed_offset": 9, "committed_metadata": None}
        topics = [{"name": "t", "partitions": [part]}]
        client.send(8, 2, {"group_id": "g", "generation_id": 3, "member_id": "m", "topics": topics})
        await behind.sees(1)
        here = PartitionInfo(0, "n1", 0, ("n1",), ("n1",))
        behind.answer(0, Described("n1", ("n1",), (TopicInfo("t", Error.NONE, (here,) * 5),)))
        assert isinstance((await behind.sees(2))[1], CommitOffsets)
        behind.asked[1][1](Unknown("the node has died"))
        _, body = await client.receive()
        assert body["topics"][0]["partitions"][0]["error_code"] == Error.REQUEST_TIMED_OUT


@live
async def test_a_client_that_goes_takes_nothing_with_it() -> None:
    async with Front() as (behind, client):
        client.send(PRODUCE, 9, to_produce(batch()))
        await behind.sees(1)
        client.writer.transport.abort()
        await asyncio.sleep(0.01)
        behind.answer(0, Produced(0, 0))


@live
async def test_garbage_at_random_never_harms_the_front() -> None:
    random = Random(4)
    async with Front() as (behind, client):
        port = client.writer.get_extra_info("peername")[1]
        for _ in range(40):
            _, writer = await asyncio.open_connection(HOST, port)
            data = random.randbytes(random.randrange(1, 60))
            writer.write(pack(">ihh", len(data) + 4, random.choice([*APIS]), 3) + data)
            writer.write(random.randbytes(20))
            await writer.drain()
            writer.close()
        client.send(VERSIONS, 3, {"client_software_name": "x", "client_software_version": "1"})
        assert (await client.receive())[1]["error_code"] == 0
        assert all("disconnected: it" in said for said in behind.said)
