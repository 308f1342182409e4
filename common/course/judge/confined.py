"""A program in a sandbox, seen from outside: its pipes, its end, and why it ended."""

import contextlib
import io
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from common.course.judge.limits import Limits
from common.course.judge.spending import Account

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

TAIL_BYTES = 8192
"""How much of the end of standard error is kept."""
CHUNK_BYTES = 65536
TAIL_SECONDS = 2.0
"""So long a program that has ended may have left something in the pipe."""

KILL_SECONDS = 10.0
"""How long a kill may take; the kernel needs milliseconds."""


class BoundedReader(io.RawIOBase):
    """Reads a pipe, unbuffered, and cuts it off once it has said too much.

    Args:
        pipe: the pipe.
        most: how many bytes it may say.
        over: called once when it said more.
    """

    def __init__(self, pipe: IO[bytes], most: int, over: Callable[[], None]) -> None:
        self._pipe = pipe
        self._left = most
        self._over = over

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def fileno(self) -> int:
        """Its descriptor, for ``select``; bytes read from it directly are not counted."""
        return self._pipe.fileno()

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read what there is; nothing any more once too much was said."""
        view = memoryview(buffer)
        if self._left < 0:
            return 0
        count = os.readv(self._pipe.fileno(), [view])
        self._left -= count
        if self._left < 0:
            self._over()
            return 0
        return count

    def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()
        super().close()


class Confined:
    """A running program behind walls.

    Args:
        process: the outermost process of the walls.
        limits: what it may use; time and output are watched here.
        inner: the number (outside) of the first process inside, whose death is everybody's.
        end: what else to call once it is dead, or None.
        group: whether there is only a process group to kill.

    Attributes:
        stdin: its standard input, unbuffered.
        stdout: its standard output, unbuffered and bounded.
        ended: why it was killed, a sentence; empty as long as it was not for a limit.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        limits: Limits,
        inner: int | None,
        end: Callable[[], None] | None,
        group: bool = False,
    ) -> None:
        assert process.stdin is not None, "its input is a pipe"
        assert process.stdout is not None, "its output is a pipe"
        self._process = process
        self._limits = limits
        self._end = end
        self._group = group
        self._first = _handle(inner)
        self._account = Account(process.pid)
        self._tail = b""
        self._lock = threading.Lock()
        self._dead = False
        self.ended = ""
        self.stdin: io.RawIOBase = process.stdin  # type: ignore[assignment]
        self.stdout = BoundedReader(process.stdout, limits.output_bytes, self._said_too_much)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def stderr_tail(self) -> str:
        """The end of what it wrote to standard error, at most :data:`TAIL_BYTES`.

        When it has ended, all of that is waited for: it may still be in the pipe."""
        if self._process.poll() is not None:
            self._watcher.join(TAIL_SECONDS)
        return self._tail.decode(errors="replace")

    def wait(self, timeout: float | None = None) -> int | None:
        """Its exit code, 128 and a signal's number if that ended it; None if it still runs.

        Args:
            timeout: how many seconds to wait, or None: until its limit of time at the most.
        """
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        return 128 - code if code < 0 else code

    def kill(self) -> None:
        """Kill it and whatever it started, and wait until all of it is dead."""
        with self._lock:
            if self._dead:
                return
            self._dead = True
        self._account.close()
        if self._first is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            # The first process of a namespace is gone only when all others in it are.
            select.select([self._first], [], [], KILL_SECONDS)
            os.close(self._first)
        if self._group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait(KILL_SECONDS)
        if self._end is not None:
            self._end()

    def close(self) -> None:
        """Kill it, and close the pipes."""
        self.kill()
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        self._watcher.join(KILL_SECONDS)
        self.stdout.close()
        assert self._process.stderr is not None, "its standard error is a pipe"
        self._process.stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _said_too_much(self) -> None:
        self._end_for(f"it wrote more than {self._limits.output_bytes:,} bytes of output")

    def _end_for(self, reason: str) -> None:
        self.ended = self.ended or reason
        self.kill()

    def _watch(self) -> None:
        """Take in standard error, and end the program when its time is over."""
        assert self._process.stderr is not None, "its standard error is a pipe"
        errors = self._process.stderr.fileno()
        deadline = time.monotonic() + self._limits.wall_seconds
        said = 0
        poll = select.poll()
        poll.register(errors, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                self._end_for(f"it was still running after {self._limits.wall_seconds:g} s")
                return
            if not poll.poll(left * 1000):
                continue
            chunk = os.read(errors, CHUNK_BYTES)
            if not chunk:
                break
            said += len(chunk)
            self._tail = (self._tail + chunk)[-TAIL_BYTES:]
            if said > self._limits.output_bytes:
                self._said_too_much()
                return
        # It may have closed its standard error and live on.
        if self.wait(max(0.0, deadline - time.monotonic())) is None:
            self._end_for(f"it was still running after {self._limits.wall_seconds:g} s")


def inner_process(report: bytes) -> int | None:
    """The number of the first process inside, from the walls' report; None if there is none."""
    try:
        return int(json.loads(report)["child-pid"])
    except (ValueError, KeyError):
        return None


def _handle(process: int | None) -> int | None:
    """A handle by which a process can be killed even if its number were used again."""
    if process is None:
        return None
    try:
        return os.pidfd_open(process)
    except ProcessLookupError:
        return None
