"""Unmodified gRPC clients call the lab ``rpc``: ``buf curl``, and grpcio's own."""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("grpc_tools", reason="grpcio-tools is missing: pip install -e '.[rpc]'")

import grpc

from common.runtime.launch import launch
from stage2_communication.rpc.front.facade import PROTO, messages, services
from stage2_communication.rpc.worlds import WORLDS
from tests.support.live import live

ROOT = Path(__file__).parents[2]
BUF = Path(sys.executable).parent / "buf"
COURSE_CALL = "-H", "caller: buf"


async def buf(endpoint: str, method: str, *options: str, data: str = "{}") -> tuple[int, str]:
    """Run ``buf curl``; its exit code, and what it prints."""
    program = str(BUF) if BUF.exists() else shutil.which("buf")
    if program is None:
        pytest.skip("buf is missing: pip install -e '.[rpc]'")
    command = [program, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--schema", PROTO]
    command += [*options, "-d", data, f"http://{endpoint}/course.Account/{method}"]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, said.decode()


def parts(said: str) -> list[Any]:
    """The JSON objects of a stream, one after the other."""
    decoder, found, said = json.JSONDecoder(), [], said.strip()
    while said:
        part, end = decoder.raw_decode(said)
        found.append(part)
        said = said[end:].strip()
    return found


@live
async def test_buf_curl_calls_once_however_often_it_retries_and_over_sigkill(
    tmp_path: Path,
) -> None:
    async with launch(WORLDS, tmp_path) as cluster:
        (endpoint,) = cluster.endpoints
        first = await buf(endpoint, "Deposit", *COURSE_CALL, data='{"amount": 5}')
        assert first == (0, '{\n  "balance": "5"\n}\n'), first
        marked = (*COURSE_CALL, "-H", "call-id: 1-7")
        assert parts((await buf(endpoint, "Deposit", *marked, data='{"amount": 6}'))[1]) == [
            {"balance": "11"}
        ]
        await cluster.running.kill("n1")
        await cluster.running.restart("n1")
        again = await buf(endpoint, "Deposit", *marked, data='{"amount": 6}')
        assert parts(again[1]) == [{"balance": "11"}], "the first result, word for word"
        code, refused = await buf(endpoint, "Withdraw", *COURSE_CALL, data='{"amount": 100}')
        assert code
        assert "failed_precondition" in refused
        assert "the balance is 11" in refused
        code, entries = await buf(endpoint, "Entries", *COURSE_CALL)
        assert code == 0
        assert [part.get("amount") for part in parts(entries)] == ["5", "6"]


@live
async def test_a_call_without_identity_or_with_a_wrong_id_is_refused_in_a_sentence(
    tmp_path: Path,
) -> None:
    async with launch(WORLDS, tmp_path) as cluster:
        (endpoint,) = cluster.endpoints
        code, said = await buf(endpoint, "Deposit", data='{"amount": 5}')
        assert code
        assert "unauthenticated" in said
        assert "send metadata caller" in said
        code, said = await buf(endpoint, "Entries")
        assert "unauthenticated" in said
        wrong = (*COURSE_CALL, "-H", "call-id: seven")
        code, said = await buf(endpoint, "Deposit", *wrong, data='{"amount": 5}')
        assert code
        assert "send INCARNATION-NUMBER" in said


@live
async def test_grpcios_own_client_calls_streams_and_gives_up_at_its_deadline(
    tmp_path: Path,
) -> None:
    async with launch(WORLDS, tmp_path, variant="busy", work=300_000) as cluster:
        (endpoint,) = cluster.endpoints
        async with grpc.aio.insecure_channel(endpoint) as channel:
            stub = services.AccountStub(channel)
            me = (("caller", "me"),)
            balance = await stub.Deposit(messages.Amount(amount=5), metadata=me, timeout=20)
            assert balance.balance == 5
            slow = stub.Deposit(messages.Amount(amount=6), metadata=(("caller", "other"),))
            hasty = (("caller", "me"), ("call-id", "1-50"))
            with pytest.raises(grpc.aio.AioRpcError) as late:
                await stub.Deposit(messages.Amount(amount=7), metadata=hasty, timeout=0.1)
            assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert (await slow).balance == 11
            with pytest.raises(grpc.aio.AioRpcError) as never:
                await stub.Deposit(messages.Amount(amount=7), metadata=hasty, timeout=20)
            assert never.value.code() is grpc.StatusCode.FAILED_PRECONDITION
            asked = stub.Entries(messages.Nothing(), metadata=me, timeout=20)
            assert [(entry.position, entry.amount) async for entry in asked] == [(0, 5), (1, 6)]
            unknown = channel.unary_unary("/course.Account/Rob")
            with pytest.raises(grpc.aio.AioRpcError) as none:
                await unknown(b"", metadata=me)
            assert none.value.code() is grpc.StatusCode.UNIMPLEMENTED
