"""The store on Raft as processes on TCP: transactions, and SIGKILL for the leader and for all."""

import asyncio
from pathlib import Path
from random import Random

from common.check.verdict import Answer
from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.spec import ClusterSpec
from common.values.history import Failed, Ok
from stage5_fault_tolerance.raftkv.checks import linearizable, some_command
from stage5_fault_tolerance.raftkv.client import KeyValueClient
from stage5_fault_tolerance.raftkv.commands import (
    Append,
    Compare,
    Delete,
    Item,
    Put,
    Range,
    RangeResult,
    Transaction,
    TransactionResult,
)
from stage5_fault_tolerance.raftkv.server import RaftKeyValue
from tests.e2e.test_raft_live import leader_of
from tests.support.live import live

MEMBERS = ("n1", "n2", "n3")


def cluster(directory: Path) -> Cluster:
    return Cluster(
        ClusterSpec(
            lab="raftkv",
            node=RaftKeyValue,
            members=MEMBERS,
            directory=directory,
            config={"snapshot_every": 6, "piece_parts": 3},
            trace=False,
        )
    )


@live
async def test_every_command_and_its_result_cross_the_wire_and_the_disk(tmp_path: Path) -> None:
    async with cluster(tmp_path) as running:
        client = running.client(KeyValueClient, "c1")
        assert await client.call(Put("a", "1")) == Ok(1)
        steps = (Append("a", "2"), Put("b", "3"), Delete("c"), Range("a", None, 1))
        first = Transaction((Compare("a", "value", "<", "2"),), steps)
        item = Item("a", "12", 1, 2, 2)
        results = (2, 2, False, RangeResult((item,), 2, 2))
        assert await client.call(first) == Ok(TransactionResult(True, results, 2))
        second = Transaction((Compare("b", "version", "=", 0),), (), (Delete("b"),))
        assert await client.call(second) == Ok(TransactionResult(False, (True,), 3))
        refused = await client.call(Transaction((Compare("b", "version", "=", "0"),)))
        assert isinstance(refused, Failed)
        for number in range(4, 9):
            assert await client.call(Put("d", str(number))) == Ok(number)
        await asyncio.gather(*(running.kill(id) for id in MEMBERS))
        await asyncio.gather(*(running.restart(id) for id in MEMBERS))
        held = RangeResult((item, Item("d", "8", 4, 8, 5)), 2, 8)
        assert await client.call(Range("")) == Ok(held), "from a snapshot and the rest of the log"


@live
async def test_what_the_store_acknowledged_outlives_every_leader(tmp_path: Path) -> None:
    async with cluster(tmp_path) as running:
        one = running.client(KeyValueClient, "c1")
        busy = asyncio.create_task(keep_asking(running.client(KeyValueClient, "c2")))
        acknowledged = ""
        for number in range(3):
            asked = asyncio.create_task(one.call(Append("kept", f"{number};")))
            leader = await leader_of(running)
            await running.kill(leader)
            assert isinstance(await asked, Ok)
            acknowledged += f"{number};"
            await running.restart(leader)
        await asyncio.gather(*(running.kill(id) for id in MEMBERS))
        await asyncio.gather(*(running.restart(id) for id in MEMBERS))
        told = await one.call(Range("kept", "keptx"))
        assert isinstance(told, Ok)
        assert isinstance(told.value, RangeResult)
        assert [item.value for item in told.value.items] == [acknowledged]
        busy.cancel()
        verdict = linearizable(running.history)
        assert verdict.answer is Answer.YES, verdict.sentence


async def keep_asking(client: Client) -> None:
    random = Random(1)
    for number in range(1000):
        await client.call(some_command(random, client.id, number))
