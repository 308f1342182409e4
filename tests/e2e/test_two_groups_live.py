"""Two Raft groups in each of three processes on TCP: servers are killed, both groups go on."""

import asyncio
from pathlib import Path
from random import Random

from common.check.verdict import Answer
from common.contract import registers
from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.spec import ClusterSpec
from common.values.history import Ok
from stage5_fault_tolerance.raftkv import commands
from tests.support.live import eventually, live
from tests.support.two_groups import (
    OF_STORE,
    TwoGroups,
    TwoGroupsClient,
    some_operation,
    verdicts,
)

MEMBERS = ("n1", "n2", "n3")
GROUPS = ("registers", "store")
KEPT = f"{OF_STORE}kept"


def cluster(directory: Path) -> Cluster:
    return Cluster(
        ClusterSpec(
            lab="two-groups",
            node=TwoGroups,
            members=MEMBERS,
            directory=directory,
            config={"snapshot_every": 50},
        )
    )


async def leader_of(running: Cluster, group: str) -> str:
    """Wait until somebody leads the group, and say who; of two the one with the later term."""
    leading: dict[int, str] = {}

    async def somebody_leads() -> bool:
        for id, status in (await running.status()).items():
            if status is not None and status.fields.get(f"{group}/role") == "leader":
                leading[int(status.fields[f"{group}/term"])] = id
        return bool(leading)

    await eventually(somebody_leads)
    return leading[max(leading)]


async def keep_asking(client: Client) -> None:
    random = Random(client.id)
    for number in range(10_000):
        await client.call(some_operation(random, client.id, number))


@live
async def test_what_either_group_acknowledged_outlives_every_leader_of_both(tmp_path: Path) -> None:
    async with cluster(tmp_path) as running:
        one = running.client(TwoGroupsClient, "c1")
        others = [running.client(TwoGroupsClient, id) for id in ("c2", "c3")]
        busy = [asyncio.create_task(keep_asking(client)) for client in others]
        acknowledged = ""
        for number, group in enumerate((*GROUPS, *GROUPS)):
            text = f"{number};"
            assert await one.call(registers.Append("kept", text)) == Ok()
            assert isinstance(await one.call(commands.Append(KEPT, text)), Ok)
            acknowledged += text
            leader = await leader_of(running, group)
            await running.kill(leader)
            assert await one.call(registers.Get("kept")) == Ok(acknowledged)
            assert await one.call(commands.Get(KEPT)) == Ok(acknowledged)
            await running.restart(leader)
        await asyncio.gather(*(running.kill(id) for id in MEMBERS))
        await asyncio.gather(*(running.restart(id) for id in MEMBERS))
        assert await one.call(registers.Get("kept")) == Ok(acknowledged)
        assert await one.call(commands.Get(KEPT)) == Ok(acknowledged)
        for task in busy:
            task.cancel()
        for verdict in verdicts(running.history):
            assert verdict.answer is Answer.YES, verdict.sentence
        assert not running.failures


@live
async def test_the_status_and_the_trace_of_a_process_tell_its_groups_apart(tmp_path: Path) -> None:
    running = cluster(tmp_path)
    async with running:
        client = running.client(TwoGroupsClient, "c1")
        assert await client.call(registers.Put("x", "1")) == Ok()
        assert isinstance(await client.call(commands.Put(f"{OF_STORE}x", "1")), Ok)
        for group in GROUPS:
            assert await leader_of(running, group) in MEMBERS
    trace = running.collect_trace(tmp_path / "trace.jsonl")
    types = {event["type"] for event in trace.events if event["kind"] in ("send", "recv")}
    assert {f"{group}/AppendEntries" for group in GROUPS} <= types
    assert {f"{group}/CommandRequest" for group in GROUPS} <= types
