"""Coverage-guided fuzzing of the codecs and of the frame reader, with atheris (libFuzzer).

Run it as long as you like, from the root of the repository::

    python -m tests.fuzz.fuzz_codec -max_total_time=60

It ends with an error and the offending input as soon as anything but RemoteProtocolError comes out
of a decoder, or a decoded value does not survive being encoded and decoded again.
"""

import sys

import atheris

with atheris.instrument_imports(include=["common.codec"]):
    from common.codec import FrameReader, frame
    from tests.common.codec_values import CODECS, same

from common.values.errors import ContractError, RemoteProtocolError


def try_one(data: bytes) -> None:
    """One input: its first byte says where to cut the stream, the rest is a frame's payload."""
    if not data:
        return
    payload = data[1:]
    cut_stream(payload, data[0])
    for codec in CODECS:
        try:
            value = codec.decode(payload)
        except RemoteProtocolError:
            continue
        try:
            again = codec.decode(codec.encode(value))
        except ContractError as error:
            raise AssertionError(f"{value!r} was understood and cannot be said: {error}") from error
        assert same(again, value), f"{value!r} became {again!r}"


def cut_stream(payload: bytes, place: int) -> None:
    """Frames come out whole wherever the stream is cut; garbage is refused in words."""
    stream = frame(payload) + frame(b"next")
    reader = FrameReader(max_frame=10_000_000)
    assert reader.feed(stream[:place]) + reader.feed(stream[place:]) == [payload, b"next"]
    try:
        garbage = FrameReader(max_frame=1000)
        garbage.feed(payload)
        garbage.at_end()
    except RemoteProtocolError:
        pass


def main() -> None:
    """Hand over to libFuzzer, which reads the options and never returns."""
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
