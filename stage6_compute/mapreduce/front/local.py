"""The engine of this lab: a coordinator and workers, each a process of this machine.

The protocol is that of the lab, in the nodes that ``lab run`` starts too; the work is done by what
is in front of them. A process that dies is started again, the coordinator as well.
"""

import asyncio
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from common.contract.events import NodeId
from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.member import NodeFailed
from common.runtime.ports import free_ports
from common.runtime.spec import ClusterSpec
from common.values.errors import BadInput, LabError
from common.values.history import Failed, Ok
from common.values.units import MS, SECOND
from stage6_compute.mapreduce.client import JobClient
from stage6_compute.mapreduce.front.orders import Plan, split_to_text
from stage6_compute.mapreduce.front.request import JobFailed, Request, Told
from stage6_compute.mapreduce.machine import Machine
from stage6_compute.mapreduce.messages import Compute, Job, JobResult, Span, Split

HOST = "127.0.0.1"
COORDINATOR = "coordinator"
LOOK_SECONDS = 0.1
MOST_LIVES = 20
"""A member that dies so often is not started any more, and the job fails."""
PINGS = {"ping_every": 200 * MS, "most_missed": 15}
"""A process that dies is noticed when it is started again; this is for one that stands still."""
VERY_LONG = 365 * 24 * 3600 * SECOND
OWN_BYTES = 96 << 20
"""What the two processes of a worker take without any pairs, and with a block of lines at work."""
LEAST_BYTES = 16 << 20
"""So much pairs may always take."""


class Local:
    """Computes on processes of this machine; a context manager, outside which nothing runs.

    Args:
        workers: how many.
        scratch: where workers keep the output of maps; in the system's place for such unless given.
        kills: who gets SIGKILL how many seconds after a job has begun, to see what comes of it.

    Attributes:
        timeline: the attempts of the last job that was done.
        cluster: the processes.
        restarts: how many members have died and were started again.
    """

    def __init__(
        self,
        workers: int,
        scratch: Path | None = None,
        kills: Sequence[tuple[NodeId, float]] = (),
    ) -> None:
        self.timeline: tuple[Span, ...] = ()
        self.restarts = 0
        self._workers = tuple(f"w{number}" for number in range(1, workers + 1))
        for id, _ in kills:
            if id not in (COORDINATOR, *self._workers):
                known = ", ".join((COORDINATOR, *self._workers))
                raise BadInput(f"--kill {id}: there is no such process: there are {known}")
        self._kills = list(kills)
        self._directory = Path(tempfile.mkdtemp(prefix="mapreduce-", dir=scratch))
        self._runner = asyncio.Runner()
        self._failed: LabError | None = None
        self._revivals: set[asyncio.Task[None]] = set()
        self._client: Client | None = None
        self.cluster = Cluster(self._spec(), self._died)

    def _spec(self) -> ClusterSpec:
        ports = dict(zip(self._workers, free_ports(HOST, len(self._workers)), strict=True))
        settings = {
            "host": HOST,
            "ports": ports,
            "directory": str(self._directory / "pieces"),
            "token": secrets.token_hex(16),
        }
        return ClusterSpec(
            lab="mapreduce",
            node=Machine,
            members=(COORDINATOR, *self._workers),
            directory=self._directory / "nodes",
            config={"coordinator": COORDINATOR, "hands": "front", **PINGS},
            host=HOST,
            trace=False,
            facade="stage6_compute.mapreduce.front.facade:make",
            facade_config=settings,
        )

    def __enter__(self) -> "Local":
        try:
            self._runner.run(self.cluster.start())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._failed = LabError("the engine was closed")
        try:
            self._runner.run(self.cluster.stop())
        finally:
            self._runner.close()
            shutil.rmtree(self._directory, ignore_errors=True)

    def compute(self, request: Request, told: Callable[[Told], None]) -> Mapping[str, int]:
        """As of :class:`~stage6_compute.mapreduce.front.request.Engine`."""
        return self._runner.run(self._compute(request, told))

    async def _compute(self, request: Request, told: Callable[[Told], None]) -> Mapping[str, int]:
        if self._client is None:
            config: dict[str, Any] = {"coordinator": COORDINATOR, "attempts": 1 << 40}
            self._client = self.cluster.client(JobClient, "client", **config)
        node = cast(JobClient, self._client.resident.host.node)
        computing = asyncio.ensure_future(self._client.call(Compute(job_of(request)), VERY_LONG))
        begun = time.monotonic()
        while not computing.done() and self._failed is None:
            await asyncio.wait([computing], timeout=LOOK_SECONDS)
            for kill in list(self._kills):
                if time.monotonic() - begun >= kill[1]:
                    self._kills.remove(kill)
                    self.cluster.members[kill[0]].signal(signal.SIGKILL)
            if node.progress is not None:
                told(Told(node.progress.maps, node.progress.reduces))
        if not computing.done():
            computing.cancel()
            with suppress(asyncio.CancelledError):
                await computing
        if self._failed is not None:
            raise self._failed
        match computing.result():
            case Ok(JobResult(_, counters)):
                self.timeline = node.timeline
                maps, reduces = len(request.splits), request.partitions
                told(Told((maps, maps), (reduces, reduces)))
                return dict(counters)
            case Failed(why):
                raise JobFailed(str(why))
            case other:
                raise JobFailed(f"nobody can say what has become of the job: {other}")

    def _died(self, id: NodeId, error: NodeFailed) -> None:
        """A member is dead: start it again, unless that was done too often."""
        if self._failed is not None:
            return
        if self.cluster.members[id].life + 1 >= MOST_LIVES:
            self._failed = JobFailed(f"{id} died {MOST_LIVES} times, the last time so: {error}")
            return
        self.restarts += 1
        revival = asyncio.get_running_loop().create_task(self._revive(id))
        self._revivals.add(revival)
        revival.add_done_callback(self._revivals.discard)

    async def _revive(self, id: NodeId) -> None:
        try:
            await self.cluster.restart(id)
        except LabError as error:
            self._failed = self._failed or JobFailed(f"{id} could not be started again: {error}")


def job_of(request: Request) -> Job:
    """A request in the words of the protocol."""
    memory = max(LEAST_BYTES, request.memory - OWN_BYTES)
    plan = Plan(request.program, memory, request.seconds, request.most_skipped)
    return Job(
        program=plan.to_text(),
        output=str(request.output),
        splits=tuple(Split(split_to_text(split)) for split in request.splits),
        partitions=request.partitions,
        skip_bad_records=request.most_skipped > 0,
    )
