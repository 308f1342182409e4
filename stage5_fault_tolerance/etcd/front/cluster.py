"""The services Cluster and Maintenance, as far as there is what they are about."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from aetcd.rpc import rpc_pb2, rpc_pb2_grpc

from stage5_fault_tolerance.etcd.commands import Arm, Disarm, Dump, HashKV, MoveLeader, Status
from stage5_fault_tolerance.etcd.front.gateway import Gateway
from stage5_fault_tolerance.etcd.front.snapshot import file_of, pieces
from stage5_fault_tolerance.etcd.texts import BAD_TRANSFEREE, NO_LEADER, NO_SPACE

VERSION = "3.4.23"
"""Which etcd's API this is; what answers and errors are compared with in the tests."""

GET, ACTIVATE, DEACTIVATE = range(3)
ANY_ALARM, NO_SPACE_ALARM = range(2)


class Cluster(rpc_pb2_grpc.ClusterServicer):  # type: ignore[misc]
    """Who is there. Members are changed by Raft's own means (lab raft), not by this service."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def MemberList(self, request: Any, context: Any) -> Any:  # noqa: N802
        """All members, with the addresses for clients."""
        gateway = self._gateway
        status = await gateway.ask(Status(), context)
        members = [
            rpc_pb2.Member(ID=gateway.ids[name], name=name, clientURLs=[f"http://{endpoint}"])
            for name, endpoint in gateway.endpoints.items()
        ]
        header = gateway.header(status.revision)
        return rpc_pb2.MemberListResponse(header=header, members=members)


class Maintenance(rpc_pb2_grpc.MaintenanceServicer):  # type: ignore[misc]
    """How the servers are, and what they hold as a file."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def Status(self, request: Any, context: Any) -> Any:  # noqa: N802
        """How this server is."""
        gateway = self._gateway
        status = await gateway.ask(Status(), context)
        errors = [NO_LEADER] if status.leader is None else []
        if status.alarms:
            errors.append(NO_SPACE)
        return rpc_pb2.StatusResponse(
            header=gateway.header(status.revision),
            version=VERSION,
            dbSize=status.size,
            dbSizeInUse=status.size,
            leader=0 if status.leader is None else gateway.ids[status.leader],
            raftIndex=status.index,
            raftTerm=status.term,
            raftAppliedIndex=status.applied,
            errors=errors,
        )

    async def Alarm(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Tell which alarms are on, or raise or end one that space runs out.

        The answer names those that are on, or the one that was raised or ended.
        """
        gateway = self._gateway
        if request.alarm not in (ANY_ALARM, NO_SPACE_ALARM):
            text = "etcdserver: no alarm is known here but NOSPACE"
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, text)
        status = await gateway.ask(Status(), context)
        member = request.memberID
        told: tuple[int, ...] = status.alarms
        if request.action == ACTIVATE:
            await gateway.ask(Arm(member), context)
            told = (member,)
        elif request.action == DEACTIVATE:
            await gateway.ask(Disarm(member), context)
            told = (member,) if member in status.alarms else ()
        alarms = [rpc_pb2.AlarmMember(memberID=each, alarm=NO_SPACE_ALARM) for each in told]
        return rpc_pb2.AlarmResponse(header=gateway.header(0), alarms=alarms)  # as etcd does

    async def Defragment(self, request: Any, context: Any) -> Any:  # noqa: N802
        """There are no gaps to close: what is compacted is gone at once."""
        status = await self._gateway.ask(Status(), context)
        return rpc_pb2.DefragmentResponse(header=self._gateway.header(status.revision))

    async def Hash(self, request: Any, context: Any) -> Any:  # noqa: N802
        """A checksum of all that this server holds now."""
        gateway = self._gateway
        result = await gateway.ask(HashKV(0), context)
        return rpc_pb2.HashResponse(header=gateway.header(result.revision), hash=result.hash)

    async def Snapshot(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        """What this server holds, as a file that etcd's own tools read."""
        gateway = self._gateway
        held = await gateway.ask(Dump(), context)
        for piece, left in pieces(await asyncio.to_thread(file_of, held)):
            header = gateway.header(held.revision)
            yield rpc_pb2.SnapshotResponse(header=header, remaining_bytes=left, blob=piece)

    async def HashKV(self, request: Any, context: Any) -> Any:  # noqa: N802
        """A checksum of the history; servers that agree have the same one."""
        gateway = self._gateway
        result = await gateway.ask(HashKV(request.revision), context)
        return rpc_pb2.HashKVResponse(
            header=gateway.header(result.revision),
            hash=result.hash,
            compact_revision=result.compacted,
        )

    async def MoveLeader(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Let another member lead."""
        gateway = self._gateway
        names = [name for name, id in gateway.ids.items() if id == request.targetID]
        if not names:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, BAD_TRANSFEREE)
        result = await gateway.ask(MoveLeader(names[0]), context)
        return rpc_pb2.MoveLeaderResponse(header=gateway.header(result.revision))
