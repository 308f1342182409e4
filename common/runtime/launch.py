"""Start a lab's cluster with its real protocol in front, for tests, benchmarks and other programs.

    async with launch(WORLDS, directory) as cluster:
        print(cluster.endpoints)          # ["127.0.0.1:40001", "127.0.0.1:40002", ...]
        ...                               # any client of that protocol
        await cluster.running.kill("n1")  # SIGKILL, partitions: common.runtime.cluster.Cluster

or from code that is not asynchronous, with the launcher in a thread of its own::

    with launch_in_background(WORLDS, directory) as cluster:
        cluster.kill("n1")
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from common.contract.events import NodeId
from common.runtime import loops
from common.runtime.client import Client
from common.runtime.cluster import Cluster
from common.runtime.declared import spec_of, with_facades
from common.values.errors import BadInput
from common.values.history import Outcome
from common.values.units import SECOND
from common.worlds import Worlds

OPERATOR = "operator"
"""The name of the client that asks for what the real protocol has no words for."""

PATIENCE = 10 * SECOND
LIMIT_SECONDS = 60.0
"""What takes longer than this, code in another thread does not wait for."""

LOOK_SECONDS = 0.05

T = TypeVar("T")


class Launched:
    """A running cluster with its facades.

    Args:
        worlds: what the lab declares.
        running: the processes, started.

    Attributes:
        running: as given: to kill, restart, pause and partition.
        host: the address that all listen on.
        ports: by member, where its facade listens.
    """

    def __init__(self, worlds: Worlds, running: Cluster) -> None:
        self.running = running
        self.host = running.spec.host
        self.ports: Mapping[NodeId, int] = running.spec.facade_config["ports"]
        self._worlds = worlds
        self._operator: Client | None = None

    @property
    def endpoints(self) -> list[str]:
        """Where clients reach the members, ``host:port``, in the order of the members."""
        return [f"{self.host}:{port}" for port in self.ports.values()]

    async def ask(self, operation: object) -> Outcome:
        """Let the course's own client ask for something: a node added, say."""
        if self._operator is None:
            client = self._worlds.variant().client
            assert client is not None, "a lab with a front has a class of clients"
            self._operator = self.running.client(client, OPERATOR)
        return await self._operator.call(operation, PATIENCE)

    async def status(self) -> dict[NodeId, Mapping[str, Any]]:
        """What each member's status() says; nothing of one that is down."""
        asked = await self.running.status()
        return {id: status.fields for id, status in asked.items() if status is not None}

    async def leader(self) -> NodeId | None:
        """The member that leads with the highest term, or epoch, as they say; None for nobody."""
        leading = [
            (status["term"] if "term" in status else status["epoch"], id)
            for id, status in (await self.status()).items()
            if status["role"] == "leader"
        ]
        return max(leading)[1] if leading else None


@contextlib.asynccontextmanager
async def launch(
    worlds: Worlds,
    directory: Path,
    members: int = 0,
    *,
    variant: str = "",
    host: str = "127.0.0.1",
    front: Mapping[str, Any] | None = None,
    **config: Any,
) -> AsyncIterator[Launched]:
    """Start a lab's members as processes; where there are leaders, wait until one leads.

    Args:
        worlds: what the lab declares.
        directory: where the members keep their data; used again if it is of an earlier run.
        members: how many; as many as ``lab run`` starts unless given. They are named n1, n2 ...
        variant: which of its variants; the first unless given.
        host: the address to listen on.
        front: settings of the facades, beside those that all facades have.
        config: keyword arguments of the node's class, in the place of those of ``lab run``.

    Raises:
        BadInput: nothing is in front of the lab's nodes, or its package is missing.
    """
    names = worlds.live.resized(members).member_names
    chosen = worlds.variant(variant)
    bare = spec_of(worlds, chosen, directory, names)
    bare = replace(bare, config=config, host=host, trace=False)
    spec, hint = with_facades(bare, worlds, chosen, **(front or {}))
    if not spec.facade:
        raise BadInput(hint or f"lab {worlds.lab} has no other protocol in front: use a Cluster")
    async with Cluster(spec) as running:
        launched = Launched(worlds, running)
        while "role" in worlds.columns and await launched.leader() is None:
            await asyncio.sleep(LOOK_SECONDS)
        yield launched


class Background:
    """A launched cluster as code in another thread sees it; made by :func:`launch_in_background`.

    Args:
        launched: the cluster.
        loop: the event loop that it lives in.

    Attributes:
        running, host, ports, endpoints: as of :class:`Launched`.
    """

    def __init__(self, launched: Launched, loop: asyncio.AbstractEventLoop) -> None:
        self.running, self.host, self.ports = launched.running, launched.host, launched.ports
        self.endpoints = launched.endpoints
        self._launched = launched
        self._loop = loop

    def ask(self, operation: object) -> Outcome:
        """Let the course's own client ask for something: a node added, say."""
        return self._wait_for(self._launched.ask(operation))

    def kill(self, id: NodeId) -> None:
        """SIGKILL a member."""
        self._wait_for(self.running.kill(id))

    def restart(self, id: NodeId) -> None:
        """Start a member that was killed anew, with the same ports in front."""
        self._wait_for(self.running.restart(id))

    def status(self) -> dict[NodeId, Mapping[str, Any]]:
        """What each member's status() says; nothing of one that is down."""
        return self._wait_for(self._launched.status())

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_SECONDS)


@contextlib.contextmanager
def launch_in_background(
    worlds: Worlds, directory: Path, members: int = 0, *, host: str = "127.0.0.1", **config: Any
) -> Iterator[Background]:
    """The same as :func:`launch` for code that is not asynchronous."""
    started: Future[Background] = Future()
    stop = threading.Event()

    async def serve() -> None:
        try:
            async with launch(worlds, directory, members, host=host, **config) as launched:
                started.set_result(Background(launched, asyncio.get_running_loop()))
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
