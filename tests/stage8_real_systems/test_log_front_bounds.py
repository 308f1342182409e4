"""The front of the lab log and clients that ask for too much, or send what has no room later on."""

import asyncio
from struct import pack

import pytest

pytest.importorskip("crc32c", reason="crc32c is not installed: pip install -e '.[kafka]'")

from stage8_real_systems.log.batches import Batch
from stage8_real_systems.log.front.schema import Message
from stage8_real_systems.log.group_requests import (
    CommitOffsets,
    Committed,
    LeaveGroup,
    MemberIdRequired,
)
from stage8_real_systems.log.requests import (
    DescribeCluster,
    Described,
    Done,
    Error,
    Fetch,
    Fetched,
    FetchedPart,
    PartitionInfo,
    Produced,
    Refused,
    TopicInfo,
)
from tests.support.kafka_front import Front, batch
from tests.support.live import live

PRODUCE, FETCH, METADATA, OFFSET_COMMIT, JOIN_GROUP, LEAVE_GROUP, CREATE_TOPICS = (
    *(0, 1, 3, 8, 11, 13),
    19,
)
MEBIBYTE = 1024 * 1024


def to_fetch(*offsets: int) -> Message:
    """A request for partition 0, named once for each offset."""
    parts = [
        {"partition": 0, "fetch_offset": offset, "partition_max_bytes": MEBIBYTE}
        for offset in offsets
    ]
    topics = [{"topic": "t", "partitions": parts}]
    return {"max_wait_ms": 500, "min_bytes": 1, "max_bytes": MEBIBYTE, "topics": topics}


def fetched(size: int) -> Fetched:
    """A batch of that many bytes."""
    big = Batch(0, 0, 1, -1, -1, -1, 9, bytes(size))
    return Fetched((FetchedPart("t", 0, Error.NONE, 1, 0, (big,)),))


@live
async def test_a_fetch_begins_only_when_those_before_it_are_answered() -> None:
    async with Front() as (behind, client):
        for offset in range(3):
            client.send(FETCH, 12, to_fetch(offset))
        assert len(await behind.sees(1)) == 1
        for number in range(3):
            await asyncio.sleep(0.01)
            assert len(behind.asked) == number + 1, "the next response would wait in memory"
            behind.answer(number, fetched(1_000))
            assert (await client.receive())[0] == number + 1


@live
async def test_a_client_that_does_not_read_has_no_more_fetched_for_it() -> None:
    async with Front() as (behind, client):
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        for offset in range(60):
            client.send(FETCH, 12, to_fetch(offset))
        for number in range(60):
            await asyncio.sleep(0.002)
            if len(behind.asked) > number:
                behind.answer(number, fetched(MEBIBYTE))
        assert 1 < len(behind.asked) < 40, "some that the kernel took, and 16 MiB that wait"


@live
async def test_a_partition_that_is_named_often_is_read_once() -> None:
    async with Front() as (behind, client):
        client.send(FETCH, 12, to_fetch(*range(1_000)))
        (asked,) = await behind.sees(1)
        assert isinstance(asked, Fetch)
        assert [part.offset for part in asked.parts] == [999]


@live
async def test_a_batch_that_is_not_taken_ends_the_connection_if_nobody_wants_an_answer() -> None:
    parts = [{"index": 0, "records": batch()}]
    body = {"acks": 0, "timeout_ms": 1, "topic_data": [{"name": "t", "partition_data": parts}]}
    async with Front() as (behind, client):
        client.send(PRODUCE, 7, body)
        await behind.sees(1)
        behind.answer(0, Refused(Error.NOT_LEADER_OR_FOLLOWER, "n2"))
        assert await client.is_disconnected()
        assert behind.said[0].endswith("a batch was not taken (error 6), and acks=0 has no answer")


