"""Nodes that die, at random instants and by their own fault, and launchers that die."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from common.runtime.cluster import Cluster
from common.runtime.config import load_class, name_class
from common.runtime.member import NodeFailed, State
from common.runtime.spec import ClusterSpec
from common.values.errors import BadInput, LabError
from common.values.history import Ok, Unknown
from common.values.units import MS
from stage1_foundations.echo.node import Caller, Echo, Say
from tests.support.live import eventually, live
from tests.support.live_nodes import Asker, Counter, Crash, Flooder, Increment, Keep, Keeper

KILLS = 12


def spec(directory: Path, **changes: object) -> ClusterSpec:
    """A counter of one node, unless told otherwise."""
    plain = {"lab": "count", "node": Counter, "members": ("n1",), "directory": directory}
    return ClusterSpec(**{**plain, **changes})  # type: ignore[arg-type]


@live
async def test_nothing_acknowledged_is_lost_by_kills_at_random_instants(tmp_path: Path) -> None:
    random = Random(20)
    answered: list[int] = []
    asked = 0
    over = False

    async def ask(client: int) -> None:
        nonlocal asked
        asker = cluster.client(Asker, f"c{client}")
        while not over:
            asked += 1
            outcome = await asker.call(Increment(), timeout=500 * MS)
            if isinstance(outcome, Ok):
                assert isinstance(outcome.value, int)
                answered.append(outcome.value)

    async with Cluster(spec(tmp_path, trace=False)) as cluster:
        asking = [asyncio.create_task(ask(client)) for client in range(8)]
        for _ in range(KILLS):
            before = len(answered)
            await eventually(lambda before=before: len(answered) > before + 10, 30)
            await asyncio.sleep(random.random() * 0.05)
            await cluster.kill("n1")
            await cluster.restart("n1")
        over = True
        await asyncio.gather(*asking)
        status = await cluster.members["n1"].status()
    assert status is not None
    total = status.fields["total"]
    assert len(answered) > 100
    assert len(set(answered)) == len(answered), "a total was given twice, so a save was lost"
    assert max(answered) <= total <= asked


@live
async def test_what_was_saved_is_there_in_the_next_run_of_the_cluster(tmp_path: Path) -> None:
    for total in (1, 2):
        async with Cluster(spec(tmp_path)) as cluster:
            assert await cluster.client(Asker, "c1").call(Increment()) == Ok(total)


@live
async def test_a_directory_of_another_cluster_or_format_is_refused(tmp_path: Path) -> None:
    async with Cluster(spec(tmp_path)):
        pass
    with pytest.raises(BadInput, match="belongs to a cluster of count"):
        await Cluster(spec(tmp_path, lab="echo", node=Echo)).start()
    description = tmp_path / "cluster.json"
    description.write_text(description.read_text().replace('"format":1', '"format":99'))
    with pytest.raises(BadInput, match="has format 99"):
        await Cluster(spec(tmp_path)).start()


@live
async def test_a_taken_port_stops_the_launch_with_one_sentence_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    async with Cluster(spec(tmp_path / "first")) as first:
        port = first.members["n1"].port
        second = Cluster(
            spec(tmp_path / "second", members=("n1", "n2"), ports={"n2": port}),
        )
        with pytest.raises(NodeFailed, match=f"n2 cannot listen on port {port} .*choose another"):
            await second.start()
        for member in second.members.values():
            await member.gone()
            assert not _alive(member.pid)


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("tick", r"node n1 \(Flooder\): no handler takes the timer Tick"),
        ("status", r"node n1 \(Flooder\): status\(\) raised KeyError"),
        ("divide", r"node n1 \(Flooder\) raised ZeroDivisionError: .* in crash, line \d+ of"),
    ],
)
@live
async def test_a_broken_handler_ends_its_node_with_one_sentence(
    tmp_path: Path, way: str, sentence: str
) -> None:
    told: list[NodeFailed] = []
    broken = spec(tmp_path, node=Flooder, lab="flood")
    async with Cluster(broken, lambda _, error: told.append(error)) as cluster:
        await cluster.invoke("n1", Crash(way), 1 * MS)
        await eventually(lambda: bool(told))
        with pytest.raises(NodeFailed, match=sentence):
            raise cluster.failures["n1"]
        assert told[0].exit_code == 1
    log = (tmp_path / "n1" / "node.log").read_text()
    assert "Traceback" not in log
    assert str(told[0]) in log


@live
async def test_a_broken_client_raises_its_sentence_from_the_call(tmp_path: Path) -> None:
    async with Cluster(spec(tmp_path)) as cluster:
        client = cluster.client(Asker, "c1")
        for _ in range(2):
            with pytest.raises(LabError, match="no handler takes the operation Say"):
                await client.call(Say("what?"))


@live
async def test_a_handler_that_never_returns_is_killed_in_the_end(tmp_path: Path) -> None:
    cluster = Cluster(spec(tmp_path, node=Flooder, lab="flood"))
    await cluster.start()
    pid = cluster.members["n1"].pid
    outcome = await cluster.invoke("n1", Crash("loop"), 100 * MS)
    assert isinstance(outcome, Unknown)
    await cluster.stop()
    assert not _alive(pid)


@live
async def test_names_must_differ_and_classes_must_be_importable(tmp_path: Path) -> None:
    class Local(Echo):
        """Nobody else can import this."""

    with pytest.raises(BadInput, match="top level of a module"):
        name_class(Local)
    with pytest.raises(BadInput, match="different names"):
        Cluster(spec(tmp_path, members=("n1", "n1")))
    with pytest.raises(BadInput, match="cannot load nowhere:Echo"):
        load_class("nowhere:Echo")
    async with Cluster(spec(tmp_path)) as cluster:
        with pytest.raises(BadInput, match="'n1' is taken"):
            cluster.client(Asker, "n1")
        with pytest.raises(BadInput, match="cannot be made with"):
            cluster.client(Caller, "c1", patience=3)


LAUNCHER = """
import asyncio, sys
from pathlib import Path
from common.runtime.cluster import Cluster
from common.runtime.loops import run
from common.runtime.spec import ClusterSpec
from stage1_foundations.echo.node import Echo

