"""Graded suite of the lab ``echo``, third part: the client, answered by servers of our own."""

import asyncio
import time
from random import Random
from typing import Any

import pytest

from common.course.suites.grading import graded
from common.values.errors import BadInput
from common.values.units import MS, SECOND
from tests.stage1_foundations.echo.lab import EchoLab
from tests.stage1_foundations.echo.wire import (
    frame,
    honest,
    read_frame,
    run,
    scripted,
    serving,
    takes_in_what_it_answered,
)

LAB = "echo"


async def hangs_up_on_the_first_question(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(frame(await read_frame(reader)))
    await read_frame(reader)


def impatient_client(lab: EchoLab, address: tuple[str, int], **options: Any) -> Any:
    backoff = lab.Backoff(attempts=4, base=1 * MS, cap=4 * MS)
    return lab.EchoClient(*address, backoff=backoff, random=Random("jitter"), **options)


@graded(points=2, title="A request", requirement="the client takes frames as they come")
def test_a_request_gets_its_answer_though_it_comes_a_byte_at_a_time(lab: EchoLab) -> None:
    heard: list[bytes] = []

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heard.append(await read_frame(reader))
            for byte in frame(heard[-1]):
                writer.write(bytes([byte]))
                await writer.drain()

    async def talk() -> None:
        async with scripted(lab, drip) as address:
            client = impatient_client(lab, address)
            assert await client.request(b"hello") == b"hello"
            assert await client.request(b"") == b""
            client.drop()
        assert heard[-2:] == [b"hello", b""], "nobody has asked the server"

    run(talk())


@graded(points=3, title="Reconnect", requirement="an idempotent request survives a lost connection")
def test_a_request_is_asked_again_on_a_new_connection_when_the_server_hangs_up(
    lab: EchoLab,
) -> None:
    asked: list[str] = []

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append("rude")
        await hangs_up_on_the_first_question(reader, writer)

    async def polite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append("polite")
        await honest(reader, writer)

    async def talk() -> None:
        async with scripted(lab, rude, rude, polite) as address:
            client = impatient_client(lab, address)
            assert await client.request(b"hello") == b"hello"
            client.drop()
        assert asked == ["rude", "rude", "polite"]

    run(talk())


@graded(points=2, title="Nobody there", requirement="the client gives up, and says so")
def test_a_client_without_a_server_gives_up_after_its_attempts(lab: EchoLab) -> None:
    async def talk() -> None:
        async with scripted(lab, hangs_up_on_the_first_question) as address:
            client = impatient_client(lab, address)
            with pytest.raises(lab.NoAnswer, match="4 attempts.*hung up"):
                await client.request(b"hello")
        with pytest.raises(lab.NoAnswer, match="4 attempts.*connection refused"):
            await client.request(b"hello")
        patient = lab.Backoff(attempts=4, base=20 * MS, cap=80 * MS)
        client = lab.EchoClient(*address, backoff=patient, random=Random("patience"))
        began = time.monotonic()
        with pytest.raises(lab.NoAnswer):
            await client.request(b"hello")
        waited = sum(patient.delays(Random("patience")))
        assert time.monotonic() - began >= waited / SECOND, "it did not wait between attempts"

    run(talk())


@graded(points=3, title="A late answer", requirement="answers are never mixed up")
def test_a_late_answer_is_not_taken_for_the_answer_to_the_next_request(lab: EchoLab) -> None:
    heard: list[bytes] = []
    greeted: list[bytes] = []

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(await read_frame(reader))
        writer.write(frame(greeted[-1]))
        heard.append(await read_frame(reader))
        heard.append(await read_frame(reader))
        writer.write(b"".join(map(frame, heard)))
        await reader.read(-1)

    async def talk() -> None:
        async with scripted(lab, late, honest) as address:
            client = impatient_client(lab, address, answer_timeout=100 * MS)
            assert await client.request(b"first") == b"first"
            assert await client.request(b"second") == b"second"
            client.drop()
        assert heard in ([], [b"first"]), "a second question went where the first had no answer"
        assert greeted, "nobody has asked the server"

    run(talk())


@graded(points=2, title="Lies", requirement="an answer is checked")
def test_a_server_that_sends_back_something_else_is_not_believed(lab: EchoLab) -> None:
    async def liar(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(await read_frame(reader)))
        await read_frame(reader)
        writer.write(frame(b"lies"))
        await reader.read(-1)

    async def talk() -> None:
        async with scripted(lab, liar, honest) as address:
            client = impatient_client(lab, address)
            assert await client.request(b"hello") == b"hello"
            client.drop()
        async with scripted(lab, liar) as address:
            client = impatient_client(lab, address)
            with pytest.raises(lab.NoAnswer, match="something else"):
                await client.request(b"hello")
            with pytest.raises(BadInput, match="too long"):
                await client.request(b"x" * (64 * 1024 + 1))

    run(talk())


@graded(points=3, title="Pipelining", requirement="send and read side by side")
def test_many_payloads_go_out_without_waiting_and_all_come_back(lab: EchoLab) -> None:
    payloads = [b"%3d" % number * 7_000 for number in range(280)]  # more than buffers hold

    async def talk() -> None:
        async with scripted(lab, takes_in_what_it_answered, room=1 << 14) as address:
            client = impatient_client(lab, address, answer_timeout=3 * SECOND)
            assert await client.echo_all(payloads) == payloads
        async with serving(lab) as server:
            client = impatient_client(lab, server.address, answer_timeout=3 * SECOND)
            assert await client.request(b"before") == b"before"
            assert await client.echo_all(payloads[:9]) == payloads[:9]
            assert await client.echo_all([]) == []
            while server.server.connections:  # the one from before is let go as well
                await asyncio.sleep(0.01)

    run(talk())


@graded(points=2, title="Missing answers", requirement="the client counts its answers")
def test_a_server_that_closes_before_all_answers_are_there_is_reported(lab: EchoLab) -> None:
    async def one_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(await read_frame(reader)))
        writer.write(frame(await read_frame(reader)))
        await reader.read(-1)
        writer.write_eof()
        await writer.drain()

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(await read_frame(reader)) + b"\xff\xff\xff\xff")
        await reader.read(-1)

    async def talk() -> None:
        async with scripted(lab, one_answer) as address:
            with pytest.raises(lab.NoAnswer):
                await impatient_client(lab, address).echo_all([b"one", b"two"])
        with pytest.raises(lab.NoAnswer, match=": connection refused"):
            await impatient_client(lab, address).echo_all([b"one", b"two"])
        async with scripted(lab, rude) as address:
            with pytest.raises(lab.NoAnswer, match="announced"):
                await impatient_client(lab, address).echo_all([b"one", b"two"])

    run(talk())


@graded(points=2, title="Backoff", requirement="Brooker 2015: doubling, a cap, full jitter")
def test_the_delays_double_up_to_a_cap_and_are_drawn_from_the_whole_range(lab: EchoLab) -> None:
    backoff = lab.Backoff(attempts=6, base=100, cap=500)
    bounds = [0, 100, 200, 400, 500, 500]
    drawn = [list(backoff.delays(Random(f"client {number}"))) for number in range(300)]
    for delays in drawn:
        assert len(delays) == 6
        assert all(0 <= delay <= bound for delay, bound in zip(delays, bounds, strict=True))
    for attempt, bound in list(enumerate(bounds))[1:]:
        column = [delays[attempt] for delays in drawn]
        assert min(column) < bound * 0.1, "the shortest delays are never drawn"
        assert max(column) > bound * 0.9, "the longest delays are never drawn"
