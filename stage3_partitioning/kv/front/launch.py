"""A whole cluster with Redis' protocol at its doors, for tests, benchmarks and scripts."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from common.contract import NodeId
from common.runtime import loops
from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.facade import free_ports
from common.runtime.spec import ClusterSpec
from common.values.history import Outcome
from common.values.units import SECOND

NODE = "stage3_partitioning.kv.server:StoreNode"
CLIENT = "stage3_partitioning.kv.client:StoreClient"
FACADE = "stage3_partitioning.kv.front.facade:make"
LIMIT_SECONDS = 60.0


class RedisCluster:
    """A running cluster, for code that is not asynchronous; made by :func:`redis_cluster`.

    Attributes:
        host: the address.
        ports: by node, where Redis' clients reach it.
    """

    def __init__(
        self, cluster: Cluster, operator: Client, ports: dict[NodeId, int], host: str
    ) -> None:
        self.host, self.ports = host, ports
        self.cluster = cluster
        self._operator = operator
        self._loop = asyncio.get_running_loop()

    def ask(self, operation: object) -> Outcome:
        """Ask as an operator: add a node, remove one."""
        asked = self._operator.call(operation, 10 * SECOND)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(LIMIT_SECONDS)

    def kill(self, node: NodeId) -> None:
        """SIGKILL a node."""
        killed = self.cluster.kill(node)
        asyncio.run_coroutine_threadsafe(killed, self._loop).result(LIMIT_SECONDS)

    def restart(self, node: NodeId) -> None:
        """Start a node that was killed anew, on the same ports."""
        restarted = self.cluster.restart(node)
        asyncio.run_coroutine_threadsafe(restarted, self._loop).result(LIMIT_SECONDS)

    def status(self) -> dict[NodeId, dict[str, Any]]:
        """What each node's status() says; nothing of one that is down."""
        asked = asyncio.run_coroutine_threadsafe(self.cluster.status(), self._loop)
        found = asked.result(LIMIT_SECONDS)
        return {node: dict(each.fields) for node, each in found.items() if each is not None}


@contextlib.contextmanager
def redis_cluster(
    directory: Path, members: int = 3, shards: int = 0, host: str = "127.0.0.1", **config: Any
) -> Iterator[RedisCluster]:
    """A cluster whose launcher runs in a thread of its own.

    Args:
        directory: where the nodes keep their data; used again if it is of an earlier run.
        members: how many nodes; they are named n1, n2 ...
        shards: how many of them hold slots at first; 0 for all.
        host: the address to listen on.
        config: settings of the store (:class:`~stage3_partitioning.kv.member.Config`).
    """
    names = tuple(f"n{number}" for number in range(1, members + 1))
    ports = dict(zip(names, free_ports(host, members), strict=True))
    config = {"shards": list(names[: shards or members]), **config}
    spec = ClusterSpec(
        lab="kv",
        node=NODE,
        members=names,
        directory=directory,
        config=config,
        host=host,
        trace=False,
        facade=FACADE,
        facade_config={"host": host, "ports": ports, "config": config},
    )
    started: Future[RedisCluster] = Future()
    stop = threading.Event()

    async def serve() -> None:
        try:
            async with Cluster(spec) as running:
                operator = running.client(CLIENT, "operator")
                started.set_result(RedisCluster(running, operator, ports, host))
                await asyncio.get_running_loop().run_in_executor(None, stop.wait)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=lambda: loops.run(serve()), daemon=True)
    thread.start()
    try:
        yield started.result(LIMIT_SECONDS)
    finally:
        stop.set()
        thread.join()
