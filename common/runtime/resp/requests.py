"""Bytes to commands. A request is an array of bulk strings; a line of words will do, too.

hiredis parses, in C. It believes what it reads, though: it makes room for as many elements as an
array says it has, and waits for as many bytes as a bulk says. So the headers are walked first, and
what is beyond a bound, or no request at all, ends the connection with one error (Redis does the
same, in the same words). What Redis would take, and is too much here, is told with the bound.
hiredis is handed complete requests only.
"""

import hiredis

from common.runtime.resp.inline import split

MAX_BULK, REDIS_BULK = 1024 * 1024, 512 * 1024 * 1024
"""The longest argument, in bytes: here, and in Redis."""

MAX_ARGUMENTS, REDIS_ARGUMENTS = 65_536, 2**31 - 1
"""The most arguments of one command: here, and in Redis."""

MAX_REQUEST = 16 * 1024 * 1024
"""The longest command, in bytes; so much may wait for its end."""

MAX_LINE = 64 * 1024
"""The longest line of words, and more than any header."""

ARRAY, BULK = ord("*"), ord("$")

Command = list[bytes]


class ProtocolError(Exception):
    """What arrived is no request, or beyond a bound. Nothing that follows can be understood."""


class RequestReader:
    """Cuts a stream into commands.

    What comes before an error is still handed out, so that it is carried out, as by Redis.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._reader = hiredis.Reader()

    def feed(self, data: bytes) -> tuple[list[Command], ProtocolError | None]:
        """The commands that are complete with ``data``, and what is wrong after them, if anything.

        After an error the stream is of no use any more.
        """
        data = self._rest + data if self._rest else data
        commands: list[Command] = []
        begin = at = 0
        problem: ProtocolError | None = None
        try:
            while at < len(data):
                if data[at] == ARRAY:
                    end = _end_of_array(data, at)
                    if end is None:
                        break
                    at = end
                    continue
                commands += self._parsed(data[begin:at])
                begin = at
                words, end = _line(data, at)
                if end is None:
                    break
                commands += [words] if words else []
                begin = at = end
            if len(data) - at > MAX_REQUEST:
                raise ProtocolError(f"too big a request: a command has at most {MAX_REQUEST} bytes")
        except ProtocolError as error:
            problem = error
        commands += self._parsed(data[begin:at])
        self._rest = data[at:]
        return commands, problem

    def _parsed(self, data: bytes) -> list[Command]:
        """The commands in bytes that hold complete arrays of bulks and nothing else."""
        if not data:
            return []
        self._reader.feed(data)
        commands = []
        while (command := self._reader.gets()) is not False:
            if command:
                commands.append(command)
        return commands


def _end_of_array(data: bytes, at: int) -> int | None:
    """Where the array that begins at ``at`` ends; None if not all of it is there."""
    line = data.find(b"\r\n", at)
    if line < 0:
        _check_line(data, at, "too big mbulk count string")
        return None
    count = _number(data[at + 1 : line])
    if count is None or count > REDIS_ARGUMENTS:
        raise ProtocolError("invalid multibulk length")
    if count > MAX_ARGUMENTS:
        raise ProtocolError(
            f"invalid multibulk length: a command has at most {MAX_ARGUMENTS} arguments here"
        )
    at = line + 2
    for _ in range(count):
        if at >= len(data):
            return None
        if data[at] != BULK:
            raise ProtocolError(f"expected '$', got '{chr(data[at])}'")
        line = data.find(b"\r\n", at)
        if line < 0:
            _check_line(data, at, "too big bulk count string")
            return None
        header = data[at + 1 : line]
        if not header.isdigit() or len(header) > 10 or (length := int(header)) > REDIS_BULK:
            raise ProtocolError("invalid bulk length")
        if length > MAX_BULK:
            raise ProtocolError(
                f"invalid bulk length: an argument has at most {MAX_BULK} bytes here"
            )
        at = line + 4 + length
    return at if at <= len(data) else None


def _check_line(data: bytes, at: int, problem: str) -> None:
    """A line whose end has not come yet must not be too long already."""
    if len(data) - at > MAX_LINE:
        raise ProtocolError(problem)


def _number(text: bytes) -> int | None:
    """The number that a header holds; None if it is none."""
    if len(text) > 20 or not (text[1:] if text[:1] == b"-" else text).isdigit():
        return None
    return int(text)


def _line(data: bytes, at: int) -> tuple[Command, int | None]:
    """The words of a line, and where it ends; None if its end is not there."""
    end = data.find(b"\n", at)
    if max(end, len(data) if end < 0 else end) - at > MAX_LINE:
        raise ProtocolError("too big inline request")
    if end < 0:
        return [], None
    words = split(data[at:end])
    if words is None:
        raise ProtocolError("unbalanced quotes in request")
    return words, end + 1
