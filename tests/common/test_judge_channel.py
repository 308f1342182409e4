"""What one process may write in its life, and all together in a seed: bytes and values, line by
line, and no more."""

import socket
from collections.abc import Iterator

import pytest

from common.codec.json_codec import JsonCodec
from common.contract.schema import Schema
from common.course.base import limits
from common.course.judge import channel
from common.course.judge.channel import Channel, Silent, Together
from common.course.judge.nursery import Counted
from common.course.judge.worker import lines
from common.course.judge.worker.lines import effect_of, read_reply
from common.values.errors import RemoteProtocolError

LINE = b'{"effects":[' + b"[0]," * 20_000 + b"0]}"
"""A line that becomes some 72 bytes for each 4, if the judge keeps it."""


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The judge's end of a pipe, and the other one."""
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    with ours, theirs:
        yield ours, theirs


def test_many_short_lines_have_no_more_values_than_one_long_one(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MOST_VALUES", 100_000)
    read, other = Channel(ends[0]), ends[1]
    for _ in range(2):
        other.sendall(LINE + b"\n")
        assert read.read() == LINE
    other.sendall(LINE + b"\n")
    with pytest.raises(Silent, match="more than 100,000 values in one life"):
        read.read()


def test_two_lines_that_come_at_once_are_both_counted(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MOST_VALUES", 5)
    read, other = Channel(ends[0]), ends[1]
    other.sendall(b"[1,2]\n[3,4]\n[5,6]\n")
    assert [read.read(), read.read()] == [b"[1,2]", b"[3,4]"]
    with pytest.raises(Silent, match="values"):
        read.read()


def test_what_each_of_many_may_write_all_of_them_may_not_write_together(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MOST_TOGETHER_BYTES", 100)
    together, (ours, theirs) = Together(), ends
    for _ in range(2):
        theirs.sendall(b"x" * 39 + b"\n")
        Channel(ours, together=together).read()
    theirs.sendall(b"x" * 39 + b"\n")
    with pytest.raises(Silent, match="100 bytes together with the others of its test"):
        Channel(ours, together=together).read()
    together.clear()
    Channel(ours).write(b"the next test begins with nothing\n")
    together.add(100, 0)


def test_a_seed_is_counted_with_the_one_before_it_and_with_no_older_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "MOST_TOGETHER_VALUES", 100)
    together = Together()
    for _ in range(5):
        together.add(0, 50)
        limits.renew()
    together.add(0, 50)
    with pytest.raises(Silent, match="100 values together"):
        together.add(0, 1)


def test_answers_are_counted_for_each_seed_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "MOST_ANSWERS", 2)
    together = Together()
    for _ in range(3):
        together.add(0, 0, answers=1)
        together.add(0, 0, answers=1)
        limits.renew()
    together.add(0, 0, answers=2)
    with pytest.raises(Silent, match="more than 2 answers together with the others of its test"):
        together.add(0, 0, answers=1)


def test_what_is_read_from_a_program_by_a_socket_is_counted_too(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MOST_TOGETHER_BYTES", 1000)
    together, (ours, theirs) = Together(), ends
    with Counted(together, ours.detach()) as counted:
        theirs.sendall(b"x" * 1001)
        assert counted.recv(1000) == b"x" * 1000
        with pytest.raises(Silent, match="1,000 bytes"):
            counted.recv(1000)


def test_what_is_read_from_a_program_that_connects_is_counted_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channel, "MOST_TOGETHER_BYTES", 10)
    listening = socket.create_server(("127.0.0.1", 0))
    with Counted(Together(), listening.detach()) as server:
        with socket.create_connection(server.getsockname()) as client:
            client.sendall(b"x" * 11)
        accepted, _ = server.accept()
        with accepted, pytest.raises(Silent, match="10 bytes"):
            accepted.recv(11)


@pytest.mark.parametrize(
    "effect",
    [
        b'{"effect":"set_timer","id":%d,"after":1,"timer":{"value":0}}',
        b'{"effect":"cancel_timer","id":%d}',
        b'{"effect":"return","call":%d,"outcome":"ok"}',
        b'{"effect":"save","key":["a",%d],"value":{"value":0}}',
    ],
)
def test_a_number_by_which_the_judge_finds_things_has_at_most_64_bits(effect: bytes) -> None:
    """Greater ones can all have the same hash."""

    def read(number: int) -> None:
        for part in read_reply(b'{"effects":[%b]}' % (effect % number)).effects or ():
            effect_of(part, JsonCodec(Schema(())))

    read(2**63 - 1)
    with pytest.raises(RemoteProtocolError):
        read(2**64)


def test_a_broadcast_is_an_effect_for_each_that_it_goes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_EFFECTS", 4)
    one = b'{"effect":"broadcast","to":["a"],"message":{}}'
    assert read_reply(b'{"effects":[%b,%b]}' % (one, one)).effects is not None
    with pytest.raises(RemoteProtocolError, match="more than 4 effects"):
        read_reply(b'{"effects":[%b,%b,%b]}' % (one, one, one))
