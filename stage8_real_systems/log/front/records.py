"""The requests about records: Produce, Fetch, ListOffsets, InitProducerId."""

from itertools import groupby
from operator import attrgetter
from typing import Any

from common.runtime.refusals import Refused as Lost
from stage8_real_systems.log.front.apis import Request
from stage8_real_systems.log.front.batches import Unacceptable, taken, written
from stage8_real_systems.log.front.codes import Code, said
from stage8_real_systems.log.front.gateway import Gateway
from stage8_real_systems.log.front.schema import Message
from stage8_real_systems.log.requests import (
    ALL,
    LEADER,
    NONE,
    Fetch,
    Fetched,
    FetchedPart,
    FetchPart,
    InitProducer,
    ListOffset,
    Offset,
    Produce,
    Produced,
    ProducerId,
    Refused,
)

MS = 1_000
"""The protocol's waits are in milliseconds, those of operations in microseconds."""
MAX_WAIT_MS = 600_000
MOST_FETCHED = 8 * 1024 * 1024
"""No response to Fetch has more bytes of records, whatever a client asks for."""
NO_TRANSACTIONS = "there are no transactions here: leave transactional.id out"


async def produce(gateway: Gateway, request: Request) -> Message | None:
    """Append a batch to each partition named.

    With acks=0 nothing is answered. If something is wrong then, the connection ends, as Kafka does
    it: that tells the producer to ask again who leads.

    All appends begin before anything is waited for, so that they happen in the order in which a
    producer sent them, also when it sends its next request before it has this one's response.
    """
    body = request.body
    timeout = bounded(body["timeout_ms"]) * MS
    acks = body["acks"]
    refused = None
    if body["transactional_id"] is not None:
        refused = Unacceptable(Code.INVALID_REQUEST, NO_TRANSACTIONS)
    elif acks not in (ALL, NONE, LEADER):
        refused = Unacceptable(Code.INVALID_REQUIRED_ACKS, f"acks is -1, 0 or 1, and not {acks}")
    topics: list[tuple[str, list[tuple[int, Any]]]] = []
    for topic in body["topic_data"]:
        begun: list[tuple[int, Any]] = []
        for part in topic["partition_data"]:
            try:
                if refused:
                    raise refused
                batch = taken(part["records"], request.version)
            except Unacceptable as error:
                begun.append((part["index"], error))
                continue
            asked = Produce(topic["name"], part["index"], batch, acks, timeout)
            begun.append((part["index"], gateway.begin(asked, Produced)))
        topics.append((topic["name"], begun))
    responses: list[Message] = [
        {
            "name": name,
            "partition_responses": [_appended(index, await _ended(one)) for index, one in begun],
        }
        for name, begun in topics
    ]
    if acks != NONE:
        return {"responses": responses}
    for each in (part for topic in responses for part in topic["partition_responses"]):
        if each.get("error_code"):
            text = f"a batch was not taken (error {each['error_code']}), and acks=0 has no answer"
            raise Lost("unheard", text)
    return None


async def _ended(begun: Any) -> Produced | Refused | Unacceptable:
    found: Produced | Refused | Unacceptable
    found = begun if isinstance(begun, Unacceptable) else await begun
    return found


def _appended(index: int, result: Produced | Refused | Unacceptable) -> Message:
    match result:
        case Produced(base_offset, log_start):
            return {"index": index, "base_offset": base_offset, "log_start_offset": log_start}
        case Refused(error, text):
            return {"index": index, "error_code": error, "error_message": said(text)}
        case Unacceptable():
            return {"index": index, "error_code": result.code, "error_message": said(str(result))}


async def fetch(gateway: Gateway, request: Request) -> Message:
    """Read partitions. The broker holds the question until there is enough, or time is up."""
    body = request.body
    if body["session_id"]:
        return {"error_code": Code.FETCH_SESSION_ID_NOT_FOUND}
    asked_of = {
        (topic["topic"], part["partition"]): part
        for topic in body["topics"]
        for part in topic["partitions"]
    }  # each partition once, however often it is named
    parts = tuple(
        FetchPart(
            topic,
            partition,
            part["fetch_offset"],
            max(0, min(part["partition_max_bytes"], MOST_FETCHED)),
            part["current_leader_epoch"],
        )
        for (topic, partition), part in asked_of.items()
    )
    most = max(0, min(body["max_bytes"], MOST_FETCHED))
    wait = bounded(body["max_wait_ms"]) * MS
    asked = Fetch(parts, wait, max(0, min(body["min_bytes"], most)), most)
    result = await gateway.ask(asked, Fetched)
    if isinstance(result, Refused):
        failed = [FetchedPart(p.topic, p.partition, result.error, -1, -1, ()) for p in parts]
        result = Fetched(tuple(failed))
    return {
        "responses": [
            {"topic": topic, "partitions": [_read(part) for part in group]}
            for topic, group in groupby(result.parts, key=attrgetter("topic"))
        ]
    }


def _read(part: FetchedPart) -> Message:
    return {
        "partition_index": part.partition,
        "error_code": part.error,
        "high_watermark": part.high_watermark,
        "last_stable_offset": part.high_watermark,
        "log_start_offset": part.log_start,
        "records": b"".join(map(written, part.batches)),
    }


async def list_offsets(gateway: Gateway, request: Request) -> Message:
    """Where partitions begin and end, or what is the first record of a time."""
    body = request.body
    begun = [
        (topic["name"], index, gateway.begin(ListOffset(topic["name"], index, time), Offset))
        for topic in body["topics"]
        for index, time in ((p["partition_index"], p["timestamp"]) for p in topic["partitions"])
    ]
    found = [(name, index, await answer) for name, index, answer in begun]
    return {
        "topics": [
            {"name": name, "partitions": [_found(index, result) for _, index, result in group]}
            for name, group in groupby(found, key=lambda each: each[0])
        ]
    }


def _found(index: int, result: Offset | Refused) -> Message:
    if isinstance(result, Refused):
        return {"partition_index": index, "error_code": result.error}
    return {
        "partition_index": index,
        "offset": result.offset,
        "timestamp": result.timestamp,
        "leader_epoch": result.epoch,
    }


async def init_producer_id(gateway: Gateway, request: Request) -> Message:
    """A number for a producer that wants to be idempotent.

    One that has a number and needs another one, because a batch of it was lost, gets a new one: the
    broker keeps no account of who had which.
    """
    body = request.body
    if body["transactional_id"] is not None:
        return {"error_code": Code.INVALID_REQUEST}
    result = await gateway.ask(InitProducer(), ProducerId)
    if isinstance(result, Refused):
        return {"error_code": result.error}
    return {"producer_id": result.producer, "producer_epoch": result.epoch}


def bounded(milliseconds: int) -> int:
    """A wait that a client asks for, within reason."""
    return max(0, min(milliseconds, MAX_WAIT_MS))
