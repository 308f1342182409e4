"""Live clusters: processes on loopback, with faults on their links and signals to them."""

import asyncio
import time
from pathlib import Path

import pytest

from common.runtime.cluster import Cluster
from common.runtime.spec import ClusterSpec
from common.values import faults
from common.values.errors import BadInput
from common.values.faults import Schedule
from common.values.history import Ok, Unknown
from common.values.units import MS, SECOND
from stage1_foundations.echo.node import Caller, Echo, Say
from tests.support.live import eventually, live
from tests.support.live_nodes import Asker, Counter, Flood, Flooder, Increment


def echo(directory: Path, count: int = 1) -> ClusterSpec:
    """A cluster of echo nodes."""
    members = tuple(f"n{number}" for number in range(1, count + 1))
    return ClusterSpec(lab="echo", node=Echo, members=members, directory=directory)


def flooders(directory: Path) -> ClusterSpec:
    """Two nodes that flood each other."""
    return ClusterSpec(lab="flood", node=Flooder, members=("n1", "n2"), directory=directory)


async def fields(cluster: Cluster, id: str) -> dict[str, int]:
    """What a node's status() says, and its counters."""
    status = await cluster.members[id].status()
    return {} if status is None else {**status.counters, **status.fields}


async def flood(cluster: Cluster, count: int, size: int = 0) -> tuple[dict[str, int], int]:
    """Flood n2 from n1; returns n2's fields once all has arrived, and how many were dropped."""
    before = await fields(cluster, "n1")
    begun = (await fields(cluster, "n2"))["received"]
    assert await cluster.invoke("n1", Flood("n2", count, size)) == Ok(count)
    after = await fields(cluster, "n1")
    dropped = after["messages_dropped"] - before["messages_dropped"]

    async def all_here() -> bool:
        return (await fields(cluster, "n2"))["received"] >= begun + count - dropped

    await eventually(all_here)
    return await fields(cluster, "n2"), dropped


@live
async def test_a_cluster_echoes_and_its_history_and_trace_say_so(tmp_path: Path) -> None:
    async with Cluster(echo(tmp_path, 2)) as cluster:
        client = cluster.client(Caller, "c1")
        assert await client.call(Say("hello")) == Ok("hello")
    trace = cluster.collect_trace(tmp_path / "trace.jsonl")
    (operation,) = cluster.history
    assert (operation.process, operation.function, operation.argument) == ("c1", "say", "hello")
    assert operation.outcome == Ok("hello")
    assert operation.returned_at is not None
    assert operation.invoked_at < operation.returned_at
    assert trace.meta.clients == ("c1",)
    kinds = [(event["kind"], event["node"]) for event in trace.events]
    for kind, node in (("send", "c1"), ("recv", "n1"), ("send", "n1"), ("recv", "c1")):
        kinds = kinds[kinds.index((kind, node)) :]
    assert (tmp_path / "trace.jsonl").read_text().startswith('{"kind":"meta"')


@live
async def test_a_node_that_was_killed_and_started_again_is_reached_again(tmp_path: Path) -> None:
    async with Cluster(echo(tmp_path)) as cluster:
        client = cluster.client(Caller, "c1")
        assert await client.call(Say("1")) == Ok("1")
        await cluster.kill("n1")
        assert await cluster.members["n1"].status() is None
        outcome = await client.call(Say("2"), timeout=200 * MS)
        assert isinstance(outcome, Unknown)
        await cluster.restart("n1")
        assert await client.call(Say("3")) == Ok("3")
        assert not cluster.failures


@live
async def test_a_stopped_node_leaves_its_client_in_the_dark_until_it_goes_on(
    tmp_path: Path,
) -> None:
    async with Cluster(echo(tmp_path)) as cluster:
        client = cluster.client(Caller, "c1", attempts=1, ask_again_after=30 * SECOND)
        assert await client.call(Say("1")) == Ok("1")
        await cluster.pause("n1")
        outcome = await client.call(Say("2"), timeout=200 * MS)
        assert outcome == Unknown("no answer within 200 ms")
        await cluster.resume("n1")
        assert await client.call(Say("3")) == Ok("3")
        received = (await fields(cluster, "n1"))["messages_received"]
        assert received == 3  # the second question came late, but it came


@live
async def test_a_partition_cuts_clients_off_too_and_healing_brings_them_back(
    tmp_path: Path,
) -> None:
    async with Cluster(echo(tmp_path, 2)) as cluster:
        near = cluster.client(Caller, "c1", servers=["n1"])
        far = cluster.client(Caller, "c2", servers=["n2"])
        await cluster.partition(("n1", "c1", "c2"), ("n2",))
        assert await near.call(Say("near")) == Ok("near")
        outcome = await far.call(Say("far"), timeout=200 * MS)
        assert isinstance(outcome, Unknown)
        late = cluster.client(Caller, "c3", servers=["n1"])  # in no group, so alone
        outcome = await late.call(Say("late"), timeout=100 * MS)
        assert isinstance(outcome, Unknown)
        await cluster.heal()
        assert await far.call(Say("healed")) == Ok("healed")


