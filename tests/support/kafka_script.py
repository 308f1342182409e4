"""One script of requests, and what a broker answers, for comparing two brokers.

Every byte is written here, by the tables of the front: a client would hide what it does not like.
"""

import socket
import time
from collections.abc import Iterator
from struct import pack
from typing import Any

import crc32c

from stage8_real_systems.log.front.apis import APIS
from stage8_real_systems.log.front.batches import HEADER
from stage8_real_systems.log.front.schema import Message
from stage8_real_systems.log.front.wire import Reader

SECONDS = 30.0
BY_NAME = {api.name: api for api in APIS.values()}
VERSION = {
    "Metadata": 9, "CreateTopics": 4, "Produce": 9, "Fetch": 11, "ListOffsets": 6,
    "InitProducerId": 4, "FindCoordinator": 3, "JoinGroup": 7, "SyncGroup": 5, "Heartbeat": 4,
    "LeaveGroup": 4, "OffsetCommit": 8, "OffsetFetch": 7, "ApiVersions": 3,
}  # fmt: skip


class Wire:
    """A connection to a broker, for one question after the other."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), SECONDS)
        self._stream = self._socket.makefile("rb")
        self._number = 0

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()

    def send(self, name: str, version: int = 0, **body: Any) -> int:
        """Send a request; returns the number of its response."""
        api = BY_NAME[name]
        version = version or VERSION[name]
        self._number += 1
        out = bytearray(pack(">hhih", api.key, version, self._number, 2) + b"me")
        if version >= api.flexible:
            out.append(0)
        api.codec("request", version)[1](out, body)
        self._socket.sendall(pack(">i", len(out)) + out)
        return self._number

    def receive(self, name: str, version: int = 0) -> Message:
        """The next response, which is to a request of that name."""
        api = BY_NAME[name]
        version = version or VERSION[name]
        size = int.from_bytes(self._stream.read(4))
        data = self._stream.read(size)
        skip = 4 + (version >= api.flexible and name != "ApiVersions")
        found: Message = api.codec("response", version)[0](Reader(data, skip))
        return found

    def ask(self, name: str, version: int = 0, **body: Any) -> Message:
        """Send a request, and wait for its response."""
        self.send(name, version, **body)
        return self.receive(name, version)


def batch(*values: bytes, producer: int = -1, epoch: int = -1, sequence: int = -1) -> bytes:
    """An uncompressed batch with these values, without keys."""
    body = bytearray()
    for number, value in enumerate(values):
        record = bytes([0, 0, number * 2, 1, len(value) * 2]) + value + b"\0"
        body += bytes([len(record) * 2]) + record
    whole = bytearray(
        HEADER.pack(
            *(0, HEADER.size - 12 + len(body), -1, 2, 0, 0, len(values) - 1),
            *(1_000, 1_000, producer, epoch, sequence, len(values)),
        )
        + body
    )
    whole[17:21] = pack(">I", crc32c.crc32c(bytes(whole[21:])))
    return bytes(whole)


def produce(wire: Wire, records: bytes, topic: str = "t", partition: int = 0) -> tuple[int, int]:
    """Append a batch; returns error and base offset."""
    part = {"index": partition, "records": records}
    topics = [{"name": topic, "partition_data": [part]}]
    answer = wire.ask("Produce", acks=-1, timeout_ms=10_000, topic_data=topics)
    (found,) = answer["responses"][0]["partition_responses"]
    return found["error_code"], found["base_offset"]


def fetch(wire: Wire, offset: int, topic: str = "t", wait_ms: int = 500) -> tuple[int, int, bytes]:
    """Read partition 0; returns error, high watermark and the records as they are."""
    part = {"partition": 0, "fetch_offset": offset, "partition_max_bytes": 1_000_000}
    topics = [{"topic": topic, "partitions": [part]}]
    answer = wire.ask("Fetch", max_wait_ms=wait_ms, min_bytes=1, max_bytes=1_000_000, topics=topics)
    if not answer["responses"]:
        return answer["error_code"], -1, b""
    (found,) = answer["responses"][0]["partitions"]
    return found["error_code"], found["high_watermark"], found["records"] or b""


def script(address: str) -> Iterator[tuple[str, object]]:
    """Ask a fresh broker, step by step; what was asked in words, and what of the answer counts."""
    with Wire(address) as wire:
        yield from _topics(wire)
        yield from _log(wire)
        yield from _producers(wire)
        yield from _group(wire)


def _topics(wire: Wire) -> Iterator[tuple[str, object]]:
    def make(name: str, partitions: int, replication: int = 1) -> object:
        topic = {"name": name, "num_partitions": partitions, "replication_factor": replication}
        (answer,) = wire.ask("CreateTopics", topics=[topic], timeout_ms=10_000)["topics"]
        return answer["error_code"]

    while not wire.ask("Metadata", topics=None)["brokers"] or (first := make("t", 2)) == 38:
        time.sleep(0.1)  # a broker that has just begun knows of none yet, not even itself
    yield "a topic is made", first
    yield "it is made once", make("t", 2)
    yield "a topic has partitions", make("none", 0)
    yield "no more replicas than brokers", make("wide", 1, 9)
    asked = [{"name": "t"}, {"name": "missing"}]
    answer = wire.ask("Metadata", topics=asked, allow_auto_topic_creation=False)
    topics = sorted((each["name"], each["error_code"]) for each in answer["topics"])
    yield "topics and missing ones", topics
    found = {each["name"]: each for each in answer["topics"]}["t"]["partitions"]
    yield "partitions of a topic", sorted(each["partition_index"] for each in found)


def _log(wire: Wire) -> Iterator[tuple[str, object]]:
    yield "the first batch", produce(wire, batch(b"a", b"b", b"c"))
    yield "the next one", produce(wire, batch(b"d", b"e"))
    yield "of another partition", produce(wire, batch(b"x"), partition=1)
    yield "of a topic that is not there", produce(wire, batch(b"a"), topic="missing")[0]
    yield "of a partition that is not there", produce(wire, batch(b"a"), partition=7)[0]
    changed = batch(b"good")[:-2] + b"!\0"
    yield "with a wrong checksum", produce(wire, changed, partition=1)[0]
    error, high, data = fetch(wire, 0)
    yield "all is read", (error, high, _places(data))
    yield "values are as they were", all(bytes([2, each]) in data for each in b"abcde")
    yield "from the batch on that holds an offset", _places(fetch(wire, 4)[2])
    yield "at the end there is nothing", fetch(wire, 5, wait_ms=50)
    yield "behind the end there is an error", fetch(wire, 6)[0]
    yield "of a topic that is not there, nothing is read", fetch(wire, 0, "missing")[0]
    for when, what in ((-2, "begin"), (-1, "end")):
        part = {"partition_index": 0, "timestamp": when}
        answer = wire.ask("ListOffsets", topics=[{"name": "t", "partitions": [part]}])
        (found,) = answer["topics"][0]["partitions"]
        yield f"where the log {what}s", (found["error_code"], found["offset"])


def _places(data: bytes) -> list[tuple[int, int]]:
    """Base offset and number of records of each batch."""
    found = []
    while data:
        fields = HEADER.unpack_from(data)
        found.append((fields[0], fields[-1]))
        data = data[12 + fields[1] :]
    return found


def _producers(wire: Wire) -> Iterator[tuple[str, object]]:
    answer = wire.ask("InitProducerId", transactional_id=None, transaction_timeout_ms=1_000)
    id, epoch = answer["producer_id"], answer["producer_epoch"]
    yield "a producer gets a number", (answer["error_code"], id >= 0, epoch)

    def send(sequence: int, *values: bytes) -> tuple[int, int]:
        return produce(wire, batch(*values, producer=id, epoch=epoch, sequence=sequence))

    yield "its first batch", send(0, b"p", b"q")
    yield "its second batch", send(2, b"r")
    yield "its second batch again", send(2, b"r")[0]
    yield "a batch with one missing before it", send(7, b"z")[0]
    yield "the batch that was missing", send(3, b"s")[0]
    yield "what is in the log after that", _places(fetch(wire, 5)[2])


def _group(wire: Wire) -> Iterator[tuple[str, object]]:
    group: dict[str, Any] = {"group_id": "g"}
    while (error := wire.ask("FindCoordinator", key="g")["error_code"]) == 15:
        time.sleep(0.1)  # the first question of all makes the topic of the offsets
    yield "who coordinates", error
    wanted = {
        **group,
        "session_timeout_ms": 10_000,
        "rebalance_timeout_ms": 10_000,
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": b"mine"}],
    }
    told = wire.ask("JoinGroup", **wanted)
    yield "a member needs an id", (told["error_code"], bool(told["member_id"]))
    member = told["member_id"]
    joined = wire.ask("JoinGroup", **wanted, member_id=member)
    generation = joined["generation_id"]
    yield "it joins and leads", (
        joined["error_code"], joined["protocol_name"], joined["leader"] == member,
        [(each["member_id"] == member, each["metadata"]) for each in joined["members"]],
    )  # fmt: skip
    me: dict[str, Any] = {**group, "generation_id": generation, "member_id": member}
    yield "a generation has a positive number", generation > 0
    assigned = [{"member_id": member, "assignment": b"all"}]
    me |= {"protocol_type": "consumer", "protocol_name": "range"}
    synced = wire.ask("SyncGroup", **me, assignments=assigned)
    yield "it gets its assignment", (synced["error_code"], synced["assignment"])
    yield "it lives", wire.ask("Heartbeat", **me)["error_code"]
    other = {**me, "generation_id": generation + 5}
    yield "in another generation it does not", wire.ask("Heartbeat", **other)["error_code"]
    stranger = {**me, "member_id": "stranger"}
    yield "a stranger does not", wire.ask("Heartbeat", **stranger)["error_code"]
    for what, who in (("it", me), ("a stranger", stranger), ("an old generation", other)):
        part = {"partition_index": 0, "committed_offset": 4, "committed_metadata": "note"}
        topics = [{"name": "t", "partitions": [part]}]
        answer = wire.ask("OffsetCommit", **who, topics=topics)
        yield f"{what} commits", answer["topics"][0]["partitions"][0]["error_code"]
    asked: list[Message] = [{"name": "t", "partition_indexes": [0, 1]}]
    answer = wire.ask("OffsetFetch", **group, topics=asked)
    yield (
        "what is committed",
        [
            (part["partition_index"], part["committed_offset"], part["metadata"] or "")
            for part in answer["topics"][0]["partitions"]
        ],
    )
    left = wire.ask("LeaveGroup", **group, members=[{"member_id": member}])
    yield "it leaves", (left["error_code"], [each["error_code"] for each in left["members"]])
    yield "who has left does not live", wire.ask("Heartbeat", **me)["error_code"]
