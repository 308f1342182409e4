"""The service Watch: on one stream a client makes and cancels any number of watches."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from aetcd.rpc import rpc_pb2, rpc_pb2_grpc

from stage5_fault_tolerance.etcd.commands import FROM_KEY_ON
from stage5_fault_tolerance.etcd.front.gateway import Gateway
from stage5_fault_tolerance.etcd.front.watchers import MOST_RESPONSES, Hub, Watcher
from stage5_fault_tolerance.etcd.texts import NO_LEADER

PROGRESS_SECONDS = 600.0
"""How often a client that asked for it is told that nothing happens; ten minutes, as in etcd."""

DUPLICATE_ID = "mvcc: duplicate watch ID provided on the WatchStream"
EMPTY_SPAN = "mvcc: watcher range is empty"
FROM_NOW_ON = (0, -1)
"""Revisions that stand for the next change. What is below was compacted before anything was, and
such a watch ends at once: so it is in etcd."""

NO_WATCH = -1
"""The id in responses that are about no watch."""


class Watch(rpc_pb2_grpc.WatchServicer):  # type: ignore[misc]
    """Watches."""

    def __init__(self, gateway: Gateway, hub: Hub) -> None:
        self._gateway = gateway
        self._hub = hub

    async def Watch(  # noqa: N802
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        """Serve one stream until its client has said all, or goes."""
        gateway = self._gateway
        stream = Stream(gateway, self._hub)
        tasks = [asyncio.create_task(stream.read(requests))]
        tasks.append(asyncio.create_task(stream.tell_progress()))
        if await gateway.needs_leader(context):
            tasks.append(asyncio.create_task(stream.end_without_leader()))
        try:
            while (response := await stream.responses.get()) is not None:
                yield response
            if stream.leaderless:
                await context.abort(grpc.StatusCode.UNAVAILABLE, NO_LEADER)
        finally:
            for task in tasks:
                task.cancel()
            stream.close()


class Stream:
    """The watches of one client's stream.

    Args:
        gateway, hub: of the server.

    Attributes:
        responses: what to send; None is the end.
        leaderless: whether it ended for want of a leader.
    """

    def __init__(self, gateway: Gateway, hub: Hub) -> None:
        self._gateway = gateway
        self._hub = hub
        self._watchers: dict[int, Watcher] = {}
        self._next_id = 0
        self.leaderless = False
        self.responses: asyncio.Queue[Any] = asyncio.Queue(MOST_RESPONSES)

    async def read(self, requests: AsyncIterator[Any]) -> None:
        """Carry out what the client asks for, one request after the other."""
        async for request in requests:
            match request.WhichOneof("request_union"):
                case "create_request":
                    await self._create(request.create_request)
                case "cancel_request":
                    await self._cancel(request.cancel_request.watch_id)
                case "progress_request":
                    await self._put(NO_WATCH, self._hub.progress())
        await self.responses.put(None)

    async def _create(self, request: Any) -> None:
        revision = (await self._gateway.status()).revision
        key = request.key or b"\0"
        problem = self._problem_of(request, key)
        if problem:
            await self._put(NO_WATCH, revision, created=True, canceled=True, cancel_reason=problem)
            return
        id = request.watch_id or self._free_id()
        watcher = Watcher(
            id=id,
            key=key,
            range_end=request.range_end,
            next=revision + 1 if request.start_revision in FROM_NOW_ON else request.start_revision,
            wants=(0 not in request.filters, 1 not in request.filters),
            prev_kv=request.prev_kv,
            fragment=request.fragment,
            progress=request.progress_notify,
            responses=self.responses,
        )
        self._watchers[id] = watcher
        await self._put(id, revision, created=True)
        self._hub.add(watcher)

    def _problem_of(self, request: Any, key: bytes) -> str:
        if request.watch_id in self._watchers and request.watch_id:
            return DUPLICATE_ID
        end = request.range_end
        return EMPTY_SPAN if end and end != FROM_KEY_ON and key >= end else ""

    def _free_id(self) -> int:
        while self._next_id in self._watchers:
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    async def _cancel(self, id: int) -> None:
        watcher = self._watchers.pop(id, None)
        if watcher is not None:
            self._hub.remove(watcher)
            await self._put(id, self._hub.progress(), canceled=True)

    async def tell_progress(self) -> None:
        """Now and then tell those who asked for it, and heard nothing, how far they are."""
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            for watcher in list(self._watchers.values()):
                if watcher.progress and watcher.quiet and watcher.catching_up is None:
                    await self._put(watcher.id, self._hub.progress())
                watcher.quiet = True

    async def end_without_leader(self) -> None:
        """End the stream when there has been no leader for a while: the client asked for that."""
        await self._gateway.leaderless.wait()
        self.leaderless = True
        await self.responses.put(None)

    async def _put(self, id: int, revision: int, **fields: Any) -> None:
        header = self._gateway.header(revision)
        await self.responses.put(rpc_pb2.WatchResponse(header=header, watch_id=id, **fields))

    def close(self) -> None:
        """End all watches."""
        for watcher in self._watchers.values():
            self._hub.remove(watcher)