@live
async def test_loss_duplication_and_reordering_are_measured_as_set(tmp_path: Path) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        clean, dropped = await flood(cluster, 2_000)
        assert (clean["received"], clean["overtaken"], dropped) == (2_000, 0, 0)
        await cluster.link("n1", "n2", loss=0.3)
        _, dropped = await flood(cluster, 2_000)
        assert 500 < dropped < 700
        await cluster.link("n1", "n2", loss=0.0, duplicate=0.5)
        before = (await fields(cluster, "n2"))["received"]
        assert await cluster.invoke("n1", Flood("n2", 2_000)) == Ok(2_000)

        async def doubled() -> bool:
            return (await fields(cluster, "n2"))["received"] > before + 2_850

        await eventually(doubled)
        assert (await fields(cluster, "n2"))["received"] < before + 3_150
        await cluster.link("n1", "n2", duplicate=0.0, reorder=0.2)
        mixed, _ = await flood(cluster, 1_000)
        assert mixed["overtaken"] > 100


@live
async def test_a_one_way_block_loses_one_way_only(tmp_path: Path) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        await cluster.block("n1", "n2")
        _, dropped = await flood(cluster, 100)
        assert dropped == 100
        assert await cluster.invoke("n2", Flood("n1", 100)) == Ok(100)

        async def arrived() -> bool:
            return (await fields(cluster, "n1"))["received"] == 100

        await eventually(arrived)


@live
async def test_latency_and_bandwidth_take_their_time(tmp_path: Path) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        await cluster.link("n1", "n2", latency=(100 * MS, 100 * MS))
        begun = time.monotonic()
        await flood(cluster, 1)
        assert time.monotonic() - begun >= 0.1
        await cluster.link("n1", "n2", latency=(0, 0), bandwidth=100_000)
        begun = time.monotonic()
        _, dropped = await flood(cluster, 20, 1_000)
        assert dropped == 0
        assert time.monotonic() - begun >= 0.2


@live
async def test_a_stopped_peer_costs_the_flooder_a_bounded_queue_and_it_lives(
    tmp_path: Path,
) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        await flood(cluster, 1)
        await cluster.pause("n2")
        for _ in range(3):
            outcome = await cluster.invoke("n1", Flood("n2", 20_000, 1_000), 20 * SECOND)
            assert outcome == Ok(20_000)
        n1 = await fields(cluster, "n1")
        assert n1["frames_dropped"] > 30_000
        status = await cluster.members["n1"].status()
        assert status is not None
        assert status.queues["n2"] <= 10_000
        await cluster.resume("n2")

        async def arrived() -> bool:
            received = (await fields(cluster, "n2"))["received"]
            return received == 60_001 - n1["frames_dropped"]

        await eventually(arrived)


@live
async def test_a_schedule_drives_a_live_cluster(tmp_path: Path) -> None:
    schedule = Schedule.from_plain(
        [
            {"at": "0ms", "fault": "partition", "groups": [["n1"], ["c1"]]},
            {"at": "50ms", "fault": "heal"},
            {"at": "60ms", "fault": "crash", "node": "n1"},
            {"at": "70ms", "fault": "restart", "node": "n1"},
            {"at": "80ms", "fault": "clock", "node": "n1", "skew": "5s"},
            {"at": "90ms", "fault": "disk", "node": "n1", "latency": "1ms"},
        ]
    )
    async with Cluster(echo(tmp_path)) as cluster:
        client = cluster.client(Caller, "c1", attempts=100)
        await cluster.run_schedule(schedule)
        assert await client.call(Say("after")) == Ok("after")
    trace = cluster.collect_trace(tmp_path / "trace.jsonl")
    happened = [event["kind"] for event in trace.events]
    for kind in ("partition", "heal", "crash", "restart", "clock", "disk"):
        assert kind in happened


@live
async def test_a_schedule_that_names_an_unknown_node_does_nothing(tmp_path: Path) -> None:
    async with Cluster(echo(tmp_path)) as cluster:
        with pytest.raises(BadInput, match="names the node 'n9'"):
            await cluster.run_schedule(Schedule([faults.Heal(0), faults.Crash(1, "n9")]))
        with pytest.raises(BadInput, match="declares no behaviours"):
            await cluster.apply(faults.Corrupt(0, "n1", "liar"))
        with pytest.raises(BadInput, match="no live node runs twice"):
            await cluster.apply(faults.Twin(0, "n1", ((), ())))


@live
async def test_a_restarted_node_finds_the_faults_that_still_stand(tmp_path: Path) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        await cluster.partition(("n1",), ("n2",))
        await cluster.kill("n1")
        await cluster.restart("n1")
        _, dropped = await flood(cluster, 10)
        assert dropped == 10
        await cluster.heal()
        _, dropped = await flood(cluster, 10)
        assert dropped == 0


@live
async def test_concurrent_calls_share_flushes_of_the_disk(tmp_path: Path) -> None:
    spec = ClusterSpec(lab="count", node=Counter, members=("n1",), directory=tmp_path)
    async with Cluster(spec) as cluster:
        await cluster.apply(faults.Disk(0, "n1", 5 * MS))
        clients = [cluster.client(Asker, f"c{number}") for number in range(16)]

        async def many(number: int) -> list[object]:
            return [await clients[number].call(Increment()) for _ in range(20)]

        outcomes = await asyncio.gather(*(many(number) for number in range(16)))
        totals = sorted(outcome.value for each in outcomes for outcome in each)  # type: ignore[attr-defined]
        assert totals == list(range(1, 321))
        flushes = (await fields(cluster, "n1"))["flushes"]
        assert 20 <= flushes <= 80
