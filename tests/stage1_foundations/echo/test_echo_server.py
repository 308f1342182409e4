"""Graded suite of the lab ``echo``, second part: the server, seen through plain sockets."""

import asyncio
import struct

import pytest

from common.course.suites.grading import graded
from common.values.units import MS, SECOND
from tests.stage1_foundations.echo.lab import EchoLab
from tests.stage1_foundations.echo.wire import (
    GREETING,
    connected,
    frame,
    read_frame,
    run,
    serving,
    the_rest,
)

LAB = "echo"


@graded(points=3, title="Echo", requirement="every frame comes back as it is, in order")
def test_every_payload_comes_back_in_order_however_it_is_sent(lab: EchoLab) -> None:
    payloads = [b"", b"one", GREETING, bytes(range(256)) * 50, b"last"]

    async def talk() -> None:
        async with serving(lab) as server, connected(server) as (reader, writer):
            for payload in payloads:
                writer.write(frame(payload))
                assert await read_frame(reader) == payload
            writer.write(b"".join(map(frame, payloads)))
            assert [await read_frame(reader) for _ in payloads] == payloads
            for byte in frame(b"drip"):
                writer.write(bytes([byte]))
                await writer.drain()
            assert await read_frame(reader) == b"drip"
            said = frame(GREETING) + frame(b"at once")
            for cut in (len(said), 6, 1):
                async with connected(server, greet=False) as (reader, writer):
                    for start in range(0, len(said), cut):
                        writer.write(said[start : start + cut])
                        await asyncio.sleep(0.001)
                    assert [await read_frame(reader) for _ in range(2)] == [GREETING, b"at once"]

    run(talk())


@graded(points=3, title="Half-close", requirement="RFC 9293, 3.6: a closed side still receives")
def test_a_client_that_ends_its_side_still_gets_every_answer_and_then_the_end(lab: EchoLab) -> None:
    async def talk() -> None:
        async with serving(lab) as server, connected(server) as (reader, writer):
            writer.write(frame(b"x" * 5000) * 200)
            writer.write_eof()
            answers = await reader.read(-1)
            assert answers == frame(b"x" * 5000) * 200

    run(talk())


@graded(points=2, title="Cut inside a frame", requirement="half a frame has no effect")
def test_a_client_that_ends_its_side_inside_a_frame_gets_no_answer_to_it(lab: EchoLab) -> None:
    async def talk() -> None:
        async with serving(lab) as server, connected(server) as (reader, writer):
            writer.write(frame(b"whole") + frame(b"half")[:6])
            writer.write_eof()
            assert await read_frame(reader) == b"whole"
            assert await the_rest(reader) == b""

    run(talk())


@graded(points=3, title="64 connections", requirement="many clients at once")
def test_sixty_four_clients_are_served_at_once(lab: EchoLab) -> None:
    async def talk() -> None:
        async with serving(lab) as server:
            everyone_greeted = asyncio.Barrier(64)

            async def client(number: int) -> None:
                async with connected(server) as (reader, writer):
                    await everyone_greeted.wait()
                    for question in range(5):
                        payload = b"%d asks %d" % (number, question)
                        writer.write(frame(payload))
                        assert await read_frame(reader) == payload

            await asyncio.gather(*map(client, range(64)))

    run(talk())


@graded(points=2, title="A slow reader", requirement="back-pressure loses nothing")
def test_a_client_that_reads_slowly_gets_every_byte(lab: EchoLab) -> None:
    sent = frame(b"slow" * 4096) * 64

    async def talk() -> None:
        async with serving(lab, write_buffer=4096) as server, connected(server) as pair:
            reader, writer = pair
            writer.write(sent)
            writer.write_eof()
            answers = b""
            while data := await reader.read(3000):
                answers += data
            assert answers == sent

    run(talk())


@graded(points=3, title="A client that never reads", requirement="buffers are bounded")
def test_a_server_does_not_collect_the_answers_that_a_client_never_reads(lab: EchoLab) -> None:
    flood = frame(b"x" * 60_000)
    most = 32 * 1024 * 1024

    async def talk() -> None:
        async with serving(lab, idle_timeout=300 * MS) as server:
            async with connected(server) as (_, writer):
                written = 0
                try:
                    while written < most:
                        writer.write(flood)
                        await writer.drain()
                        written += len(flood)
                except ConnectionError:
                    pass
                assert written < most, "the server read 32 MiB whose answers nobody took"
            async with connected(server) as (reader, writer):
                writer.write(frame(b"next, please"))
                assert await read_frame(reader) == b"next, please"

    run(talk())


@graded(points=2, title="Silence", requirement="the handshake is bounded in time")
def test_a_client_that_does_not_greet_is_hung_up_on(lab: EchoLab) -> None:
    async def talk() -> None:
        async with serving(lab, handshake_timeout=30 * MS) as server:
            for said in (b"", b"\x00\x00", frame(GREETING)[:-1]):
                async with connected(server, greet=False) as (reader, writer):
                    writer.write(said)
                    assert await the_rest(reader) == b"", f"the server answered {said!r}"

    run(talk())


