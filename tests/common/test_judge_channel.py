"""What one process may write in its life: bytes and values, line by line, and no more."""

import socket
from collections.abc import Iterator

import pytest

from common.course.judge import channel
from common.course.judge.channel import Channel, Silent

LINE = b'{"effects":[' + b"[0]," * 20_000 + b"0]}"
"""A line that becomes some 72 bytes for each 4, if the judge keeps it."""


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    """The judge's end of a pipe, and the other one."""
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    with ours, theirs:
        yield Channel(ours), theirs


def test_many_short_lines_have_no_more_values_than_one_long_one(
    ends: tuple[Channel, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MOST_VALUES", 100_000)
    read, other = Channel(ends[0].pipe), ends[1]
    for _ in range(2):
        other.sendall(LINE + b"\n")
        assert read.read() == LINE
    other.sendall(LINE + b"\n")
    with pytest.raises(Silent, match="more than 100,000 values in one life"):
        read.read()


def test_two_lines_that_come_at_once_are_both_counted(
    ends: tuple[Channel, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MOST_VALUES", 5)
    read, other = Channel(ends[0].pipe), ends[1]
    other.sendall(b"[1,2]\n[3,4]\n[5,6]\n")
    assert [read.read(), read.read()] == [b"[1,2]", b"[3,4]"]
    with pytest.raises(Silent, match="values"):
        read.read()
