"""MongoDB's protocol in front of a router of the lab ``shards``, piece by piece."""

import asyncio
import struct
from typing import Any

import pytest

pytest.importorskip("bson", reason="pymongo is missing: pip install -e '.[mongo]'")
pytest.importorskip("mongomock", reason="mongomock is missing: pip install -e '.[mongo]'")
pytest.importorskip("crc32c", reason="crc32c is missing: pip install -e '.[mongo]'")

import bson
import crc32c

from common.sim import Simulation
from common.values.history import Outcome
from common.values.units import SECOND
from stage3_partitioning.shards.front import wire
from stage3_partitioning.shards.front.cursors import Cursors
from stage3_partitioning.shards.front.facade import Commands
from stage3_partitioning.shards.front.keys import key_of
from stage3_partitioning.shards.front.problems import Problem
from stage3_partitioning.shards.front.store import Store
from stage3_partitioning.shards.server import Server

MEMBERS = ("n1", "n2")


class SimulatedDoor:
    """A door to n1 of a cluster in the simulator."""

    node = "n1"
    members = MEMBERS

    def __init__(self) -> None:
        self.simulation = Simulation(dict.fromkeys(MEMBERS, Server), seed=1)

    async def ask(self, operation: object) -> Outcome:
        """What the router says, in virtual time."""
        asked = self.simulation.call("n1", operation)
        limit = self.simulation.now + 10 * SECOND
        assert self.simulation.run_until(lambda: asked.returned_at is not None, limit)
        return asked.outcome


class Shell:
    """Carries commands out, one after the other."""

    def __init__(self, hashed: bool = False) -> None:
        door: Any = SimulatedDoor()
        self._commands = Commands(Store(door, hashed))

    def __call__(self, legacy: bool = False, database: str = "shop", **body: Any) -> dict[str, Any]:
        command = wire.Command({**body, "$db": database}, 1, legacy, False)
        return asyncio.run(self._commands.carry_out(command))


def message(*sections: bytes, flags: int = 0, checksum: bytes = b"") -> tuple[wire.Header, bytes]:
    """An OP_MSG: its header, and what follows."""
    inside = struct.pack("<I", flags) + b"".join(sections) + checksum
    return wire.Header(16 + len(inside), 7, 0, wire.OP_MSG), inside


def body(**fields: Any) -> bytes:
    """A section of kind 0."""
    encoded: bytes = bson.encode(fields)
    return b"\0" + encoded


def sequence(name: str, *documents: dict[str, Any]) -> bytes:
    """A section of kind 1."""
    inside = name.encode() + b"\0" + b"".join(map(bson.encode, documents))
    return b"\1" + struct.pack("<i", 4 + len(inside)) + inside


def read(header: wire.Header, payload: bytes) -> wire.Command:
    """The command in it."""
    return wire.read_command(header, payload, wire.HEADER.pack(*header) + payload)


def nested(depth: int) -> bytes:
    """A document in a document in a document."""
    sizes = [5]
    for _ in range(depth):
        sizes.append(sizes[-1] + 8)
    opened = b"".join(struct.pack("<i", size) + b"\3a\0" for size in reversed(sizes[1:]))
    return opened + b"\5\0\0\0\0" + b"\0" * depth


def test_a_command_is_its_body_with_its_sequences() -> None:
    command = read(*message(body(insert="c"), sequence("documents", {"_id": 1}, {"_id": 2})))
    assert command.body == {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]}
    assert (command.name, command.request, command.quiet) == ("insert", 7, False)
    assert read(*message(body(ping=1), flags=wire.MORE_TO_COME)).quiet


@pytest.mark.parametrize("length", [-1, 0, 15, 16, 48_000_001, 64 * 1024 * 1024, 2**31 - 1])
def test_a_length_that_no_message_has_is_refused_before_anything_is_read(length: int) -> None:
    with pytest.raises(wire.Garbled, match=f"{length} bytes"):
        wire.read_header(struct.pack("<iiii", length, 1, 0, wire.OP_MSG))


def test_an_operation_that_is_not_known_is_refused() -> None:
    with pytest.raises(wire.Garbled, match="2012"):
        wire.read_header(struct.pack("<iiii", 100, 1, 0, 2012))