@live
async def test_names_as_long_as_a_name_can_be_come_back_in_errors_that_have_room_for_them() -> None:
    long = "x" * 32_767
    async with Front() as (behind, client):
        parts = [{"index": 0, "records": batch()}]
        topics = [{"name": long, "partition_data": parts}]
        client.send(PRODUCE, 8, {"acks": -1, "timeout_ms": 1, "topic_data": topics})
        await behind.sees(1)
        text = f"there is no partition 0 of a topic {long}"
        behind.answer(0, Refused(Error.UNKNOWN_TOPIC_OR_PARTITION, text))
        _, body = await client.receive()
        (part,) = body["responses"][0]["partition_responses"]
        assert part["error_message"] == text[:1_000]
        made = {"name": "t", "num_partitions": 1, "configs": [{"name": long, "value": None}]}
        answer = await client.ask(CREATE_TOPICS, 4, {"topics": [made]})
        assert answer["topics"][0]["error_message"].startswith("topics have no settings here")


@live
async def test_a_response_that_cannot_be_written_ends_the_connection_and_hangs_nobody() -> None:
    errors: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: errors.append(str(context.get("exception")))
    )
    async with Front() as (behind, client):
        client.send(JOIN_GROUP, 5, {"group_id": "g", "protocol_type": "c"})
        await behind.sees(1)
        behind.answer(0, MemberIdRequired("x" * 40_000))  # a broker of ours never does that
        assert await client.is_disconnected()
    assert "'h' format requires" in errors[0]


@live
async def test_a_string_that_is_too_long_for_old_versions_is_refused_in_new_ones_too() -> None:
    async with Front() as (behind, client):
        client.send(METADATA, 9, {"topics": [{"name": "x" * 32_768}]})
        assert await client.is_disconnected()
        assert "it claims a string of 32768 bytes" in behind.said[0]


@live
async def test_positions_that_cannot_be_kept_are_refused_and_the_others_are_kept() -> None:
    def position(index: int, note: str | None = None) -> Message:
        return {"partition_index": index, "committed_offset": 5, "committed_metadata": note}

    topics = [
        {"name": "none", "partitions": [position(0)]},
        {"name": "t", "partitions": [position(each) for each in (-1, 0, 1)]},
        {"name": "t", "partitions": [position(0, "x" * 4_097)]},
    ]
    part = PartitionInfo(0, "n1", 0, ("n1",), ("n1",))
    known = (
        TopicInfo("none", Error.UNKNOWN_TOPIC_OR_PARTITION, ()),
        TopicInfo("t", Error.NONE, (part,)),
    )
    async with Front() as (behind, client):
        client.send(OFFSET_COMMIT, 8, {"group_id": "g", "member_id": "", "topics": topics})
        assert await behind.sees(1) == [DescribeCluster(("none", "t"))]
        behind.answer(0, Described("n1", ("n1",), known))
        asked = (await behind.sees(2))[1]
        assert asked == CommitOffsets("g", -1, "", (Committed("t", 0, 5),))
        behind.answer(1, Done())
        _, body = await client.receive()
        codes = [[part["error_code"] for part in each["partitions"]] for each in body["topics"]]
        assert codes == [[3], [3, 0, 3], [12]]


@live
async def test_when_nobody_leaves_nothing_is_wrong() -> None:
    async with Front() as (behind, client):
        answer = await client.ask(LEAVE_GROUP, 4, {"group_id": "g", "members": []})
        assert (answer["error_code"], answer["members"], behind.asked) == (0, [], [])
        client.send(LEAVE_GROUP, 2, {"group_id": "g", "member_id": ""})
        assert await behind.sees(1) == [LeaveGroup("g", "")]


@live
async def test_bytes_of_a_good_request_in_pieces_are_one_request() -> None:
    async with Front() as (behind, client):
        for each in pack(">ihhihhiq", 24, 12, 0, 1, -1, 1, 2, 3):  # cut: it ends within a string
            client.writer.write(bytes([each]))
            await asyncio.sleep(0)
        assert await client.is_disconnected()
        assert not behind.asked


@live
async def test_a_producer_learns_where_its_batches_are_in_the_order_it_sent_them() -> None:
    parts = [{"index": 0, "records": batch()}]
    body = {"acks": 1, "timeout_ms": 1, "topic_data": [{"name": "t", "partition_data": parts}]}
    async with Front() as (behind, client):
        client.send(FETCH, 12, to_fetch(0))
        client.send(PRODUCE, 9, body)
        assert len(await behind.sees(2)) == 2, "only a Fetch waits for its turn"
        behind.answer(1, Produced(7, 0))
        behind.answer(0, fetched(10))
        assert [(await client.receive())[0] for _ in range(2)] == [1, 2]
