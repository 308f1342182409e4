"""Graded suite of the lab ``echo``, first part: framing by hand."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.course.suites.grading import graded
from common.values.errors import BadInput, RemoteProtocolError
from tests.stage1_foundations.echo.lab import EchoLab
from tests.stage1_foundations.echo.wire import frame

LAB = "echo"


@graded(points=2, title="The length goes first", requirement="RFC 9293, 3.1; echo_frames")
def test_a_frame_is_the_length_in_four_bytes_and_then_the_payload(lab: EchoLab) -> None:
    assert lab.encode_frame(b"hello") == b"\x00\x00\x00\x05hello"
    assert lab.encode_frame(b"") == b"\x00\x00\x00\x00"
    assert lab.encode_frame(b"x" * 258)[:4] == b"\x00\x00\x01\x02"


@graded(points=2, title="A frame in many reads", requirement="reads cut the stream anywhere")
def test_a_frame_that_arrives_a_byte_at_a_time_is_one_payload(lab: EchoLab) -> None:
    decoder = lab.FrameDecoder()
    stream = frame(b"hello")
    for position, byte in enumerate(stream[:-1]):
        assert decoder.feed(bytes([byte])) == [], f"a payload after {position + 1} of 9 bytes"
    assert decoder.feed(stream[-1:]) == [b"hello"]


@graded(points=2, title="Many frames in a read", requirement="reads cut the stream anywhere")
def test_ten_frames_in_one_read_are_ten_payloads_in_order(lab: EchoLab) -> None:
    payloads = [b"%d" % number for number in range(10)]
    assert lab.FrameDecoder().feed(b"".join(map(frame, payloads))) == payloads


@graded(points=2, title="Any cut", requirement="payloads depend on the stream, not on the reads")
def test_the_payloads_do_not_depend_on_how_the_stream_was_cut(lab: EchoLab) -> None:
    @settings(derandomize=True, database=None, deadline=None)
    @given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(0, 350), max_size=12))
    def check(payloads: list[bytes], cuts: list[int]) -> None:
        stream = b"".join(map(frame, payloads))
        places = [0, *sorted(cuts), len(stream)]
        decoder = lab.FrameDecoder()
        read = []
        for start, end in pairwise(places):
            read += decoder.feed(stream[start:end])
        assert read == payloads
        decoder.end()

    check()


@graded(points=1, title="The longest payload", requirement="frames are bounded")
def test_a_payload_as_long_as_allowed_is_sent_and_taken(lab: EchoLab) -> None:
    stream = lab.encode_frame(b"x" * 100, max_payload=100)
    assert lab.FrameDecoder(max_payload=100).feed(stream) == [b"x" * 100]


@graded(points=2, title="Too long a payload", requirement="frames are bounded")
def test_a_payload_one_byte_longer_is_neither_sent_nor_taken(lab: EchoLab) -> None:
    with pytest.raises(BadInput, match="101"):
        lab.encode_frame(b"x" * 101, max_payload=100)
    with pytest.raises(RemoteProtocolError, match="101"):
        lab.FrameDecoder(max_payload=100).feed(frame(b"x" * 101))


@graded(
    points=2, title="A length of 4 GiB", requirement="a length is checked before it is believed"
)
def test_a_length_of_four_gibibytes_is_refused_before_its_first_byte_arrives(lab: EchoLab) -> None:
    with pytest.raises(RemoteProtocolError, match="4294967295"):
        lab.FrameDecoder().feed(b"\xff\xff\xff\xff")


@graded(points=1, title="The end between frames", requirement="the end of the stream")
def test_a_stream_may_end_between_two_frames(lab: EchoLab) -> None:
    decoder = lab.FrameDecoder()
    decoder.end()
    assert decoder.feed(frame(b"last")) == [b"last"]
    decoder.end()


@graded(points=2, title="The end inside a frame", requirement="the end of the stream")
def test_a_stream_that_ends_inside_a_frame_is_an_error_wherever_it_ends(lab: EchoLab) -> None:
    stream = frame(b"hello")
    for length in range(1, len(stream)):
        decoder = lab.FrameDecoder()
        decoder.feed(frame(b"whole") + stream[:length])
        with pytest.raises(RemoteProtocolError):
            decoder.end()
