"""The gRPC server under the facade: real clients, large messages, peers that break rules."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("aetcd", reason="aetcd is not installed: pip install -e '.[etcd]'")

import grpc
import hpack
from aetcd.rpc import kv_pb2, rpc_pb2, rpc_pb2_grpc

from common.runtime.facade import free_ports
from stage5_fault_tolerance.etcd_grpc import http2_frames as h2
from stage5_fault_tolerance.etcd_grpc.grpc_server import GrpcServer
from tests.support.live import eventually, live

pytestmark = pytest.mark.needs("grpc")

PUT = "/etcdserverpb.KV/Put"


class KV(rpc_pb2_grpc.KVServicer):  # type: ignore[misc]
    """Answers a Put with what was put, or does what the key says."""

    def __init__(self) -> None:
        self.waiting = 0

    async def Put(self, request: Any, context: Any) -> Any:  # noqa: N802
        match request.key:
            case b"abort":
                await context.abort(grpc.StatusCode.NOT_FOUND, "nicht da: 100 % é")
            case b"fail":
                raise ValueError("a secret")
            case b"wait":
                self.waiting += 1
                try:
                    await asyncio.Event().wait()
                finally:
                    self.waiting -= 1
        value = request.value * (request.lease or 1)
        return rpc_pb2.PutResponse(prev_kv=kv_pb2.KeyValue(key=request.key, value=value))


class Watch(rpc_pb2_grpc.WatchServicer):  # type: ignore[misc]
    """Answers each request with so many responses as its cancel_request's number says."""

    async def Watch(  # noqa: N802
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        async for request in requests:
            for number in range(request.cancel_request.watch_id):
                yield rpc_pb2.WatchResponse(watch_id=number, cancel_reason="x" * 10_000)
        if dict(context.invocation_metadata()).get("sad") == "true":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "sad end")


@asynccontextmanager
async def served() -> AsyncIterator[tuple[int, KV, list[str]]]:
    """A server on some port; yields it, its servicer, and what it logs."""
    log: list[str] = []
    server, kv = GrpcServer(log.append), KV()
    rpc_pb2_grpc.add_KVServicer_to_server(kv, server)
    rpc_pb2_grpc.add_WatchServicer_to_server(Watch(), server)
    (port,) = free_ports("127.0.0.1", 1)
    await server.start("127.0.0.1", port)
    try:
        yield port, kv, log
    finally:
        await server.stop()


def channel(port: int) -> Any:
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    return grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options)


@live
async def test_calls_answers_and_failures_cross_the_wire() -> None:
    async with served() as (port, _, log), channel(port) as client:
        put = rpc_pb2_grpc.KVStub(client).Put
        answers = await asyncio.gather(
            *(put(rpc_pb2.PutRequest(key=b"k%d" % n, value=b"v")) for n in range(500))
        )
        assert [each.prev_kv.key for each in answers] == [b"k%d" % n for n in range(500)]
        with pytest.raises(grpc.aio.AioRpcError) as aborted:
            await put(rpc_pb2.PutRequest(key=b"abort"))
        assert aborted.value.code() is grpc.StatusCode.NOT_FOUND
        assert aborted.value.details() == "nicht da: 100 % é"
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await put(rpc_pb2.PutRequest(key=b"fail"))
        assert failed.value.code() is grpc.StatusCode.INTERNAL
        assert "a secret" not in (failed.value.details() or "")
        assert log == [f"{PUT}: ValueError: a secret"]
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await rpc_pb2_grpc.AuthStub(client).AuthEnable(rpc_pb2.AuthEnableRequest())
        assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED


@live
async def test_large_messages_wait_for_windows_and_too_large_ones_are_refused() -> None:
    async with served() as (port, _, _), channel(port) as client:
        put = rpc_pb2_grpc.KVStub(client).Put
        for size, times in ((100_000, 1), (1_500_000, 1), (100_000, 200)):
            request = rpc_pb2.PutRequest(key=b"k", value=b"x" * size, lease=times)
            answers = await asyncio.gather(*(put(request) for _ in range(3)))
            assert {len(each.prev_kv.value) for each in answers} == {size * times}
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await put(rpc_pb2.PutRequest(key=b"k", value=b"x" * 3_000_000))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await put(rpc_pb2.PutRequest(key=b"k"))).prev_kv.key == b"k"


