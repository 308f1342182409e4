"""A process that lies: what it sends is rewritten, in the way that its lab declares."""

from pathlib import Path

import pytest

from common.check.stories import Stories
from common.course.command import run
from common.runtime.cluster import Cluster
from common.runtime.spec import ClusterSpec
from common.values.errors import BadInput
from common.values.faults import Corrupt, Schedule
from common.values.history import Ok, Unknown
from common.values.units import MS
from stage1_foundations.echo.node import Caller, Echo, Say
from tests.support import lying_echo
from tests.support.live import eventually, live


def echo(directory: Path) -> ClusterSpec:
    """One echo server that may lie."""
    return ClusterSpec(
        lab="echo",
        node=Echo,
        members=("n1",),
        directory=directory,
        worlds=lying_echo.__name__,
    )


@live
async def test_a_process_lies_to_some_until_it_is_honest_again_and_the_trace_tells(
    tmp_path: Path,
) -> None:
    async with Cluster(echo(tmp_path)) as cluster:
        believing = cluster.client(Caller, "c1")
        lied_to = cluster.client(Caller, "c2")
        await cluster.apply(Corrupt(0, "n1", "mocks", ("c2",)))

        async def is_told(text: str) -> bool:
            return await lied_to.call(Say("hello")) == Ok(text)

        await eventually(lambda: is_told("n1 mocks hello"))
        assert await believing.call(Say("hello")) == Ok("hello")
        await cluster.kill("n1")
        await cluster.restart("n1")
        assert await lied_to.call(Say("again")) == Ok("n1 mocks again"), "a liar stays one"
        await cluster.run_schedule(Schedule([Corrupt(1 * MS, "n1", "honest")]))
        await eventually(lambda: is_told("hello"))
    trace = cluster.collect_trace(tmp_path / "trace.jsonl")
    told = str(Stories.of_trace(trace.events))
    assert "n1 told two stories" in told
    assert "n1 mocks hello" in told


@live
async def test_a_process_may_say_nothing_or_say_it_late(tmp_path: Path) -> None:
    async with Cluster(echo(tmp_path)) as cluster:
        client = cluster.client(Caller, "c1", attempts=2)
        await cluster.apply(Corrupt(0, "n1", "is silent"))

        async def is_told_nothing() -> bool:
            return isinstance(await client.call(Say("hello")), Unknown)

        await eventually(is_told_nothing)
        await cluster.apply(Corrupt(0, "n1", "dawdles"))
        patient = cluster.client(Caller, "c2", attempts=100)

        async def waits() -> bool:
            began = cluster.clock.world()
            assert await patient.call(Say("hello")) == Ok("hello")
            return cluster.clock.world() - began >= 300 * MS

        await eventually(waits)


@live
async def test_a_way_of_lying_that_is_not_declared_is_refused(tmp_path: Path) -> None:
    async with Cluster(echo(tmp_path)) as cluster:
        with pytest.raises(BadInput, match="no Byzantine behaviour 'sulks' here: there are honest"):
            await cluster.apply(Corrupt(0, "n1", "sulks"))
        cluster.client(Caller, "c1")
        with pytest.raises(BadInput, match="c1 is a client, and clients do not lie"):
            await cluster.apply(Corrupt(0, "c1", "mocks"))


def test_lab_run_refuses_liars_that_it_cannot_have_before_it_starts_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = tmp_path / "faults.yaml"
    refused = {
        "{at: 4s, fault: corrupt, node: n1, behaviour: sulks}": ("pbft", "no Byzantine behaviour"),
        "{at: 4s, fault: twin, node: n1, halves: [[n2], [n3]]}": (
            "pbft",
            "no live node runs twice",
        ),
        "{at: 4s, fault: corrupt, node: n1, behaviour: mocks}": ("echo", "declares no behaviours"),
    }
    for liar, (lab, said) in refused.items():
        faults.write_text(f"- {liar}\n", encoding="utf-8")
        code = run(["run", lab, "--headless", "--faults", str(faults), "--out", str(tmp_path)])
        assert code == 3, "bad input"
        told = " ".join(capsys.readouterr().err.split())
        assert said in told, told