@pytest.mark.parametrize(
    "sections",
    [
        (),
        (b"",),
        (b"\0",),
        (b"\0\5\0",),
        (b"\0" + struct.pack("<i", 50) + b"abc",),
        (b"\0" + struct.pack("<i", -5) + b"abc",),
        (body(ping=1), b"\1" + struct.pack("<i", 3)),
        (body(ping=1), b"\1" + struct.pack("<i", 8) + b"abcd"),
        (body(ping=1), b"\1" + struct.pack("<i", 10) + b"a\0" + struct.pack("<i", 99)),
        (body(ping=1), b"\7" + struct.pack("<i", 5) + b"a"),
        (body(ping=1), body(ping=1)),
        (sequence("documents", {"_id": 1}),),
    ],
)
def test_sections_that_do_not_fit_end_the_connection_with_a_sentence(
    sections: tuple[bytes, ...],
) -> None:
    with pytest.raises(wire.Garbled) as told:
        read(*message(*sections))
    assert len(str(told.value)) > 20


def test_a_checksum_is_looked_at_and_a_flag_without_one_is_refused() -> None:
    header, payload = message(body(ping=1), flags=wire.CHECKSUM_PRESENT, checksum=b"\0\0\0\0")
    whole = wire.HEADER.pack(*header) + payload
    right = struct.pack("<I", crc32c.crc32c(whole[:-4]))
    assert read(header, payload[:-4] + right).body == {"ping": 1}
    for wrong in (payload, payload[:-4]):
        header = header._replace(length=16 + len(wrong))
        with pytest.raises(wire.Garbled):
            read(header, wrong)
    with pytest.raises(wire.Garbled, match="0x8"):
        read(*message(body(ping=1), flags=8))


@pytest.mark.parametrize("depth", [201, 1000, 100_000])
def test_a_document_that_nests_too_deep_is_refused_with_mongodbs_code(depth: int) -> None:
    with pytest.raises(Problem) as told:
        read(*message(b"\0" + nested(depth)))
    assert told.value.code == 15
    assert read(*message(b"\0" + nested(199))).name == "a"


def test_what_is_no_bson_is_refused_with_mongodbs_code() -> None:
    with pytest.raises(Problem) as told:
        read(*message(b"\0" + struct.pack("<i", 9) + b"\x7fa\0\1\0"))
    assert told.value.code == 22


def test_a_command_that_is_not_known_is_answered_as_by_mongodb() -> None:
    shell = Shell()
    reply = shell(nonsense=1)
    assert (reply["ok"], reply["code"], reply["codeName"]) == (0.0, 59, "CommandNotFound")
    assert reply["errmsg"] == "no such command: 'nonsense'"
    assert shell()["code"] == 59
    assert shell(legacy=True, find="c")["code"] == 352
    assert shell(legacy=True, isMaster=1)["msg"] == "isdbgrid"


@pytest.mark.parametrize(
    "command",
    [
        {"find": 7},
        {"find": "a\0b"},
        {"find": "c", "filter": {"$nonsense": 1}},
        {"find": "c", "filter": 3},
        {"find": "c", "limit": "many"},
        {"insert": "c", "documents": 3},
        {"update": "c", "updates": [{"u": {}}]},
        {"getMore": 999, "collection": "c"},
        {"shardCollection": "shop.c", "key": {"name": 1}},
        {"split": "shop.c", "middle": 3},
        {"moveChunk": "shop.c", "find": {"_id": 1}, "to": "n9"},
        {"aggregate": "c", "pipeline": [{"$nonsense": {}}]},
        {"aggregate": 1, "pipeline": []},
    ],
)
def test_a_command_that_makes_no_sense_is_answered_with_a_code_and_a_sentence(
    command: dict[str, Any],
) -> None:
    shell = Shell()
    shell(insert="c", documents=[{"_id": 1}])
    reply = shell(**command)
    assert reply["ok"] == 0.0, reply
    assert reply["code"]
    assert "Traceback" not in reply["errmsg"]


def test_writes_that_fail_are_told_of_one_by_one() -> None:
    shell = Shell()
    several = [{"_id": 1}, {"_id": 2.5}, {"_id": 2}]
    reply = shell(insert="c", documents=several)
    assert (reply["n"], [each["code"] for each in reply["writeErrors"]]) == (1, [2])
    reply = shell(insert="c", documents=several, ordered=False)
    assert (reply["n"], [each["code"] for each in reply["writeErrors"]]) == (1, [11000, 2])
    large = [{"_id": 5, "text": "x" * 2**20}]
    assert shell(insert="c", documents=large)["writeErrors"][0]["code"] == 10334
    wrong = [{"q": {"_id": 1}, "u": {"$set": {"_id": 3}}}]
    assert shell(update="c", updates=wrong)["writeErrors"][0]["code"] in (2, 66)
    assert shell(count="c")["n"] == 2


