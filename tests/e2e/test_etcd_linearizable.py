"""What gRPC clients are told while servers are killed is linearizable; watches tell it all."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("aetcd", reason="aetcd is not installed: pip install -e '.[etcd]'")

import grpc
from aetcd.rpc import rpc_pb2, rpc_pb2_grpc

from common.check.linearizability import check_linearizability
from common.check.models import KEY_VALUE
from common.check.verdict import Answer
from common.runtime.clock import Clock
from common.runtime.launch import Launched, launch
from common.values.history import Failed, History, Ok, Outcome, Unknown
from common.values.units import SECOND
from stage5_fault_tolerance.etcd.worlds import WORLDS
from tests.support.live import eventually, live

pytestmark = pytest.mark.needs("grpc", "etcd")

KEYS = ("x", "y", "z")
CLIENTS = 6
KILLS = 4
PATIENCE = 3.0
PAUSE = 0.01


class Worker:
    """One client, which asks one server at a time, another one after each failure.

    Args:
        name: of the client, in the history.
        endpoints: of the servers.
        history: where to write down what was asked and told.
        clock: of the history.
    """

    def __init__(self, name: str, endpoints: list[str], history: History, clock: Clock) -> None:
        self._random = Random(name)
        self._name, self._lives = name, 0
        self._stubs = [
            rpc_pb2_grpc.KVStub(grpc.aio.insecure_channel(endpoint)) for endpoint in endpoints
        ]
        self._stub = self._random.choice(self._stubs)
        self._history, self._clock = history, clock

    async def work(self, stopped: asyncio.Event) -> None:
        """Ask one thing after the other."""
        number = 0
        while not stopped.is_set():
            number += 1
            await self._ask(self._random.choice(KEYS), f"{self._name}.{number}")
            await asyncio.sleep(PAUSE)

    async def _ask(self, key: str, value: str) -> None:
        function = self._random.choice(("get", "get", "put", "compare-and-set", "delete"))
        argument: Any = {"put": value, "compare-and-set": (None, value)}.get(function)
        process = f"{self._name}/{self._lives}"
        written = self._history.invoke(process, function, key, argument, self._clock.world())
        outcome: Outcome
        try:
            outcome = Ok(await self._call(function, key.encode(), value.encode()))
        except grpc.RpcError:
            outcome = Failed() if function == "get" else Unknown()
            self._stub = self._random.choice(self._stubs)
            self._lives += 1
        self._history.finish(written, outcome, self._clock.world())

    async def _call(self, function: str, key: bytes, value: bytes) -> object:
        put = rpc_pb2.PutRequest(key=key, value=value)
        match function:
            case "get":
                range = rpc_pb2.RangeRequest(key=key)
                found = await self._stub.Range(range, timeout=PATIENCE)
                return found.kvs[0].value.decode() if found.kvs else None
            case "put":
                await self._stub.Put(put, timeout=PATIENCE)
                return None
            case "delete":
                request = rpc_pb2.DeleteRangeRequest(key=key)
                deleted = (await self._stub.DeleteRange(request, timeout=PATIENCE)).deleted
                return bool(deleted)
        absent = rpc_pb2.Compare(key=key, target="VERSION", result="EQUAL", version=0)
        request = rpc_pb2.TxnRequest(compare=[absent], success=[_op(put)])
        return (await self._stub.Txn(request, timeout=PATIENCE)).succeeded


def _op(put: Any) -> Any:
    return rpc_pb2.RequestOp(request_put=put)


async def watch(endpoint: str, seen: list[tuple[int, bytes, int]], last: bytes) -> None:
    """Note all events of one server, going on after the last revision seen when it was killed."""
    while not seen or seen[-1][1] != last:
        start = seen[-1][0] + 1 if seen else 1
        create = rpc_pb2.WatchCreateRequest(key=b"\0", range_end=b"\0", start_revision=start)
        async with grpc.aio.insecure_channel(endpoint) as channel:
            call = rpc_pb2_grpc.WatchStub(channel).Watch()
            try:
                await call.write(rpc_pb2.WatchRequest(create_request=create))
                while not seen or seen[-1][1] != last:
                    response = await call.read()
                    if response is grpc.aio.EOF:
                        break
                    for event in response.events:
                        seen.append((event.kv.mod_revision, event.kv.key, event.type))
            except grpc.RpcError:
                await asyncio.sleep(0.1)


async def kill_some(cluster: Launched, random: Random) -> None:
    """Kill leaders and others, one at a time."""
    for _ in range(KILLS):
        await asyncio.sleep(0.5)
        leader = await cluster.leader()
        victim = leader if leader and random.random() < 0.7 else random.choice(["n1", "n2", "n3"])
        await cluster.running.kill(victim)
        await asyncio.sleep(0.7)
        await cluster.running.restart(victim)


@pytest.mark.proof
@live
async def test_what_clients_were_told_is_linearizable_and_watches_tell_it_all(
    tmp_path: Path,
) -> None:
    history, clock, stopped = History(), Clock.starting_now(), asyncio.Event()
    last = b"~last"
    async with launch(WORLDS, tmp_path, snapshot_every=50) as cluster:
        seen: list[list[tuple[int, bytes, int]]] = [[] for _ in cluster.endpoints]
        watches = [
            asyncio.create_task(watch(endpoint, events, last))
            for endpoint, events in zip(cluster.endpoints, seen, strict=True)
        ]
        workers = [
            Worker(f"c{number}", cluster.endpoints, history, clock) for number in range(CLIENTS)
        ]
        tasks = [asyncio.create_task(worker.work(stopped)) for worker in workers]
        await kill_some(cluster, Random(1))
        await asyncio.sleep(0.5)
        stopped.set()
        await asyncio.gather(*tasks)

        async def ended() -> bool:
            try:
                await workers[0]._call("put", last, b"")
            except grpc.RpcError:
                return False
            return True

        await eventually(ended)
        await asyncio.wait_for(asyncio.gather(*watches), 20)
    verdict = check_linearizability(history, KEY_VALUE)
    assert verdict.answer is Answer.YES, verdict.sentence
    oks = [each for each in history if isinstance(each.outcome, Ok)]
    assert len(oks) > 300, "most of the time they were answered"
    for events in seen:
        assert events == seen[0], "every server tells the same"
        revisions = [revision for revision, *_ in events]
        assert revisions == sorted(set(revisions)), "each revision once, in order"
        assert revisions == list(range(2, revisions[-1] + 1)), "and none is left out"
    assert any(each.returned_at and each.returned_at > 2 * SECOND for each in oks)
