"""A live cluster whose members talk UDP: the same nodes, the same faults, the same trace."""

import socket
from collections import Counter
from pathlib import Path

from common.runtime.cluster import Cluster
from common.runtime.datagrams import KINDS, Seal
from common.runtime.handshake import Identity
from common.runtime.spec import ClusterSpec
from common.trace.format import Trace
from common.values.history import Ok
from common.values.units import MS
from stage1_foundations.echo.node import Caller, Echo, Say
from tests.support.live import eventually, live
from tests.support.live_nodes import Flood, Flooder


def flooders(directory: Path) -> ClusterSpec:
    """Two nodes that flood each other with datagrams."""
    return ClusterSpec(
        lab="flood", node=Flooder, members=("n1", "n2"), directory=directory, transport="udp"
    )


async def fields(cluster: Cluster, id: str) -> dict[str, int]:
    """What a node's status() says, and its counters."""
    status = await cluster.members[id].status()
    return {} if status is None else {**status.counters, **status.fields}


async def flood(cluster: Cluster, count: int, to_come: int | None = None) -> int:
    """Flood n2 from n1, and wait until so many have come; returns how many came."""
    before = (await fields(cluster, "n2")).get("received", 0)
    assert await cluster.invoke("n1", Flood("n2", count)) == Ok(count)

    async def enough() -> bool:
        came = (await fields(cluster, "n2")).get("received", 0) - before
        return came >= (count if to_come is None else to_come)

    await eventually(enough)
    return (await fields(cluster, "n2"))["received"] - before


def kinds(trace: Trace, node: str) -> Counter[str]:
    """How many events of each kind a node has in the trace."""
    return Counter(event["kind"] for event in trace.events if event.get("node") == node)


@live
async def test_messages_between_members_travel_as_datagrams_and_the_trace_joins_them(
    tmp_path: Path,
) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        assert await flood(cluster, 100) == 100
        told = await fields(cluster, "n2")
        assert (told["connections_refused"], told["datagrams_forged"]) == (0, 0)
    trace = cluster.collect_trace(tmp_path / "trace.jsonl")
    sent = {event["msg"] for event in trace.events if event["kind"] == "send"}
    came = {event["msg"] for event in trace.events if event["kind"] == "recv"}
    assert len(sent) == 100
    assert came == sent


@live
async def test_clients_go_on_talking_to_members_by_connections(tmp_path: Path) -> None:
    spec = ClusterSpec(
        lab="echo", node=Echo, members=("n1", "n2"), directory=tmp_path, transport="udp"
    )
    async with Cluster(spec) as cluster:
        client = cluster.client(Caller, "c1")
        assert await client.call(Say("hello")) == Ok("hello")
        large = "x" * 100_000  # what no datagram carries
        assert await client.call(Say(large)) == Ok(large)


@live
async def test_links_lose_double_and_cut_datagrams_as_they_do_frames(tmp_path: Path) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        await cluster.link("n1", "n2", loss=0.5)
        assert 50 < await flood(cluster, 200, to_come=50) < 150
        await cluster.link("n1", "n2", loss=0.0, duplicate=1.0)
        assert await flood(cluster, 100, to_come=200) == 200
        await cluster.link("n1", "n2", duplicate=0.0, latency=(20 * MS, 20 * MS))
        assert await flood(cluster, 10) == 10
        await cluster.partition(("n1",), ("n2",))
        assert await flood(cluster, 10, to_come=0) == 0
        await cluster.heal()
        assert await flood(cluster, 10) == 10
    dropped = kinds(cluster.collect_trace(tmp_path / "trace.jsonl"), "n1")["drop"]
    assert 60 < dropped < 160


@live
async def test_a_stopped_member_takes_what_came_meanwhile_and_a_killed_one_does_not(
    tmp_path: Path,
) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        await cluster.pause("n2")
        assert await cluster.invoke("n1", Flood("n2", 20)) == Ok(20)
        await cluster.resume("n2")

        async def all_came() -> bool:
            return (await fields(cluster, "n2")).get("received") == 20

        await eventually(all_came)
        await cluster.kill("n2")
        assert await cluster.invoke("n1", Flood("n2", 20)) == Ok(20)
        await cluster.restart("n2")  # at another port: n1 is told
        assert await flood(cluster, 5) == 5
        assert not cluster.failures


@live
async def test_a_message_larger_than_a_datagram_ends_its_node_with_one_sentence(
    tmp_path: Path,
) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        await cluster.invoke("n1", Flood("n2", 1, 2_000), timeout=500 * MS)
        await eventually(lambda: "n1" in cluster.failures)
        sentence = str(cluster.failures["n1"])
    assert sentence.startswith("n1 sends n2 a Drop that takes 2")
    assert "more than the 1400 that a datagram may carry" in sentence
    assert "Traceback" not in (tmp_path / "n1" / "node.log").read_text()


@live
async def test_bad_datagrams_are_counted_and_named_and_the_member_goes_on(tmp_path: Path) -> None:
    async with Cluster(flooders(tmp_path)) as cluster:
        stranger = Identity("another cluster", "n1", b"another secret")
        sealed = Seal(stranger).seal("n2", bytes(20))
        ours = Seal(Identity(cluster._name, "n1", b"another secret")).seal("n2", bytes(20))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for bad in (b"GET /", sealed[:-1], sealed + b"x", bytes(2_000), sealed, ours):
                for _ in range(10):
                    sender.sendto(bad, ("127.0.0.1", cluster.members["n2"].port))

        async def all_came() -> bool:
            told = await fields(cluster, "n2")
            return [told.get(f"datagrams_{kind}") for kind in KINDS] == [20, 10, 10, 10, 10, 0]

        await eventually(all_came)
        assert await flood(cluster, 5) == 5
        assert not cluster.failures
    log = (tmp_path / "n2" / "node.log").read_text()
    assert log.count("refused a datagram from 127.0.0.1:") == 5, "one sentence for each kind"
    assert "Traceback" not in log