@graded(points=2, title="Dripping", requirement="idle means: no complete frame")
def test_a_client_that_sends_a_byte_now_and_then_does_not_keep_its_place(lab: EchoLab) -> None:
    async def talk() -> None:
        async with serving(lab, idle_timeout=60 * MS) as server, connected(server) as pair:
            reader, writer = pair
            writer.write(frame(b"on time"))
            assert await reader.readexactly(len(frame(b"on time"))) == frame(b"on time")

            async def drip() -> None:
                writer.write(struct.pack(">I", 10_000))
                while not reader.at_eof() and not writer.is_closing():
                    writer.write(b"x")
                    await asyncio.sleep(0.005)

            dripping = asyncio.create_task(drip())
            assert await the_rest(reader) == b""
            dripping.cancel()

    run(talk())


@graded(points=1, title="Going on", requirement="a client that goes on is not idle")
def test_a_client_that_goes_on_outlives_the_time_to_greet(lab: EchoLab) -> None:
    async def talk() -> None:
        async with serving(lab, handshake_timeout=100 * MS) as server, connected(server) as pair:
            reader, writer = pair
            async with connected(server, greet=False) as (silent, _):
                assert await the_rest(silent) == b"", "the time to greet has passed"
            writer.write(frame(b"still here"))
            assert await read_frame(reader) == b"still here"

    run(talk())


@graded(points=2, title="Rude clients", requirement="one client's errors are its own")
def test_a_stranger_is_hung_up_on_and_nobody_else_is(lab: EchoLab) -> None:
    web_browser = b"GET / HTTP/1.1\r\nHost: echo\r\n\r\n"

    async def talk() -> None:
        async with serving(lab) as server, connected(server) as (reader, writer):
            for said in (web_browser, b"\xff\xff\xff\xff", frame(b"echo 2"), frame(b"")):
                async with connected(server, greet=False) as (strange_reader, stranger):
                    stranger.write(said)
                    assert await the_rest(strange_reader) == b"", f"the server answered {said!r}"
                writer.write(frame(b"and me?"))
                assert await read_frame(reader) == b"and me?"

    run(talk())


@graded(points=1, title="Too many", requirement="connections are bounded in number")
def test_a_client_too_many_is_hung_up_on_until_another_leaves(lab: EchoLab) -> None:
    async def talk() -> None:
        async with serving(lab, max_connections=1, handshake_timeout=60 * SECOND) as server:
            async with connected(server) as (reader, writer):
                async with connected(server, greet=False) as (second, _):
                    assert await the_rest(second) == b""
                writer.write_eof()
                assert await the_rest(reader) == b""
            await asyncio.gather(*server.server.connections)
            async with connected(server):
                pass

    run(talk())


@graded(points=3, title="Stop", requirement="a graceful stop takes back no word")
def test_a_stopping_server_finishes_its_answers_closes_and_takes_nobody_new(lab: EchoLab) -> None:
    answer = frame(b"x" * 50_000)

    async def talk() -> None:
        async with (
            serving(lab) as server,
            connected(server) as (reader, writer),
            connected(server) as (idle, _),
            connected(server) as (second, _),
            connected(server) as (third, _),
        ):
            writer.write(answer * 400)
            assert await reader.readexactly(len(answer)) == answer
            address = server.address
            stopping = asyncio.ensure_future(server.server.stop(grace=60 * SECOND))
            rest = await the_rest(reader)
            assert len(rest) % len(answer) == 0, "an answer was cut in the middle"
            assert len(rest) < len(answer) * 399, "a stopping server went on reading"
            assert [await each.read(-1) for each in (idle, second, third)] == [b""] * 3
            await stopping
            with pytest.raises(OSError):
                lab.connect(address)

    run(talk())


@graded(points=2, title="Stop in the middle of a read", requirement="what was read is answered")
def test_a_stopping_server_answers_all_that_it_has_read(lab: EchoLab) -> None:
    """It waits for room after the first of twenty frames that came in one piece, and another client
    has nothing to say."""
    frames = [frame(b"%d" % number) for number in range(20)]

    async def talk() -> None:
        async with (
            serving(lab) as server,
            connected(server) as (reader, writer),
            connected(server),
        ):
            accepted, _ = server.server.connections.values()
            protocol = accepted.transport.get_protocol()
            protocol.pause_writing()
            writer.write(b"".join(frames))
            assert await reader.readexactly(len(frames[0])) == frames[0]
            stopping = asyncio.ensure_future(server.server.stop(grace=60 * SECOND))
            await asyncio.sleep(0.02)
            protocol.resume_writing()
            assert await the_rest(reader) == b"".join(frames[1:]), "it had read all of them"
            await stopping

    run(talk())


async def flood(writer: asyncio.StreamWriter) -> None:
    """Send without end. Raises: TimeoutError, once the server does not take any more."""
    while True:
        writer.write(frame(b"x" * 60_000) * 50)
        async with asyncio.timeout(0.1):
            await writer.drain()


@graded(points=1, title="Stop, against their will", requirement="a stop is bounded in time")
def test_a_stopping_server_does_not_wait_for_ever_for_a_client_that_never_reads(
    lab: EchoLab,
) -> None:
    async def talk() -> None:
        async with (
            serving(lab, write_buffer=4096) as server,
            connected(server) as (_, first),
            connected(server) as (_, second),
        ):
            for writer in (first, second):
                with pytest.raises(TimeoutError):
                    await flood(writer)
            await server.server.stop(grace=20 * MS)
            assert not server.server.connections
        await lab.EchoServer().stop()

    run(talk())
