"""A node in any language: the workspace's ``run`` script, which speaks the step protocol."""

import os
import select
from collections.abc import Callable
from pathlib import Path

from common.course.judge import channel
from common.course.judge.channel import CHUNK, Channel, Count, Hung, Silent, counts
from common.course.judge.sandbox import Confined, Limits, start
from common.course.judge.worker.lines import MAX_LINE
from common.values.errors import BadInput

WORKSPACE = "/workspace"
"""Where the student's folder is inside."""

SYSTEM = {"/usr": Path("/usr"), "/bin": Path("/usr/bin")}
"""What of the machine is shown, read-only: languages live there."""

MEBIBYTE = 1 << 20
LIMITS = Limits(
    processor_seconds=20,
    wall_seconds=600,
    memory_bytes=4096 * MEBIBYTE,
    processes=64,
    output_bytes=channel.MOST_BYTES,
)
"""Of one node. Runtimes of other languages reserve much more memory than they use."""


LINE_END_SECONDS = 2
"""A program that has begun a line and is silent for so long has forgotten its end."""

ENDING_SECONDS = 3
"""A program whose output has ended is given so long to end, too: then what it said is whole."""

LAST_LINES = 10
"""So many lines of its standard error are shown when it fails."""

LONGEST_LINE = 300


class Pipes(Channel):
    """The two pipes of a program, used like one channel."""

    def __init__(self, confined: Confined, together: Count | None = None) -> None:
        self._confined = confined
        self.longest = MAX_LINE
        self._pending = b""
        self._counts = counts(together)
        self._unended = 0
        """So many bytes of a line are here whose end is not."""

    def write(self, line: bytes) -> None:
        """Send a whole line. Raises: Silent."""
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._confined.stdin.fileno(), view) :]
        except OSError:
            raise Silent(self._why()) from None

    def _receive(self) -> bytes:
        out = self._confined.stdout
        patience = LINE_END_SECONDS if self._unended else channel.ANSWER_SECONDS
        if not select.select([out], [], [], patience)[0]:
            if self._unended:
                raise Hung(
                    f"it wrote {self._unended:,} bytes but no line end for {LINE_END_SECONDS} s: "
                    "end each answer with \\n, and flush it"
                )
            raise Hung(f"it did not answer within {channel.ANSWER_SECONDS} s{self._said()}")
        data = bytes(out.read(CHUNK))
        if not data:
            raise Silent(self._why())
        for count in self._counts:
            count.add(len(data), 0)
        end = data.rfind(b"\n")
        self._unended = len(data) - end - 1 if end >= 0 else self._unended + len(data)
        return data

    def _why(self) -> str:
        self._confined.wait(ENDING_SECONDS)
        return self._confined.ended or f"it ended before it answered{self._said()}"

    def _said(self) -> str:
        """The end of what it wrote to its standard error, for a sentence."""
        said = self._confined.stderr_tail().strip().splitlines()[-LAST_LINES:]
        told = " | ".join(line[:LONGEST_LINE] for line in said)
        return f"; its standard error ended with: {told}" if told else ""

    def close(self) -> None:
        """Kill the program."""
        self._confined.close()


def spawn_run(
    run: Path, unsafe: bool, together: Count | None = None
) -> tuple[Channel, Callable[[], None]]:
    """Start the script for one life of one node.

    Args:
        run: the script.
        unsafe: run without a sandbox where none is to be had.
        together: counts what it writes with what others do; None for it alone.

    Raises:
        BadInput: it cannot be executed.
    """
    if not os.access(run, os.X_OK):
        raise BadInput(f"{run} is not executable: chmod +x {run}")
    files = {WORKSPACE: run.parent, **SYSTEM}
    confined = start([f"{WORKSPACE}/run"], files=files, limits=LIMITS, unsafe=unsafe)
    return Pipes(confined, together), _done


def _done() -> None:
    """Nothing more is to be done at the end of a node than to kill it."""
