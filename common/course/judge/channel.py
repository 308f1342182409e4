"""A pipe to one process of a student's: lines, with bounds on their length and on the wait."""

import socket
import struct
import time

from common.course.judge.worker.lines import MAX_LINE
from common.values.errors import LabError

ANSWER_SECONDS = 30
"""How long one answer may take, however slow the machine is; processor time is bounded apart."""

CHUNK = 1 << 16

MOST_BYTES = 16 << 20
"""What one process may write in its life: what it has the judge keep (saves, say) is bounded too.
No node of a reference writes a twentieth of it."""

MOST_VALUES = 500_000
"""So many values may be in all that it writes. The judge may keep them, and needs some 72 bytes for
one that is written in four. No reference writes an eighth of it."""


class Silent(LabError):
    """The other side ended, or did not answer in time, or wrote too much; the text says which."""

    exit_code = 1
    verdict = "fail"


class Hung(Silent):
    """It is there, and has not answered in time."""

    verdict = "hung"


class Channel:
    """One end of a pair of sockets.

    Args:
        pipe: the socket.
        longest: the longest line that is read, in bytes.
    """

    def __init__(self, pipe: socket.socket, longest: int = MAX_LINE) -> None:
        self.pipe = pipe
        self.longest = longest
        wait = struct.pack("ll", ANSWER_SECONDS, 0)
        pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        pipe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
        self._pending = b""
        self._left = MOST_BYTES
        self._values_left = MOST_VALUES

    def write(self, line: bytes) -> None:
        """Send a whole line. Raises: Silent."""
        try:
            self.pipe.sendall(line)
        except BlockingIOError:
            raise Hung(f"it takes in nothing for {ANSWER_SECONDS} s") from None
        except OSError:
            raise Silent("it ended") from None

    def read(self) -> bytes:
        """The next line, without its end. Raises: Silent."""
        latest = time.monotonic() + ANSWER_SECONDS  # also for a line that comes byte by byte
        pending = self._pending
        if not pending:
            pending = self._receive()
            if pending[-1] == 10 and pending.count(b"\n") == 1:
                return self._counted(pending[:-1])
        parts = [pending]
        length = len(pending)
        while b"\n" not in parts[-1]:
            if length > self.longest:
                raise Silent(f"it wrote a line of more than {self.longest:,} bytes")
            if time.monotonic() > latest:
                raise Hung(f"it did not answer within {ANSWER_SECONDS} s")
            parts.append(self._receive())
            length += len(parts[-1])
        line, _, self._pending = b"".join(parts).partition(b"\n")
        return self._counted(line)

    def has_line(self) -> bool:
        """Whether a line is here already."""
        return b"\n" in self._pending

    def _counted(self, line: bytes) -> bytes:
        self._values_left -= line.count(b",") + line.count(b"[") + line.count(b"{")
        if self._values_left < 0:
            raise Silent(f"it wrote more than {MOST_VALUES:,} values in one life")
        return line

    def _receive(self) -> bytes:
        try:
            data = self.pipe.recv(CHUNK)
        except BlockingIOError:
            raise Hung(f"it did not answer within {ANSWER_SECONDS} s") from None
        except OSError:
            raise Silent("it ended") from None
        if not data:
            raise Silent(
                "it ended before it answered: it used up its processor time or its memory, or it "
                "ended itself"
            )
        self._left -= len(data)
        if self._left < 0:
            raise Silent(f"it wrote more than {MOST_BYTES:,} bytes in one life")
        return data

    def close(self) -> None:
        """Let the other side read its end."""
        self.pipe.close()
