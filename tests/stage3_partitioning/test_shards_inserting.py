"""Rows of documents: how few messages they take, and that what is put is always their beginning."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("bson", reason="pymongo is missing: pip install -e '.[mongo]'")
pytest.importorskip("mongomock", reason="mongomock is missing: pip install -e '.[mongo]'")
pytest.importorskip("crc32c", reason="crc32c is missing: pip install -e '.[mongo]'")

from common.contract.events import NodeId, Receive, Start
from common.contract.observer import Observer
from common.course.suites.kit import ask, sent
from common.sim import LinkModel, Simulation
from common.values.faults import Crash, Fault, Restart, Schedule
from common.values.history import Ok, Outcome
from common.values.units import MS, SECOND
from stage3_partitioning.shards.documents import Documents
from stage3_partitioning.shards.front import wire
from stage3_partitioning.shards.front.facade import Commands
from stage3_partitioning.shards.front.store import Store
from stage3_partitioning.shards.messages import (
    Batch,
    Get,
    InsertAll,
    Inserted,
    InsertMany,
    Item,
    MoveChunk,
    MoveTo,
    Put,
    Request,
    Scan,
    Seen,
    SplitAt,
    Taken,
)
from stage3_partitioning.shards.server import Server

MEMBERS = ("n1", "n2", "n3")
ROUGH = LinkModel(latency=(1 * MS, 30 * MS), loss=0.05, duplicate=0.1, reorder=0.2)


class Counted(Observer):
    """Counts what is sent from one node to another."""

    count = 0
    pieces: tuple[int, ...] = ()

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """One more."""
        self.count += node != to
        if isinstance(message, Seen):
            self.pieces = (*self.pieces, len(message.documents))


class Shell:
    """Carries commands out at n1, in virtual time; and it is the door to n1 itself."""

    node = "n1"
    members = MEMBERS

    def __init__(self, **config: Any) -> None:
        self.counted = Counted()

        def made(id: NodeId, peers: tuple[NodeId, ...]) -> Server:
            return Server(id, peers, balance=False, **config)

        nodes = dict.fromkeys(MEMBERS, made)
        self.simulation = Simulation(nodes, seed=1, observers=[self.counted])
        door: Any = self
        self._commands = Commands(Store(door, hashed=False))

    async def ask(self, operation: object) -> Outcome:
        """What the router says."""
        asked = self.simulation.call("n1", operation)
        limit = self.simulation.now + 10 * SECOND
        assert self.simulation.run_until(lambda: asked.returned_at is not None, limit)
        return asked.outcome

    def __call__(self, **body: Any) -> dict[str, Any]:
        command = wire.Command({**body, "$db": body.get("$db", "shop")}, 1, False, False)
        return asyncio.run(self._commands.carry_out(command))

    def split_and_move(self, at: int, to: str) -> None:
        """Let the documents from ``at`` on be at a shard."""
        admin = {"$db": "admin"}
        assert self(split="shop.c", middle={"_id": at}, **admin)["ok"] == 1.0
        assert self(moveChunk="shop.c", find={"_id": at}, to=to, **admin)["ok"] == 1.0


def test_many_documents_take_few_messages() -> None:
    shell = Shell()
    shell(insert="c", documents=[{"_id": 0}])
    shell.split_and_move(500, "n2")
    shell.split_and_move(1500, "n3")
    before = shell.counted.count
    assert shell(insert="c", documents=[{"_id": n} for n in range(1, 2500)])["n"] == 2499
    assert shell.counted.count - before < 60, "each of them would be 2 messages, and a flush"
    found = shell(find="c", batchSize=3000)["cursor"]["firstBatch"]
    assert [each["_id"] for each in found] == list(range(2500))
    shards = shell(aggregate="shards", pipeline=[], **{"$db": "config"})
    assert len(shards["cursor"]["firstBatch"]) == 3


@pytest.mark.parametrize("at", [0, 1, 10, 29])
def test_in_order_nothing_is_put_behind_a_document_that_cannot_be(at: int) -> None:
    several = [{"_id": n, "new": True} for n in range(30)]
    for ordered, put in ((True, at), (False, 29)):
        shell = Shell()
        shell(insert="c", documents=[{"_id": 40}])
        shell.split_and_move(15, "n2")
        shell(insert="c", documents=[{"_id": at}])
        reply = shell(insert="c", documents=several, ordered=ordered)
        assert reply["n"] == put
        assert [(each["index"], each["code"]) for each in reply["writeErrors"]] == [(at, 11000)]
        found = shell(find="c", filter={"new": True}, batchSize=100)["cursor"]["firstBatch"]
        there = [each["_id"] for each in found]
        assert there == [n for n in range(30) if n != at and (n < at or not ordered)]


@pytest.mark.parametrize("seed", range(6))
def test_a_row_is_put_once_and_from_its_beginning_while_chunks_move_and_shards_crash(
    seed: int,
) -> None:
    faults: list[Fault] = [Crash(700 * MS, "n2"), Restart(900 * MS, "n2"), Crash(1500 * MS, "n1")]
    schedule = Schedule([*faults, Restart(1700 * MS, "n1")])
    nodes = dict.fromkeys(MEMBERS, Server)
    simulation = Simulation(nodes, seed=seed, link=ROUGH, schedule=schedule)
    rows = [
        tuple((f"k{n % 50:02}{n}", f"row {n // 8}") for n in range(at, at + 8))
        for at in range(0, 240, 8)
    ]
    asked = []
    for number, row in enumerate(rows):
        asked.append(simulation.call("n3", InsertMany(row)))
        if number % 6 == 0:
            simulation.call("n1", SplitAt(f"k{number:02}"))
            simulation.call("n1", MoveTo(f"k{number:02}", MEMBERS[number % 3]))
        simulation.run(simulation.now + 80 * MS)
    limit = simulation.now + 60 * SECOND
    assert simulation.run_until(lambda: all(each.returned_at is not None for each in asked), limit)
    done = 0
    for row, ended in zip(rows, asked, strict=True):
        there = []
        for key, value in row:
            found = ask(simulation, "n3", Get(key), 20 * SECOND).outcome
            assert found in (Ok(value), Ok(None))
            there.append(found == Ok(value))
        many = sum(there)
        assert there == [True] * many + [False] * (8 - many), "from the beginning, without a hole"
        if isinstance(ended.outcome, Ok):
            assert many == ended.outcome.value
            done += many
    assert done > 100, "and most are put"


def test_a_row_meets_what_is_there() -> None:
    shell = Shell()
    for operation, told in (
        (Put("b", "old"), Ok(True)),
        (InsertMany((("a", "1"), ("b", "2"), ("c", "3"))), Ok(1)),
        (InsertMany((("b", "2"),)), Ok(0)),
        (InsertMany(()), Ok(0)),
        (InsertMany((("c", "3"), ("d", "4"), ("c", "5"))), Ok(2)),
        (Get("b"), Ok("old")),
        (Get("c"), Ok("3")),
    ):
        assert asyncio.run(shell.ask(operation)) == told


def test_documents_of_a_range_are_those_that_a_look_at_all_would_find() -> None:
    documents, dumb = Documents(), dict[str, str]()
    for number in range(2000):
        place = f"{number * 7919 % 601:03}"
        if number % 3 == 2 and place in dumb:
            del documents[place], dumb[place]
        else:
            documents[place] = dumb[place] = str(number)
        low, high = sorted((f"{number % 613:03}", f"{number * 31 % 617:03}"))
        for begin, end in ((low, high), (high, low)):
            expected = sorted(each for each in dumb if begin <= each < end)
            assert documents.between(begin, end) == expected
            assert documents.between(begin, end, 3) == expected[:3]
            assert documents.count(begin, end) == len(expected)
    assert list(documents) == sorted(dumb)
    assert dict(documents) == dumb


class Untouched(Documents):
    """Documents that nobody may go through."""

    def __iter__(self) -> Any:
        raise AssertionError("somebody looks at all documents")


def test_a_shard_looks_at_no_more_documents_than_it_tells_of() -> None:
    shell = Shell()
    shell.simulation.run(1 * MS)
    server = shell.simulation.nodes["n1"]
    assert isinstance(server, Server)
    documents = Untouched()
    for number in range(3000):
        documents[f"shop.c\0{number:05}"] = "x"
    server.documents = documents
    shell.simulation.run(shell.simulation.now + 1 * SECOND)  # ticks
    assert server.status()["documents"] == 3000
    assert server.status()["orphans"] == 0
    assert len(server.table.chunks) > 2, "ticks have found what was too large"


def test_a_scan_of_very_many_documents_is_answered_piece_by_piece() -> None:
    shell = Shell()
    shell(insert="c", documents=[{"_id": n} for n in range(2000)])
    before = shell.counted.pieces
    found = asyncio.run(shell.ask(Scan("", "\U0010ffff")))
    assert isinstance(found, Ok)
    assert isinstance(found.value, tuple)
    assert len(found.value) == 2000
    pieces = shell.counted.pieces[len(before) :]
    assert sum(pieces) == 2000
    assert max(pieces) == 500


def test_the_table_stays_small_when_there_are_very_many_documents() -> None:
    shell = Shell(most_documents=2)
    shell(insert="c", documents=[{"_id": n} for n in range(2000)])
    shell.simulation.run(shell.simulation.now + 60 * SECOND)
    server: Any = shell.simulation.nodes["n1"]
    assert 32 <= len(server.table.chunks) < 100
    largest = max(server.documents.count(chunk.low, chunk.high) for chunk in server.table.chunks)
    assert largest <= 2000 // 32


def test_a_row_of_which_nothing_could_be_put_is_answered_alike_by_the_next_owner() -> None:
    shard = Server("n1", ("n2", "n3"), balance=False, batch=1)
    shard.step(Start(0, {}))
    for number, key in enumerate("ab", 1):
        put = Request(number, "c9/0", shard.version, Put(key, "here"))
        shard.step(Receive(1, "c9", put))
    (receive,) = sent(shard.step(Receive(2, "n1", MoveChunk(shard.table, "", "n2"))))
    migration = receive[1].table.version
    (first,) = sent(shard.step(Receive(3, "n2", Taken(migration, 0))))
    assert [item.place for item in first[1].items] == ["a"]
    row = InsertAll(7, "c1/0", shard.version, (("a", "new"), ("c", "new")))
    assert sent(shard.step(Receive(4, "c1", row))) == [("c1", Inserted(7, 0))]
    items: list[Item] = []
    for number in (1, 2):
        for _, message in sent(shard.step(Receive(5, "n2", Taken(migration, number)))):
            items += message.items if isinstance(message, Batch) else ()
    (again,) = (item for item in items if item.place == "a")
    assert [name for name, _ in again.sessions] == ["c1/0"], "a late copy puts nothing there, too"
