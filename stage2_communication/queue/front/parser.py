"""Bytes of a NATS client to commands (docs.nats.io, "Client Protocol").

A command is a line of words, in any case, with white space between. ``PUB`` and ``HPUB`` are
followed by as many bytes as the line says, and a line end. A length is a claim by a stranger: it is
checked before anything is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass

MOST_LINE = 4096
"""Bytes in a line: NATS' ``max_control_line``."""
MOST_PAYLOAD = 1024 * 1024
"""Bytes of a message, headers included: NATS' ``max_payload``."""

UNKNOWN = "Unknown Protocol Operation"
PARSER_ERROR = "Parser Error"
TOO_LONG_LINE = "maximum control line exceeded"
TOO_LARGE = "Maximum Payload Violation"

WORDS = {
    b"PING": (0, 99),
    b"PONG": (0, 99),
    b"+OK": (0, 99),
    b"-ERR": (0, 99),
    b"CONNECT": (0, 0),
    b"SUB": (2, 3),
    b"UNSUB": (1, 2),
    b"PUB": (2, 3),
    b"HPUB": (3, 4),
}
"""By verb, how few and how many words follow it. CONNECT is followed by JSON, which is one."""


class ProtocolError(Exception):
    """What cannot be understood; the connection ends, for nobody knows where the next one begins.

    Its text is what the client is told.
    """


@dataclass(slots=True)
class Command:
    """What a client has sent.

    Attributes:
        verb: in capital letters.
        words: those that follow it; of CONNECT its JSON.
        header: of HPUB.
        payload: of PUB and HPUB.
    """

    verb: bytes
    words: list[bytes]
    header: bytes = b""
    payload: bytes = b""


class Parser:
    """Cuts what comes into commands."""

    def __init__(self) -> None:
        self._buffer = b""
        self._begun: Command | None = None
        self._header_size = self._size = 0

    def feed(self, data: bytes) -> Iterator[Command]:
        """The commands that are complete now; raises ProtocolError where one is none."""
        buffer = self._buffer + data if self._buffer else data
        at = 0
        try:
            while True:
                if self._begun is None:
                    end = buffer.find(b"\n", at)
                    if max(end, len(buffer) if end < 0 else 0) - at > MOST_LINE:
                        raise ProtocolError(TOO_LONG_LINE)
                    if end < 0:
                        return
                    command = self._line(buffer[at:end])
                    at = end + 1
                    if self._begun is None:
                        yield command
                else:
                    end = at + self._size
                    if len(buffer) < end + 2:
                        self._must_end(buffer[end:])
                        return
                    command, self._begun = self._begun, None
                    self._must_end(buffer[end : end + 2])
                    command.header = buffer[at : at + self._header_size]
                    command.payload = buffer[at + self._header_size : end]
                    at = end + 2
                    yield command
        finally:
            self._buffer = buffer[at:]

    def _must_end(self, rest: bytes) -> None:
        if not b"\r\n".startswith(rest):
            raise ProtocolError(UNKNOWN)

    def _line(self, line: bytes) -> Command:
        """A command; if a payload follows it, it is begun."""
        verb, _, rest = line.strip().partition(b" ")
        if b"\t" in verb:
            verb, _, rest = line.strip().partition(b"\t")
        verb = verb.upper()
        if verb not in WORDS:
            raise ProtocolError(UNKNOWN)
        if verb == b"CONNECT":
            return Command(verb, [rest.strip()])
        words = rest.split()
        least, most = WORDS[verb]
        if not least <= len(words) <= most:
            raise ProtocolError(PARSER_ERROR if words else UNKNOWN)
        command = Command(verb, words)
        if verb in (b"PUB", b"HPUB"):
            self._size = _size(words.pop())
            self._header_size = _size(words.pop()) if verb == b"HPUB" else 0
            if self._header_size > self._size:
                raise ProtocolError(PARSER_ERROR)
            if self._size > MOST_PAYLOAD:
                raise ProtocolError(TOO_LARGE)
            self._begun = command
        return command


def _size(word: bytes) -> int:
    """A number of bytes.

    >>> _size(b"12")
    12
    """
    if not word.isdigit() or len(word) > 9:
        raise ProtocolError(PARSER_ERROR)
    return int(word)
