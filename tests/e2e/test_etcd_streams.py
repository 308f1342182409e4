"""Streams of the etcd facade where it is hard: no leader, slow readers, large histories."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aetcd", reason="aetcd is not installed: pip install -e '.[etcd]'")

import grpc
from aetcd.rpc import rpc_pb2, rpc_pb2_grpc

from common.runtime.launch import launch
from stage5_fault_tolerance.etcd.worlds import WORLDS
from tests.support.live import live

pytestmark = pytest.mark.needs("grpc")

LARGE = b"x" * 20_000
OPTIONS = [("grpc.max_receive_message_length", -1)]
LEADER_WANTED = (("hasleader", "true"),)


def create(**fields: Any) -> Any:
    """A request for a watch of everything."""
    wanted = {"key": b"\0", "range_end": b"\0", **fields}
    return rpc_pb2.WatchRequest(create_request=rpc_pb2.WatchCreateRequest(**wanted))


async def revisions(call: Any, last: int) -> list[int]:
    """The revisions of all events up to the one of revision ``last``."""
    seen: list[int] = []
    while not seen or seen[-1] < last:
        response = await asyncio.wait_for(call.read(), 30)
        seen += [event.kv.mod_revision for event in response.events]
    return seen


@pytest.mark.proof
@live
async def test_a_slow_watcher_and_a_late_one_are_told_everything_once(tmp_path: Path) -> None:
    async with (
        launch(WORLDS, tmp_path, members=1) as cluster,
        grpc.aio.insecure_channel(cluster.endpoints[0], options=OPTIONS) as channel,
    ):
        put = rpc_pb2_grpc.KVStub(channel).Put
        watch = rpc_pb2_grpc.WatchStub(channel).Watch
        slow, quick = watch(), watch()
        for call in (slow, quick):
            await call.write(create(prev_kv=True))
            assert (await call.read()).created
        reading = asyncio.create_task(revisions(quick, 301))
        for _ in range(10):
            requests = [rpc_pb2.PutRequest(key=b"k%d" % n, value=LARGE) for n in range(30)]
            await asyncio.gather(*(put(request) for request in requests))
        every = list(range(2, 302))
        assert await reading == every
        assert await revisions(slow, 301) == every, "12 MB waited for it"
        late = watch()
        await late.write(create(start_revision=2, fragment=True))
        assert await revisions(late, 301) == every
        await quick.write(rpc_pb2.WatchRequest(progress_request=rpc_pb2.WatchProgressRequest()))
        progress = await quick.read()
        assert (progress.watch_id, progress.header.revision) == (-1, 301)


@pytest.mark.proof
@live
async def test_a_watch_that_wants_a_leader_ends_without_one_and_another_goes_on(
    tmp_path: Path,
) -> None:
    async with (
        launch(WORLDS, tmp_path) as cluster,
        grpc.aio.insecure_channel(cluster.endpoints[0]) as channel,
    ):
        watch = rpc_pb2_grpc.WatchStub(channel).Watch
        wanting, patient = watch(metadata=LEADER_WANTED), watch()
        for call in (wanting, patient):
            await call.write(create())
            assert (await call.read()).created
        await asyncio.gather(*(cluster.running.kill(name) for name in ("n2", "n3")))
        code = await asyncio.wait_for(wanting.code(), 20)
        assert code is grpc.StatusCode.UNAVAILABLE
        assert await wanting.details() == "etcdserver: no leader"
        await asyncio.gather(*(cluster.running.restart(name) for name in ("n2", "n3")))
        put = rpc_pb2.PutRequest(key=b"again")
        await rpc_pb2_grpc.KVStub(channel).Put(put, timeout=30)
        (event,) = (await asyncio.wait_for(patient.read(), 20)).events
        assert event.kv.key == b"again"


@live
async def test_what_there_is_not_is_refused_as_such(tmp_path: Path) -> None:
    async with (
        launch(WORLDS, tmp_path, members=1) as cluster,
        grpc.aio.insecure_channel(cluster.endpoints[0]) as channel,
    ):
        members = rpc_pb2_grpc.ClusterStub(channel)
        users = rpc_pb2_grpc.AuthStub(channel)
        for call in (
            members.MemberAdd(rpc_pb2.MemberAddRequest()),
            members.MemberRemove(rpc_pb2.MemberRemoveRequest()),
            users.AuthEnable(rpc_pb2.AuthEnableRequest()),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        corrupt = rpc_pb2.AlarmRequest(action=1, alarm=2)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await rpc_pb2_grpc.MaintenanceStub(channel).Alarm(corrupt)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