def test_documents_are_found_updated_and_deleted_over_several_shards() -> None:
    shell = Shell()
    shell(insert="c", documents=[{"_id": n, "n": n % 3} for n in range(20)])
    shell(insert="d", documents=[{"_id": "other"}])
    assert shell(database="admin", split="shop.c", middle={"_id": 10})["ok"] == 1.0
    assert shell(database="admin", moveChunk="shop.c", find={"_id": 15}, to="n2")["ok"] == 1.0
    chunks = shell(database="config", find="chunks")["cursor"]["firstBatch"]
    chunks = [each for each in chunks if each["ns"] == "shop.c"]
    assert [(each["shard"], each["min"]["_id"]) for each in chunks[1:]] == [("n2", 10)]
    shards = shell(database="config", aggregate="shards", pipeline=[{"$match": {"_id": "n2"}}])
    assert [each["host"] for each in shards["cursor"]["firstBatch"]] == ["n2"]
    assert shell(database="config", insert="shards", documents=[{"_id": "n9"}])["code"] == 115
    found = shell(find="c", filter={"_id": {"$gte": 8}}, limit=4)["cursor"]["firstBatch"]
    assert [each["_id"] for each in found] == [8, 9, 10, 11]
    reply = shell(update="c", updates=[{"q": {"n": 1}, "u": {"$inc": {"n": 5}}, "multi": True}])
    assert (reply["n"], reply["nModified"]) == (7, 7)
    reply = shell(update="c", updates=[{"q": {"_id": 99}, "u": {"$set": {"n": 9}}, "upsert": True}])
    assert reply["upserted"] == [{"index": 0, "_id": 99}]
    assert shell(delete="c", deletes=[{"q": {"n": 6}, "limit": 0}])["n"] == 7
    assert shell(delete="c", deletes=[{"q": {}, "limit": 1}])["n"] == 1
    assert shell(count="c", query={})["n"] == 13
    assert sorted(shell(distinct="c", key="n")["values"]) == [0, 2, 9]
    assert [each["name"] for each in shell(listDatabases=1)["databases"]] == ["shop"]
    named = shell(listCollections=1)["cursor"]["firstBatch"]
    assert [each["name"] for each in named] == ["c", "d"]
    shell(drop="c")
    assert shell(count="c")["n"] == 0
    assert shell(count="d")["n"] == 1


def test_a_cursor_gives_the_rest_in_batches_and_ends() -> None:
    shell = Shell()
    shell(insert="c", documents=[{"_id": n} for n in range(7)])
    cursor = shell(find="c", batchSize=3)["cursor"]
    shown, number = cursor["firstBatch"], cursor["id"]
    while number:
        cursor = shell(getMore=number, collection="c", batchSize=3)["cursor"]
        shown, number = shown + cursor["nextBatch"], cursor["id"]
    assert [each["_id"] for each in shown] == list(range(7))
    number = shell(find="c", batchSize=3)["cursor"]["id"]
    assert shell(killCursors="c", cursors=[number])["cursorsKilled"] == [number]
    assert shell(getMore=number, collection="c")["code"] == 43
    assert shell(find="c", batchSize=3, singleBatch=True)["cursor"]["id"] == 0


def test_a_batch_has_at_most_as_many_bytes_as_in_mongodb() -> None:
    found = [{"_id": n, "text": "x" * 990_000} for n in range(40)]
    cursors = Cursors()
    batch = cursors.first("a.b", found, 40, one_batch=False)["cursor"]
    assert len(batch["firstBatch"]) == 16
    rest = cursors.more(int(batch["id"]), None)["cursor"]
    assert len(rest["nextBatch"]) == 16
    last = cursors.more(int(rest["id"]), 1000)["cursor"]
    assert (len(last["nextBatch"]), last["id"]) == (8, 0)
    small = [{"_id": n} for n in range(5_000)]
    assert len(cursors.first("a.b", small, 5_000, one_batch=False)["cursor"]["firstBatch"]) == 5_000


def test_keys_are_in_the_order_of_mongodb() -> None:
    ids = [-(2**63), -5, 0, 7, 10, 2**62, "", "10", "7", "a", "ab", "b", bson.ObjectId("0" * 24)]
    keys = [key_of("shop.c", id) for id in ids]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(ids)
    assert key_of("shop.c", 7.0) == key_of("shop.c", 7)
    refused: list[Any] = [None, True, 2.5, {}, b"x", 2**63]
    for id in refused:
        with pytest.raises(Problem):
            key_of("shop.c", id)


def test_a_reply_is_read_by_the_client_as_it_was_written() -> None:
    command = read(*message(body(ping=1)))
    for legacy, operation in ((False, wire.OP_MSG), (True, wire.OP_REPLY)):
        data = wire.write_reply(command._replace(legacy=legacy), {"ok": 1.0}, 3)
        length, number, answers, code = wire.HEADER.unpack(data[:16])
        assert (length, number, answers, code) == (len(data), 3, 7, operation)
        assert data.endswith(bson.encode({"ok": 1.0}))