async def main():
    spec = ClusterSpec(lab="echo", node=Echo,
                       members=("n1", "n2", "n3"), directory=Path(sys.argv[1]))
    async with Cluster(spec) as cluster:
        await cluster.pause("n2")
        print(*(member.pid for member in cluster.members.values()), flush=True)
        await asyncio.sleep(60)

run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@live
async def test_no_node_outlives_its_launcher_however_it_ends(
    tmp_path: Path, number: signal.Signals
) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    assert launcher.stdout is not None
    loop = asyncio.get_running_loop()
    line = await loop.run_in_executor(None, launcher.stdout.readline)
    pids = [int(pid) for pid in line.split()]
    assert len(pids) == 3
    assert all(_alive(pid) for pid in pids)  # the second one is stopped, and cannot see stdin end
    launcher.send_signal(number)
    begun = time.monotonic()
    await loop.run_in_executor(None, launcher.wait)
    await eventually(lambda: not any(_alive(pid) for pid in pids))
    assert time.monotonic() - begun < 8
    launcher.stdout.close()


def _alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody reaps does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


@live
async def test_what_a_client_saved_is_there_when_the_cluster_is_launched_again(
    tmp_path: Path,
) -> None:
    answers = []
    for _ in range(2):
        async with Cluster(spec(tmp_path, node=Keeper)) as cluster:
            client = cluster.client(Keeper, "c1")
            answers.append(await client.call(Keep()))
    assert answers == [Ok(1), Ok(2)]


@live
async def test_to_tell_something_to_a_node_that_has_just_gone_is_no_error(tmp_path: Path) -> None:
    """Its stdin may be known to be closed before its end is."""
    async with Cluster(spec(tmp_path, trace=False)) as cluster:
        member = cluster.members["n1"]
        assert member._stdin is not None
        member._stdin.abort()
        assert await member.status() is None
        await cluster.link(loss=0.1)
        await eventually(lambda: member.state is State.DOWN)


@live
async def test_what_is_asked_of_a_node_that_has_not_begun_happens_once_it_has(
    tmp_path: Path,
) -> None:
    """A process lives for a while before it is told to begin."""
    async with Cluster(spec(tmp_path, node=Keeper, trace=False)) as cluster:
        assert await cluster.invoke("n1", Keep()) == Ok(1)
        await cluster.kill("n1")
        restarting = asyncio.create_task(cluster.restart("n1"))
        await eventually(lambda: cluster.members["n1"].state is State.UP)
        assert not restarting.done(), "it has not begun"
        assert await cluster.invoke("n1", Keep()) == Ok(2)
        await restarting
        assert cluster.failures == {}