@live
async def test_a_stream_goes_both_ways_and_waits_for_a_slow_reader() -> None:
    async with served() as (port, _, _), channel(port) as client:
        watch = rpc_pb2_grpc.WatchStub(client).Watch
        call = watch(metadata=(("sad", "true"),))
        for count in (1, 3, 400):
            cancel = rpc_pb2.WatchCancelRequest(watch_id=count)
            await call.write(rpc_pb2.WatchRequest(cancel_request=cancel))
        await asyncio.sleep(0.2)  # meanwhile 4 MB are not read
        seen = [(await call.read()).watch_id for _ in range(404)]
        assert seen == [0, *range(3), *range(400)]
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.UNAVAILABLE
        assert await call.details() == "sad end"
        quiet = watch()
        await quiet.done_writing()
        assert await quiet.read() is grpc.aio.EOF
        assert await quiet.code() is grpc.StatusCode.OK


@live
async def test_a_call_ends_with_its_deadline_and_with_its_connection() -> None:
    async with served() as (port, kv, _):
        async with channel(port) as client:
            put = rpc_pb2_grpc.KVStub(client).Put
            with pytest.raises(grpc.aio.AioRpcError) as late:
                await put(rpc_pb2.PutRequest(key=b"wait"), timeout=0.1)
            assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            await eventually(lambda: kv.waiting == 0)
            waiting = asyncio.ensure_future(put(rpc_pb2.PutRequest(key=b"wait")))
            await eventually(lambda: kv.waiting == 1)
            waiting.cancel()
        await eventually(lambda: kv.waiting == 0)


def opening(path: str = PUT, flags: int = h2.END_HEADERS, stream: int = 1) -> bytes:
    """A request's headers."""
    block = hpack.Encoder().encode(
        [(":method", "POST"), (":scheme", "http"), (":path", path), ("te", "trailers")]
    )
    return h2.frame(h2.HEADERS, flags, stream, block)


BROKEN = {
    "no HTTP/2": b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + b" " * 24,
    "a frame that is too long": h2.PREFACE + h2.frame(h2.DATA, 0, 1, b"x" * 20_000),
    "a header block that is none": h2.PREFACE + h2.frame(h2.HEADERS, 4, 1, b"\xff\xff\xff\xff"),
    "an even stream": h2.PREFACE + opening(stream=2),
    "a stream again": h2.PREFACE + opening(stream=3) + opening(stream=1),
    "more padding than data": h2.PREFACE + h2.frame(h2.HEADERS, 4 | 8, 1, b"\x09a"),
    "half a setting": h2.PREFACE + h2.frame(h2.SETTINGS, 0, 0, b"abc"),
    "half a number": h2.PREFACE + h2.frame(h2.WINDOW_UPDATE, 0, 0, b"ab"),
    "a window without bound": h2.PREFACE + h2.window_update(0, 2**31 - 1),
    "a block cut by another frame": h2.PREFACE
    + opening(flags=0)
    + h2.frame(h2.PING, 0, 0, b"8" * 8),
    "a block that goes on from nowhere": h2.PREFACE + h2.frame(h2.CONTINUATION, 4, 1, b""),
    "headers without end": h2.PREFACE
    + opening(flags=0)
    + h2.frame(h2.CONTINUATION, 0, 1, b"\x00" * 16_000) * 2,
}


@pytest.mark.parametrize("what", BROKEN)
def test_who_breaks_the_rules_is_told_goodbye_and_others_are_served(what: str) -> None:
    @live
    async def scenario() -> None:
        async with served() as (port, _, log):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(BROKEN[what])
            said = await asyncio.wait_for(reader.read(), 5)
            size, kind, _, _ = h2.head_of(said, len(said) - 17)
            assert (size, kind) == (8, h2.GOAWAY)
            writer.close()
            async with channel(port) as client:
                put = rpc_pb2_grpc.KVStub(client).Put
                assert (await put(rpc_pb2.PutRequest(key=b"k"))).prev_kv.key == b"k"
            assert log == []

    scenario()


@live
async def test_odd_requests_are_refused_by_status_and_the_connection_lives() -> None:
    bodies = {
        b"": grpc.StatusCode.INTERNAL,
        b"\x00\x00\x00\x00\x05ab": grpc.StatusCode.INTERNAL,
        b"\x01\x00\x00\x00\x01a": grpc.StatusCode.UNIMPLEMENTED,
        b"\x00\x7f\x00\x00\x00": grpc.StatusCode.RESOURCE_EXHAUSTED,
        b"\x00\x00\x00\x00\x04\xff\xff\xff\xff": grpc.StatusCode.INTERNAL,
    }
    async with served() as (port, _, log):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(h2.PREFACE + h2.settings())
        for number, (body, code) in enumerate(bodies.items()):
            stream = 2 * number + 1
            writer.write(opening(stream=stream) + h2.frame(h2.DATA, h2.END_STREAM, stream, body))
            status = b"grpc-status" + bytes([len(str(code.value[0]))]) + b"%d" % code.value[0]
            said = b""
            while status not in said:
                said += await asyncio.wait_for(reader.read(1000), 5)
        writer.close()
        assert log == []
