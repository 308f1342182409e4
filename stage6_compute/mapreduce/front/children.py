"""A task process as its worker sees it."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from typing import Any

from stage6_compute.mapreduce.front.orders import Order, Plan, read_report

LINE_BYTES = 1 << 20
GRACE_SECONDS = 5.0
"""A task process that says nothing for so long beyond the time of a function is killed."""


class Child:
    """One task process; started again each time it has ended."""

    def __init__(self) -> None:
        self._process: Process | None = None

    async def start(self) -> Process:
        """Start it, unless it runs."""
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "stage6_compute.mapreduce.front.task",
                stdin=PIPE,
                stdout=PIPE,
                limit=LINE_BYTES,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        return self._process

    async def do(self, order: Order) -> Mapping[str, Any]:
        """Have an attempt made; returns the report on how it ended.

        A process that ends, or hangs where no exception reaches it, is reported as a failure.
        """
        try:
            process = await self.start()
        except OSError as error:
            return _failed(f"no process for {order.phase} {order.number} could be started: {error}")
        assert process.stdin is not None
        assert process.stdout is not None
        seconds = Plan.from_text(order.plan).seconds + GRACE_SECONDS
        try:
            process.stdin.write(order.to_line())
            while line := await asyncio.wait_for(process.stdout.readline(), seconds):
                report = read_report(line)
                if report["kind"] != "progress":
                    return report
        except TimeoutError:
            self.kill()
            await process.wait()
            return _failed(f"{order.phase} {order.number} did not get on within {seconds:g} s")
        except (ConnectionError, ValueError) as error:
            self.kill()
            await process.wait()
            return _failed(f"the process of the task garbled its report: {error}")
        code = await process.wait()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return _failed(f"the process of {order.phase} {order.number} {how}: was memory used up?")

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        """End it, and wait until it has."""
        if self._process is not None:
            self.kill()
            await self._process.wait()


def _failed(why: str) -> Mapping[str, Any]:
    return {"kind": "failed", "why": why, "record": None}
