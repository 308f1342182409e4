"""A member of the cluster as its launcher sees it: an OS process with a control channel."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, cast

from common.contract.events import NodeId
from common.runtime import control
from common.values.errors import LabError, RemoteProtocolError

READY_SECONDS = 30.0
"""How long a process may take from its start until it listens."""
STATUS_SECONDS = 2.0


class NodeFailed(LabError):
    """A node's process ended by itself; the text is the sentence with which it did."""


class State(Enum):
    """What has become of a node's process."""

    NEW = "new"
    UP = "up"
    PAUSED = "paused"
    DOWN = "down"


class _Lines(asyncio.Protocol):
    """Cuts the process's stdout into lines."""

    def __init__(self, take: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._take, self._ended, self._rest = take, ended, b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)

    def connection_lost(self, error: Exception | None) -> None:
        self._ended()


class Member:
    """One node process, from one life to the next.

    Args:
        id: the node's name.
        on_returned: takes outcomes of operations that were invoked on the node.
        on_ended: told when a process that nobody stopped or killed has ended, with the error.

    Attributes:
        state: what has become of the process.
        life: how many lives have begun, minus one.
        port: where the present life listens.
        pid: of the present process.
    """

    def __init__(
        self,
        id: NodeId,
        on_returned: Callable[[control.Returned], None],
        on_ended: Callable[[NodeId, NodeFailed], None],
    ) -> None:
        self.id = id
        self.state = State.NEW
        self.life = -1
        self.port = 0
        self._on_returned = on_returned
        self._on_ended = on_ended
        self._process: subprocess.Popen[bytes] | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._untold: list[control.Command] = []
        """What a process whose stdin is just being connected is told as soon as it is."""
        self._ready: asyncio.Future[int] | None = None
        self._gone: asyncio.Future[int] | None = None
        self._questions: dict[int, asyncio.Future[control.Status]] = {}
        self._last_question = 0
        self._sentence = ""
        self._expected = False

    @property
    def pid(self) -> int:
        """The process id of the present life."""
        assert self._process is not None, "the node was started"
        return self._process.pid

    async def spawn(self, config: Path, log: Path) -> int:
        """Start a process and wait until it listens; returns its port.

        Raises:
            NodeFailed: it ended before that; the text says why.
        """
        loop = asyncio.get_running_loop()
        self._ready, self._gone = loop.create_future(), loop.create_future()
        self._expected, self._sentence = False, ""
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "common.runtime.process", str(config)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                # A group of its own: Ctrl-C reaches the launcher alone, which then stops the node;
                # and should the launcher die, the system continues and ends a stopped group.
                process_group=0,
            )
        self._process = process
        self.life += 1
        self.state = State.UP
        self._untold.clear()
        try:
            await self._connect(process)
        except BaseException:  # interrupted: nobody else knows of this process yet
            process.kill()
            self._gone.set_result(process.wait())
            self.state = State.DOWN
            raise
        try:
            async with asyncio.timeout(READY_SECONDS):
                self.port = await self._ready
        except TimeoutError:
            await self.kill()
            raise NodeFailed(
                f"{self.id} did not listen within {READY_SECONDS:g} s; its log is {log}"
            ) from None
        return self.port

    async def _connect(self, process: subprocess.Popen[bytes]) -> None:
        loop = asyncio.get_running_loop()
        made: tuple[Any, Any] = await loop.connect_write_pipe(asyncio.BaseProtocol, process.stdin)
        self._stdin = cast(asyncio.WriteTransport, made[0])
        for command in self._untold:
            self.tell(command)
        self._untold.clear()
        await loop.connect_read_pipe(lambda: _Lines(self._report, self._ended), process.stdout)

    def tell(self, command: control.Command) -> None:
        """Send a command, if there is a process to hear it."""
        if self.state not in (State.UP, State.PAUSED):
            return
        if self._stdin is None:
            self._untold.append(command)
        elif not self._stdin.is_closing():  # else the process is gone, even if that is not told yet
            self._stdin.write(control.to_line(command))

    async def status(self) -> control.Status | None:
        """Ask the node how it is; None if it is down, paused, or does not answer in time."""
        if self.state is not State.UP:
            return None
        self._last_question += 1
        id = self._last_question
        answer = asyncio.get_running_loop().create_future()
        self._questions[id] = answer
        self.tell(control.AskStatus(id))
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                status: control.Status | None = await answer
                return status
        except TimeoutError:
            return None
        finally:
            del self._questions[id]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if there is one."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def pause(self) -> None:
        """SIGSTOP: the process keeps its state and its connections and does nothing."""
        if self.state is State.UP:
            self.signal(signal.SIGSTOP)
            self.state = State.PAUSED

    def resume(self) -> None:
        """SIGCONT: a paused process goes on."""
        if self.state is State.PAUSED:
            self.signal(signal.SIGCONT)
            self.state = State.UP

    async def kill(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        self._expected = True
        self.signal(signal.SIGKILL)
        await self.gone()

    async def stop(self, grace: float) -> None:
        """Ask the process to end, and kill it if it has not after ``grace`` seconds."""
        self._expected = True
        self.resume()
        self.tell(control.Stop())
        try:
            async with asyncio.timeout(grace):
                await self.gone()
        except TimeoutError:
            await self.kill()

    async def gone(self) -> None:
        """Wait until the present process has ended."""
        if self._gone is not None:
            await asyncio.shield(self._gone)

    def _report(self, line: bytes) -> None:
        try:
            report = control.read_report(line)
        except RemoteProtocolError as error:
            self._sentence = f"{self.id} garbled its control channel: {error}"
            self.signal(signal.SIGKILL)
            return
        match report:
            case control.Ready(port):
                if self._ready is not None and not self._ready.done():
                    self._ready.set_result(port)
            case control.Status(id):
                answer = self._questions.get(id)
                if answer is not None and not answer.done():
                    answer.set_result(report)
            case control.Returned():
                self._on_returned(report)
            case control.Error(sentence):
                self._sentence = sentence

    def _ended(self) -> None:
        """stdout has ended: so has the process, or it is about to."""
        assert self._process is not None, "there was a process"
        self.state = State.DOWN
        if self._stdin is not None:
            if not self._stdin.is_closing():  # asyncio's own loop may have noticed first
                self._stdin.abort()
            self._stdin = None
        waiting = asyncio.get_running_loop().run_in_executor(None, self._process.wait)
        waiting.add_done_callback(self._reaped)

    def _reaped(self, waiting: asyncio.Future[int]) -> None:
        code = waiting.result()
        assert self._gone is not None, "there was a process"
        if not self._gone.done():
            self._gone.set_result(code)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        error = NodeFailed(self._sentence or f"the process of {self.id} ended {how}")
        error.exit_code = code if code > 0 else NodeFailed.exit_code
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # if the launcher was interrupted, nobody waits for it
        elif not self._expected:
            self._on_ended(self.id, error)
