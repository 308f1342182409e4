"""The experiments without any kernel's help: in the runtime's own fault layer, in the simulator.

Both shape messages above the socket instead of packets below it (``common/runtime/links.py``,
``common/sim/network.py``), with the same meaning as ``netem``: each way takes ``delay ± jitter``
and loses with probability ``loss``. TCP does not notice, so what is lost is not sent again by TCP
but by the node: :class:`~stage1_foundations.echo.node.Caller` asks again when its timer fires,
and a lost message shows as lateness here as well.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.loops import run
from common.runtime.spec import ClusterSpec
from common.sim.simulation import Simulation
from common.sim.workload import Workload
from common.values.errors import LabError
from common.values.faults import Link, Schedule
from common.values.history import History, Ok
from common.values.units import SECOND
from stage1_foundations.echo.node import Caller, Echo, Say
from stage1_foundations.netem.experiment import (
    BASELINE_COUNT,
    CONNECTIONS,
    PATIENCE_US,
    Answer,
    Findings,
)
from stage1_foundations.netem.roundtrips import LEAST_RETRANSMISSION_US
from stage1_foundations.netem.shape import Shape, islands

ATTEMPTS = 20
"""How often a question is asked; all are lost so rarely that nobody will see it."""
PATIENT_US = 60 * SECOND


def one_way(shape: Shape) -> tuple[int, int]:
    """The least and the greatest time of one way, in microseconds, as fault schedules have it."""
    return shape.delay - shape.jitter, shape.delay + shape.jitter


def ask_again_after(shape: Shape) -> int:
    """When the node asks again: as TCP does, some time after any answer would have come."""
    return 2 * (shape.delay + shape.jitter) + LEAST_RETRANSMISSION_US


def measure_live(shape: Shape, count: int) -> Findings:
    """Measure between this process and a node in another one, over TCP and the fault layer.

    Raises:
        LabError: the cluster does not start, or an answer never came.
    """

    async def measure() -> Findings:
        async with _cluster(("n1",)) as cluster:
            patience = {"ask_again_after": ask_again_after(shape), "attempts": ATTEMPTS}
            client = cluster.client(Caller, "c1", **patience)
            await _ask(client, BASELINE_COUNT)
            baseline = times(cluster.history)
            await cluster.link(latency=one_way(shape), loss=shape.loss)
            shares = [len(range(first, count, CONNECTIONS)) for first in range(CONNECTIONS)]
            await asyncio.gather(*(_ask(client, share) for share in shares))
            measured = times(cluster.history)[BASELINE_COUNT:]
        return Findings("links", shape, tuple(baseline), tuple(measured))

    return run(measure())


async def _ask(client: Client, count: int) -> None:
    for number in range(count):
        outcome = await client.call(Say(f"question {number}"), PATIENT_US)
        if not isinstance(outcome, Ok):
            raise LabError(f"the measurement ended at question {number}: {outcome}")


def measure_simulated(shape: Shape, count: int, seed: int = 1) -> Findings:
    """Measure in the simulator, where time is virtual and the machine adds nothing."""
    findings: list[list[int]] = []
    for present, asked in ((Shape(), BASELINE_COUNT), (shape, count)):
        rules = Schedule([Link(at=0, latency=one_way(present), loss=present.loss)])
        again = ask_again_after(present)
        caller = partial(Caller, ask_again_after=again, attempts=ATTEMPTS)
        simulation = Simulation({"n1": Echo}, {"c1": caller}, seed=seed, schedule=rules)
        workload = Workload(
            simulation,
            lambda _, client, number: Say(f"{client} asks {number}"),
            count=asked,
            patience=PATIENT_US,
        )
        simulation.run_until(lambda workload=workload: workload.done, PATIENT_US * 100)  # type: ignore[misc]
        findings.append(times(simulation.history))
    baseline, measured = findings
    return Findings("sim", shape, tuple(baseline), tuple(measured))


def part_live(nodes: Sequence[str], groups: Sequence[Sequence[str]]) -> list[Answer]:
    """Make a partition in the fault layer and heal it; the first node's clients ask the others.

    Args:
        nodes: the members of the cluster.
        groups: the sides; a node that none names is alone.

    Raises:
        BadInput: the groups are none of these nodes.
    """
    source, *others = nodes
    sides = islands(nodes, groups)
    (home,) = (side for side in sides if source in side)
    beside_source = tuple(f"{source}-asks-{target}" for target in others)
    with_clients = [(*side, *beside_source) if side is home else side for side in sides]

    async def part() -> list[Answer]:
        answers = []
        async with _cluster(tuple(nodes)) as cluster:
            clients = [
                cluster.client(
                    Caller, name, servers=(target,), ask_again_after=PATIENCE_US, attempts=3
                )
                for name, target in zip(beside_source, others, strict=True)
            ]
            for when in ("before", "during", "after"):
                if when == "during":
                    await cluster.partition(*with_clients)
                elif when == "after":
                    await cluster.heal()
                calls = (client.call(Say("are you there?")) for client in clients)
                for target, outcome in zip(others, await asyncio.gather(*calls), strict=True):
                    told = "ok" if isinstance(outcome, Ok) else "unknown"
                    answers.append(Answer(when, source, target, target in home, told))
        return answers

    return run(part())


@asynccontextmanager
async def _cluster(members: tuple[str, ...]) -> AsyncIterator[Cluster]:
    """A live cluster of Echo nodes in a directory of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lab-netem-") as name:
        folder = Path(name)
        spec = ClusterSpec(lab="netem", node=Echo, members=members, directory=folder, trace=False)
        async with Cluster(spec) as cluster:
            yield cluster


def times(history: History) -> list[int]:
    """How long the operations of a history took that ended, in microseconds."""
    return [
        operation.returned_at - operation.invoked_at
        for operation in history
        if operation.returned_at is not None
    ]
