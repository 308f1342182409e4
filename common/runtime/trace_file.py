"""A trace file of a live process: written at most once per turn of the loop, in whole lines."""

import asyncio
from pathlib import Path

from common.trace.recorder import open_trace


class TraceFile:
    """Collects lines and writes them at the end of each turn of the loop.

    What was written survives the process (the system has it), so that after a SIGKILL at most the
    last turn is missing from the trace.

    Args:
        path: of the file, made anew.
    """

    def __init__(self, path: Path) -> None:
        self._file = open_trace(path)
        self._lines: list[str] = []
        self._loop = asyncio.get_running_loop()

    def write(self, line: str) -> None:
        """Add one line, its line end included."""
        if not self._lines:
            self._loop.call_soon(self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Write what has been collected."""
        if not self._file.closed:
            self._file.write("".join(self._lines))
            self._file.flush()
        self._lines.clear()

    def close(self) -> None:
        """Write the rest and close."""
        self.flush()
        self._file.close()
