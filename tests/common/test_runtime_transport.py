"""Transports on real sockets, and what strangers and bad peers do to them."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, ClassVar, cast

import pytest

from common.codec import FrameReader, frame
from common.runtime import transport as limits
from common.runtime.handshake import Handshake, Identity, refusal
from common.runtime.transport import Transport
from common.values.errors import BadInput, RemoteProtocolError
from tests.support.live import eventually, live

SECRET = b"secret"


class End:
    """One transport with everything that it reports."""

    opened: ClassVar[list["End"]] = []

    def __init__(self, id: str, handshake_seconds: float = 5.0) -> None:
        self.opened.append(self)
        self.frames: list[tuple[str, bytes]] = []
        self.drops: list[tuple[str, bytes, str]] = []
        self.log: list[str] = []
        self.refuse = b"refuse this"
        self.transport = Transport(
            Identity("lab", id, SECRET),
            self.take,
            lambda to, frame, why: self.drops.append((to, frame, why)),
            self.log.append,
            max_frame=100_000,
            handshake_seconds=handshake_seconds,
        )

    def take(self, sender: str, payload: bytes) -> None:
        """Keep what arrives, unless it is the frame to refuse."""
        if payload == self.refuse:
            raise RemoteProtocolError("not this one")
        self.frames.append((sender, payload))

    def got(self, count: int) -> Callable[[], bool]:
        """Whether so many frames came."""
        return lambda: len(self.frames) >= count

    async def close(self) -> None:
        """Close the transport."""
        await self.transport.close()


def on_ends(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A live test that closes its transports, however it ends."""

    @live
    @functools.wraps(test)
    async def closing() -> None:
        try:
            await test()
        finally:
            while End.opened:
                await End.opened.pop().close()

    return closing


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection, as a stranger has it."""
    return await asyncio.open_connection("127.0.0.1", port)


async def shake(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, id: str = "c1", size: int = 4096
) -> None:
    """Do the handshake of a client by hand, reading at most ``size`` bytes at a time."""
    handshake, frames = Handshake(Identity("lab", id, SECRET), "dialer", "n1"), FrameReader()
    for payload in handshake.opening():
        writer.write(frame(payload))
    while not handshake.done:
        for payload in frames.feed(await reader.read(size)):
            for answer in handshake.receive(payload):
                writer.write(frame(answer))


async def pair() -> tuple[End, End, int]:
    """Two transports; the second knows where the first listens."""
    n1, n2 = End("n1"), End("n2")
    port = await n1.transport.listen()
    n2.transport.know({"n1": ("127.0.0.1", port)})
    return n1, n2, port


@on_ends
async def test_frames_arrive_whole_and_in_order_both_ways_on_one_connection() -> None:
    n1, n2, _ = await pair()
    payloads = [bytes([number % 256]) * (number * 37 % 5_000) for number in range(300)]
    for payload in payloads:
        n2.transport.send("n1", frame(payload))
    await eventually(n1.got(300))
    assert n1.frames == [("n2", payload) for payload in payloads]
    n1.transport.send("n2", frame(b"answer"))  # n1 has no address of n2
    await eventually(n2.got(1))
    assert n2.frames == [("n1", b"answer")]


@on_ends
async def test_a_frame_may_come_one_byte_at_a_time() -> None:
    n1 = End("n1")
    reader, writer = await connect(await n1.transport.listen())
    await shake(reader, writer)
    for byte in frame(b"slow") + frame(b"er"):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    await eventually(n1.got(2))
    assert [payload for _, payload in n1.frames] == [b"slow", b"er"]
    writer.close()


@on_ends
async def test_messages_may_ride_in_the_same_write_as_the_end_of_the_handshake() -> None:
    n1 = End("n1")
    reader, writer = await connect(await n1.transport.listen())
    handshake = Handshake(Identity("lab", "c1", SECRET), "dialer", "n1")
    writer.write(frame(handshake.opening()[0]))
    (hello,) = FrameReader().feed(await reader.read(4096))
    (proof,) = handshake.receive(hello)
    writer.write(frame(proof) + frame(b"x" * 50_000))  # larger than a handshake may be
    await eventually(n1.got(1))
    assert n1.frames == [("c1", b"x" * 50_000)]
    writer.close()


@on_ends
async def test_random_bytes_close_the_connection_and_the_node_lives() -> None:
    n1 = End("n1")
    port = await n1.transport.listen()
    random = Random(7)
    for _ in range(50):
        reader, writer = await connect(port)
        writer.write(random.randbytes(random.randrange(5, 3000)))
        writer.write(b"\xff" * 8)
        await _read_to_end(reader)
        writer.close()
    assert not n1.frames
    assert n1.transport.counters["connections_refused"] == 50
    assert all("closed the connection with 127.0.0.1" in line for line in n1.log)
    reader, writer = await connect(port)
    await shake(reader, writer)
    writer.close()


@on_ends
async def test_a_length_of_4_gib_is_refused_before_and_after_the_handshake() -> None:
    n1 = End("n1")
    port = await n1.transport.listen()
    for shaken in (False, True):
        reader, writer = await connect(port)
        if shaken:
            await shake(reader, writer)
        writer.write(b"\xff\xff\xff\xff")
        await _read_to_end(reader)
        assert "a frame announces 4294967295 bytes" in n1.log[-1]
        writer.close()


@on_ends
async def test_a_frame_cut_anywhere_has_no_effect() -> None:
    n1 = End("n1")
    port = await n1.transport.listen()
    whole = frame(b"whole or not at all")
    for cut in range(len(whole)):
        reader, writer = await connect(port)
        await shake(reader, writer)
        writer.write(whole[:cut])
        writer.close()
        await eventually(lambda: not n1.transport.peers)
    assert not n1.frames


@on_ends
async def test_what_the_node_refuses_closes_the_connection_and_leaves_the_others_alone() -> None:
    n1 = End("n1")
    n1.refuse = b"bad"
    port = await n1.transport.listen()
    (good_reader, good), (bad_reader, bad) = await connect(port), await connect(port)
    await shake(good_reader, good, "c1")
    await shake(bad_reader, bad, "c2")
    bad.write(frame(b"fine") + frame(b"bad") + frame(b"too late"))
    await _read_to_end(bad_reader)
    good.write(frame(b"still here"))
    await eventually(n1.got(2))
    assert n1.frames == [("c2", b"fine"), ("c1", b"still here")]
    assert "c2 at 127.0.0.1" in n1.log[-1]
    assert "not this one" in n1.log[-1]
    good.close()
    bad.close()


@on_ends
async def test_who_connects_and_says_nothing_is_disconnected_in_time() -> None:
    n1 = End("n1", handshake_seconds=0.1)
    reader, writer = await connect(await n1.transport.listen())
    told = await asyncio.wait_for(reader.read(), 5)
    reason = "it did not finish the handshake within 0.1 s"
    assert FrameReader().feed(told) == [refusal(reason)]
    assert reason in n1.log[0]
    writer.close()


@on_ends
async def test_strangers_in_their_handshake_are_limited_in_number() -> None:
    n1 = End("n1")
    port = await n1.transport.listen()
    strangers = [await connect(port) for _ in range(limits.MAX_STRANGERS + 5)]
    ended = 0
    for reader, _ in strangers[limits.MAX_STRANGERS :]:
        await _read_to_end(reader)
        ended += 1
    assert ended == 5
    for _, writer in strangers:
        writer.close()


@on_ends
async def test_a_peer_that_never_reads_costs_a_bounded_queue_and_the_newest_are_dropped() -> None:
    n1 = End("n1")
    reader, writer = await connect(await n1.transport.listen())
    await shake(reader, writer)
    socket = cast(asyncio.Transport, writer.transport)
    socket.pause_reading()
    await eventually(lambda: "c1" in n1.transport.peers)
    peer = n1.transport.peers["c1"]
    big = frame(b"x" * 60_000)
    for _ in range(2_000):  # 120 MB
        n1.transport.send("c1", big)
        await asyncio.sleep(0)
    assert peer.connections[0].paused
    assert peer.waiting_bytes <= limits.MAX_QUEUED_BYTES
    assert n1.drops
    assert {why for _, _, why in n1.drops} == {"queue full"}
    sent = 2_000 - len(n1.drops) + 100
    for _ in range(100):  # the heartbeats of a second or ten
        n1.transport.send("c1", frame(b"heartbeat"))
    assert all(dropped == big for _, dropped, _ in n1.drops), "bulk does not silence a leader"
    socket.resume_reading()
    frames, received = FrameReader(), 0
    while received < sent:
        received += len(frames.feed(await reader.read(1 << 20)))
    writer.close()


@on_ends
async def test_many_small_frames_for_a_peer_that_never_reads_are_bounded_in_number() -> None:
    n1 = End("n1")
    n1.transport.know({"n2": ("127.0.0.1", 9)})
    for _ in range(limits.MAX_QUEUED_FRAMES + 10):
        n1.transport.send("n2", b"\0\0\0\1x")
    assert [why for _, _, why in n1.drops] == ["queue full"] * 10


@on_ends
async def test_a_peer_that_comes_back_is_reached_again() -> None:
    n1, n2, port = await pair()
    n2.transport.send("n1", frame(b"1"))
    await eventually(n1.got(1))
    await n1.close()
    await eventually(lambda: "n1" not in n2.transport._ready)
    n2.transport.send("n1", frame(b"lost"))
    await eventually(lambda: bool(n2.drops))
    assert n2.drops == [("n1", frame(b"lost"), "unreachable")]
    again = End("n1")
    await again.transport.listen(port=port)

    def sent_again() -> bool:
        n2.transport.send("n1", frame(b"2"))
        return bool(again.frames)

    await eventually(sent_again)
    assert "cannot be reached" in n2.log[-2]
    assert n2.log[-1] == "n1 can be reached again"


@on_ends
async def test_attempts_to_connect_back_off_with_jitter_up_to_a_second() -> None:
    n1 = End("n1")
    waits = [[n1.transport._backoff(failures) for _ in range(50)] for failures in (1, 2, 3, 50)]
    for drawn, longest in zip(waits, (0.05, 0.1, 0.2, 1.0), strict=True):
        assert all(longest / 2 <= wait <= longest for wait in drawn)
        assert len(set(drawn)) > 1


@on_ends
async def test_two_that_dial_each_other_at_once_still_talk() -> None:
    n1, n2, _ = await pair()
    n1.transport.know({"n2": ("127.0.0.1", await n2.transport.listen())})
    for _ in range(20):
        n1.transport.send("n2", frame(b"a"))
        n2.transport.send("n1", frame(b"b"))
    await eventually(lambda: n1.got(20)() and n2.got(20)())


@on_ends
async def test_who_comes_before_the_node_has_started_waits_and_loses_nothing() -> None:
    n1, n2 = End("n1"), End("n2")
    port = await n1.transport.listen(hold=True)
    n2.transport.know({"n1": ("127.0.0.1", port)})
    n2.transport.send("n1", frame(b"early"))
    await eventually(lambda: bool(n1.transport._connections))
    await asyncio.sleep(0)
    assert not n1.frames
    n1.transport.release()
    await eventually(n1.got(1))


@on_ends
async def test_a_frame_for_nobody_we_know_is_dropped() -> None:
    n1 = End("n1")
    n1.transport.send("c9", b"frame")
    assert n1.drops == [("c9", b"frame", "no connection")]


@on_ends
async def test_a_taken_port_is_named_with_what_to_do() -> None:
    n1, n2 = End("n1"), End("n2")
    port = await n1.transport.listen()
    with pytest.raises(BadInput, match=f"port {port} of 127.0.0.1 .*choose another port"):
        await n2.transport.listen(port=port)


@on_ends
async def test_many_frames_of_one_turn_leave_in_one_write() -> None:
    n1, n2, _ = await pair()
    n2.transport.send("n1", frame(b"first"))
    await eventually(n1.got(1))
    writes = counted(n2, "n1")
    for _ in range(100):
        n2.transport.send("n1", frame(b"x"))
    await eventually(n1.got(101))
    assert len(writes) == 1


@on_ends
async def test_the_answers_to_all_frames_of_one_read_leave_in_one_write() -> None:
    n1, n2, _ = await pair()
    n2.transport.send("n1", frame(b"first"))
    await eventually(n1.got(1))
    writes = counted(n1, "n2")
    connection = n1.transport.peers["n2"].connections[0]
    connection._on_frame = lambda sender, payload: n1.transport.send(sender, frame(payload))
    connection.data_received(b"".join(frame(bytes([number])) for number in range(3)))
    assert not writes, "more may arrive in this turn of the loop"
    await eventually(n2.got(3))
    assert [payload for _, payload in n2.frames] == [b"\x00", b"\x01", b"\x02"]
    assert len(writes) == 1


class Counting:
    """Stands before a socket and keeps what is written."""

    def __init__(self, link: asyncio.Transport) -> None:
        self.link = link
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep it, and write it."""
        self.writes.append(data)
        self.link.write(data)

    def close(self) -> None:
        """Close the socket."""
        self.link.close()


def counted(end: End, peer: str) -> list[bytes]:
    """What ``end`` writes to ``peer`` from now on, write by write."""
    connection = end.transport.peers[peer].connections[0]
    assert connection._link is not None
    link = Counting(connection._link)
    connection._link = link  # type: ignore[assignment]
    return link.writes


async def _read_to_end(reader: asyncio.StreamReader) -> None:
    try:
        await asyncio.wait_for(reader.read(), 5)
    except ConnectionResetError:
        return
