"""Coverage-guided fuzzing of what Kafka clients send, with atheris (libFuzzer).

Run it as long as you like, from the root of the repository::

    python -m tests.fuzz.fuzz_kafka -max_total_time=60

It ends with an error and the offending input as soon as anything but a refusal comes out of the
reader of requests or of batches, or a request does not survive being written and read again.
"""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["stage8_real_systems.log.front"]):
    from stage8_real_systems.log.front.apis import read_request, write_response
    from stage8_real_systems.log.front.batches import Unacceptable, taken, written
    from stage8_real_systems.log.front.connection import Frames
    from stage8_real_systems.log.front.wire import Reader

from common.runtime.refusals import Refused


def try_one(data: bytes) -> None:
    """One input: a request, then a batch, then a stream that is cut somewhere."""
    with suppress(Refused):
        request = read_request(data)
        write_response(request, {})
        if request.understood:
            read, write = request.api.codec("request", request.version)
            out = bytearray()
            write(out, request.body)
            assert read(Reader(bytes(out))) == request.body, f"{request} is not what is written"
    with suppress(Unacceptable):
        written(taken(data, 9))
    frames = Frames()
    with suppress(Refused):
        for piece in (data[:7], data[7:]):
            frames.feed(piece)
            while frames.next() is not None:
                pass


def main() -> None:
    """Hand over to libFuzzer, which reads the options and never returns."""
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
