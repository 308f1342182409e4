"""Raft as processes on TCP: the leader is killed with SIGKILL again and again, then everybody."""

import asyncio
from pathlib import Path
from random import Random

from common.check.verdict import Answer
from common.contract.registers import Append, Get
from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.spec import ClusterSpec
from common.values.history import Ok
from stage4_consensus.raft.checks import linearizable, some_change_or_query
from stage4_consensus.raft.registers import RaftRegisters, RegistersClient
from tests.support.live import live

MEMBERS = ("n1", "n2", "n3")
PATIENCE_SECONDS = 10.0


def cluster(directory: Path) -> Cluster:
    return Cluster(
        ClusterSpec(
            lab="raft",
            node=RaftRegisters,
            members=MEMBERS,
            directory=directory,
            config={"snapshot_every": 50},
            trace=False,
        )
    )


async def leader_of(running: Cluster, without: str = "") -> str:
    """Wait until somebody leads, and say who; of two the one with the later term."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            statuses = await running.status()
            leading = {
                int(status.fields["term"]): id
                for id, status in statuses.items()
                if status is not None and status.fields.get("role") == "leader" and id != without
            }
            if leading:
                return leading[max(leading)]
            await asyncio.sleep(0.02)


@live
async def test_what_was_acknowledged_outlives_every_leader(tmp_path: Path) -> None:
    async with cluster(tmp_path) as running:
        one = running.client(RegistersClient, "c1")
        two = running.client(RegistersClient, "c2")
        busy = asyncio.create_task(keep_asking(two))
        acknowledged = ""
        for number in range(3):
            text = f"{number};"
            assert await one.call(Append("kept", text)) == Ok()
            acknowledged += text
            leader = await leader_of(running)
            await running.kill(leader)
            assert await one.call(Get("kept")) == Ok(acknowledged)
            await running.restart(leader)
        await asyncio.gather(*(running.kill(id) for id in MEMBERS))
        await asyncio.gather(*(running.restart(id) for id in MEMBERS))
        assert await one.call(Get("kept")) == Ok(acknowledged)
        busy.cancel()
        verdict = linearizable(running.history)
        assert verdict.answer is Answer.YES, verdict.sentence


async def keep_asking(client: Client) -> None:
    random = Random(1)
    for number in range(1000):
        await client.call(some_change_or_query(random, client.id, number))
