"""Subnodes that are made and dropped in processes on TCP; what is left of them after SIGKILL."""

from pathlib import Path

from common.runtime.cluster import Cluster
from common.runtime.spec import ClusterSpec
from common.values.history import Ok
from tests.common.subnode_nodes import Begin, Drop, House, Make
from tests.support.live import live

MEMBERS = ("n1", "n2")


def cluster(directory: Path) -> Cluster:
    return Cluster(ClusterSpec(lab="house", node=House, members=MEMBERS, directory=directory))


@live
async def test_a_subnode_moves_away_and_home_again_and_goes_on_where_it_was(tmp_path: Path) -> None:
    async with cluster(tmp_path) as running:
        for id in MEMBERS:
            assert await running.invoke(id, Make("b")) == Ok()
        assert await running.invoke("n1", Begin("b")) == Ok(1)
        assert await running.invoke("n1", Drop("b", forget=False)) == Ok()
        assert await running.invoke("n1", Make("b")) == Ok()
        assert await running.invoke("n1", Begin("b")) == Ok(2), "its number was kept"
        assert await running.invoke("n1", Drop("b", forget=True)) == Ok()
        assert await running.invoke("n1", Make("b")) == Ok()
        assert await running.invoke("n1", Begin("b")) == Ok(1), "and now it was forgotten"


@live
async def test_what_was_there_at_a_sigkill_is_there_again_and_nothing_else(tmp_path: Path) -> None:
    async with cluster(tmp_path) as running:
        for id in MEMBERS:
            for name in ("b", "c", "d"):
                assert await running.invoke(id, Make(name)) == Ok()
        for name in ("home", "b", "c", "c", "d"):
            assert isinstance(await running.invoke("n1", Begin(name)), Ok)
        assert await running.invoke("n1", Drop("b", forget=False)) == Ok()
        assert await running.invoke("n1", Drop("d", forget=True)) == Ok()
        await running.kill("n1")
        await running.restart("n1")
        status = (await running.status())["n1"]
        assert status is not None
        numbers = {name: told for name, told in status.fields.items() if name.endswith("/number")}
        assert numbers == {"home/number": 1, "c/number": 2}
        assert await running.invoke("n1", Make("b")) == Ok()
        assert await running.invoke("n1", Make("d")) == Ok()
        assert await running.invoke("n1", Begin("b")) == Ok(2)
        assert await running.invoke("n1", Begin("d")) == Ok(1)
        assert not running.failures


@live
async def test_a_message_to_a_subnode_that_is_not_there_is_noted_and_harms_nobody(
    tmp_path: Path,
) -> None:
    running = cluster(tmp_path)
    async with running:
        assert await running.invoke("n1", Make("b")) == Ok()
        asked = await running.invoke("n1", Begin("b"), timeout=200_000)
        assert not isinstance(asked, Ok), "n2 has no such subnode"
        assert await running.invoke("n2", Begin("home")) == Ok(1)
        assert not running.failures
    trace = running.collect_trace(tmp_path / "trace.jsonl")
    notes = [event["text"] for event in trace.events if event["kind"] == "note"]
    assert "there is no subnode b for Ping(number=1) from n1" in notes
    assert "b: pings again" in notes
