"""Frames: cut a stream at any place and the same payloads come out."""

import resource
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.codec import MAX_FRAME, FrameReader, frame
from common.values.errors import RemoteProtocolError

PAYLOADS = st.lists(st.binary(max_size=40), max_size=12)


def test_a_frame_is_the_length_in_four_bytes_and_the_payload() -> None:
    assert frame(b"hi") == b"\x00\x00\x00\x02hi"
    assert frame(b"") == b"\x00\x00\x00\x00"


def test_a_frame_may_arrive_a_byte_at_a_time() -> None:
    reader = FrameReader()
    arrived = [reader.feed(bytes([byte])) for byte in frame(b"hello") + frame(b"") + frame(b"x")]
    assert [payload for payloads in arrived for payload in payloads] == [b"hello", b"", b"x"]
    assert arrived[8] == [b"hello"], "it is handed out with its last byte"


def test_ten_frames_may_arrive_in_one_read() -> None:
    payloads = [bytes([number]) * number for number in range(10)]
    assert FrameReader().feed(b"".join(map(frame, payloads))) == payloads


@settings(max_examples=300, deadline=None, database=None)
@given(payloads=PAYLOADS, cuts=st.lists(st.integers(0, 500)), view=st.booleans())
def test_it_does_not_matter_where_a_stream_is_cut(
    payloads: list[bytes], cuts: list[int], view: bool
) -> None:
    stream = b"".join(map(frame, payloads))
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reader, got = FrameReader(), []
    for start, end in pairwise(places):
        piece = stream[start:end]
        got += reader.feed(memoryview(bytearray(piece)) if view else piece)
    assert got == payloads
    assert all(type(payload) is bytes for payload in got), "a view would change with its buffer"
    reader.at_end()


@settings(max_examples=100, deadline=None, database=None)
@given(payload=st.binary(max_size=30), data=st.data())
def test_an_end_within_a_frame_is_an_error(payload: bytes, data: st.DataObject) -> None:
    stream = frame(payload)
    reader = FrameReader()
    cut = data.draw(st.integers(1, len(stream) - 1))
    assert reader.feed(stream[:cut]) == []
    with pytest.raises(RemoteProtocolError, match=f"within a frame, after {cut} bytes of it"):
        reader.at_end()


def test_an_end_between_frames_is_none() -> None:
    reader = FrameReader()
    reader.at_end()
    reader.feed(frame(b"hi"))
    reader.at_end()


@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_length_of_4_gib_is_refused_before_room_is_made_for_it(one_by_one: bool) -> None:
    reader = FrameReader()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pieces = [b"\xff"] * 4 if one_by_one else [b"\xff\xff\xff\xff"]
    for piece in pieces[:-1]:
        reader.feed(piece)
    with pytest.raises(RemoteProtocolError, match=f"4294967295 bytes, more than the {MAX_FRAME}"):
        reader.feed(pieces[-1])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_the_largest_frame_passes_and_one_byte_more_does_not() -> None:
    assert FrameReader(max_frame=5).feed(frame(b"12345")) == [b"12345"]
    with pytest.raises(RemoteProtocolError, match="announces 6 bytes"):
        FrameReader(max_frame=5).feed(frame(b"123456"))
    with pytest.raises(RemoteProtocolError, match="announces 6 bytes"):
        FrameReader(max_frame=5).feed(frame(b"ok") + frame(b"123456"))


def test_a_large_frame_in_small_pieces_is_gathered_without_looking_at_it_again() -> None:
    payload = bytes(2_000_000)
    stream = frame(payload)
    reader = FrameReader()
    got: list[bytes] = []
    for start in range(0, len(stream), 100):  # quadratic work would take minutes here
        got += reader.feed(stream[start : start + 100])
    assert got == [payload]
