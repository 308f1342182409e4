"""Start a cluster that speaks etcd's API, for tests, benchmarks and other programs.

    async with etcd_cluster(directory) as cluster:
        print(cluster.endpoints)         # ["127.0.0.1:40001", "127.0.0.1:40002", ...]
        ...                              # use etcdctl, aetcd, any client of etcd
        await cluster.running.kill("n1") # SIGKILL, partitions: common.runtime.cluster.Cluster

or from code that is not asynchronous, in a thread of its own::

    with etcd_in_background(directory) as endpoints:
        ...
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.runtime import loops
from common.runtime.cluster import Cluster
from common.runtime.facade import free_ports
from common.runtime.spec import ClusterSpec

SERVER = "stage5_fault_tolerance.etcd.server:EtcdServer"
FACADE = "stage5_fault_tolerance.etcd.front.facade:make"


@dataclass(frozen=True, slots=True)
class EtcdCluster:
    """A running cluster.

    Attributes:
        running: the processes, to kill, restart, pause and partition.
        endpoints: where each member serves clients, ``host:port``, in the order of the members.
    """

    running: Cluster
    endpoints: list[str]

    async def leader(self) -> str | None:
        """The member that leads with the highest term, as the members say; None for nobody."""
        found = await self.running.status()
        leading = [
            (status.fields["term"], id)
            for id, status in found.items()
            if status is not None and status.fields["role"] == "leader"
        ]
        return max(leading)[1] if leading else None


@contextlib.asynccontextmanager
async def etcd_cluster(
    directory: Path, members: int = 3, *, host: str = "127.0.0.1", **config: Any
) -> AsyncIterator[EtcdCluster]:
    """Start servers as processes, wait until one leads, and stop them at the end.

    Each change is on a majority of disks before it is acknowledged, as always.

    Args:
        directory: where the servers keep their data; used again if it is of an earlier run.
        members: how many servers; they are named n1, n2 ...
        host: the address to listen on.
        config: keyword arguments of :class:`~stage5_fault_tolerance.etcd.server.EtcdServer`.
    """
    names = tuple(f"n{number}" for number in range(1, members + 1))
    ports = free_ports(host, members)
    endpoints = {name: f"{host}:{port}" for name, port in zip(names, ports, strict=True)}
    spec = ClusterSpec(
        lab="etcd",
        node=SERVER,
        members=names,
        directory=directory,
        config=config,
        host=host,
        trace=False,
        facade=FACADE,
        facade_config={"host": host, "ports": dict(zip(names, ports, strict=True))},
    )
    async with Cluster(spec) as running:
        cluster = EtcdCluster(running, list(endpoints.values()))
        while await cluster.leader() is None:
            await asyncio.sleep(0.05)
        yield cluster


@contextlib.contextmanager
def etcd_in_background(directory: Path, members: int = 3, **config: Any) -> Iterator[list[str]]:
    """The same for code that is not asynchronous: the launcher runs in a thread of its own.

    Args:
        directory, members, config: as in :func:`etcd_cluster`.

    Yields:
        The endpoints, ``host:port`` each.
    """
    started: Future[list[str]] = Future()
    stop = threading.Event()

    async def serve() -> None:
        try:
            async with etcd_cluster(directory, members, **config) as cluster:
                started.set_result(cluster.endpoints)
                await asyncio.get_running_loop().run_in_executor(None, stop.wait)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=lambda: loops.run(serve()), daemon=True)
    thread.start()
    try:
        yield started.result()
    finally:
        stop.set()
        thread.join()
