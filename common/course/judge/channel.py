"""A pipe to one process of a student's: lines, with bounds on their length and on the wait."""

import gc
import socket
import struct
import time

from common.course.base import limits
from common.course.judge.worker.lines import MAX_LINE
from common.values.errors import LabError

ANSWER_SECONDS = 30
"""How long one answer may take, however slow the machine is; processor time is bounded apart."""

CHUNK = 1 << 16

MOST_BYTES, MOST_VALUES = 16 << 20, 1_000_000
"""What one process may write in its life, and how many values may be in it. The judge may keep
them: a character may need four bytes there, and a value that is written in four bytes 72."""

MOST_CALLED_VALUES = 500_000
"""For a process that answers calls: its values are of any kind, and a set may need 300 bytes."""

MOST_TOGETHER_BYTES, MOST_TOGETHER_VALUES = 32 << 20, 1_500_000
"""The same for all processes of a submission, in a seed of a test and the one before it."""

MOST_ANSWERS = 60_000
"""So many lines all processes of a submission may write in one seed of a test: each is an event of
the judge's, which takes some 40 microseconds, so no loop of theirs keeps it busy."""


class Silent(LabError):
    """The other side ended, or did not answer in time, or wrote too much; the text says which."""

    exit_code = 1
    verdict = "fail"


class Hung(Silent):
    """It is there, and has not answered in time."""

    verdict = "hung"


class Count:
    """What one process has written so far."""

    def __init__(self) -> None:
        self.most_bytes, self.most_values = MOST_BYTES, MOST_VALUES
        self.who = "in one life"
        self.bytes = 0
        self.values = 0

    def add(self, bytes: int, values: int, answers: int = 0) -> None:
        """Count more. Raises: Silent, when it is too much."""
        self.bytes += bytes
        self.values += values
        if self.bytes > self.most_bytes:
            raise Silent(f"it wrote more than {self.most_bytes:,} bytes {self.who}")
        if self.values > self.most_values:
            raise Silent(f"it wrote more than {self.most_values:,} values {self.who}")


class Together(Count):
    """What all processes of a submission write, as long as the judge may hold it.

    A seed's run is held until that of the next one is made, so it is counted together with it. What
    was held before is let go.
    """

    def __init__(self) -> None:
        super().__init__()
        self.most_bytes, self.most_values = MOST_TOGETHER_BYTES, MOST_TOGETHER_VALUES
        self.who = "together with the others of its test"
        self._seed = limits.seeds_begun
        self.answers = 0
        self._before = (0, 0)
        """How much of what is counted was written in the seed before."""

    def add(self, bytes: int, values: int, answers: int = 0) -> None:
        """Count more. Raises: Silent, when it is too much."""
        if self._seed != limits.seeds_begun:
            self._seed = limits.seeds_begun
            self._next_seed()
        super().add(bytes, values)
        self.answers += answers
        if self.answers > MOST_ANSWERS:
            raise Silent(f"it wrote more than {MOST_ANSWERS:,} answers {self.who}, for one seed")

    def clear(self) -> None:
        """A test is over."""
        self.bytes = self.values = self.answers = 0
        self._before = (0, 0)

    def _next_seed(self) -> None:
        bytes, values = self._before
        if bytes * FEW > self.most_bytes or values * FEW > self.most_values:
            gc.collect()  # nodes and worlds hold each other, and so they hold what is in them
        self._before = (self.bytes - bytes, self.values - values)
        self.bytes, self.values = self._before
        self.answers = 0


FEW = 16
"""Where a seed wrote less than one in so many of what it may, nobody need hurry to let it go."""


class Channel:
    """One end of a pair of sockets.

    Args:
        pipe: the socket.
        together: counts what this process writes with what others do; None for it alone.
        called: whether it answers calls, in lines of any length, and not events.
    """

    def __init__(
        self, pipe: socket.socket, together: Count | None = None, called: bool = False
    ) -> None:
        self.pipe = pipe
        self.longest = MOST_BYTES if called else MAX_LINE
        wait = struct.pack("ll", ANSWER_SECONDS, 0)
        pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        pipe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
        self._pending = b""
        self._counts = counts(together)
        if called:
            self._counts[0].most_values = MOST_CALLED_VALUES

    def count_alone(self) -> None:
        """What this process writes is held by nobody: it does not count with that of others."""
        self._counts = self._counts[:1]

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
        whole = b"".join(parts)
        parts.clear()  # it may be megabytes
        line, _, self._pending = whole.partition(b"\n")
        return self._counted(line)

    def has_line(self) -> bool:
        """Whether a line is here already."""
        return b"\n" in self._pending

    def _counted(self, line: bytes) -> bytes:
        values = line.count(b",") + line.count(b"[") + line.count(b"{")
        for count in self._counts:
            count.add(0, values, answers=1)
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
        for count in self._counts:
            count.add(len(data), 0)
        return data

    def close(self) -> None:
        """Let the other side read its end."""
        self.pipe.close()


def counts(together: Count | None) -> tuple[Count, ...]:
    """What counts the writing of a new process: it alone, and with others."""
    own = Count()
    return (own,) if together is None else (own, together)
