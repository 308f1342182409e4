"""``lab run`` as a person starts it, for tests in which a real client talks to its members."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from tests.support.lab_command import ROOT


class Run:
    """A ``lab run`` that goes on.

    Args:
        process: of the command.

    Attributes:
        said: what it has printed so far.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdout is not None, "it was started with a pipe"
        self._stdout = process.stdout
        self.said = ""

    async def until(self, pattern: str) -> str:
        """Wait until it says where its members are; returns the first group of the pattern."""
        while not (where := re.search(pattern, self.said)):
            line = await self._stdout.readline()
            assert line, f"it has ended, and said nothing like {pattern}: {self.said}"
            self.said += line.decode()
        return where[1]

    async def end(self) -> str:
        """Wait for its end, which must be a good one; returns all that it said."""
        self.said += (await self._stdout.read()).decode()
        assert await self._process.wait() == 0, self.said
        return self.said


@contextlib.asynccontextmanager
async def lab_run(lab: str, out: Path, duration: str) -> AsyncIterator[Run]:
    """``lab run LAB`` without faults for so long; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "common.course.command", "run", lab, "--headless"),
        *("--duration", duration, "--out", str(out), "--faults", "none"),
        cwd=out,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "1000", "PYTHONPATH": str(ROOT)},
    )
    try:
        yield Run(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
