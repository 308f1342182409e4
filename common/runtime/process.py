"""One node as a program: ``python -m common.runtime.process CONFIG.json``.

Its launcher speaks to it by JSON lines on stdin and stdout (:mod:`common.runtime.control`). When
stdin ends, the launcher is gone, and so is the node: no orphans. What the node's code prints goes
to its log file, as does one sentence for every connection that was refused or lost.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import BinaryIO

from common.codec import JsonCodec
from common.contract.events import CallId
from common.contract.node import Node
from common.contract.schema import Schema
from common.runtime import control
from common.runtime.clock import Clock
from common.runtime.config import NodeConfig, load_class, make_node
from common.runtime.facade import Door, Facade, load_facade
from common.runtime.garbage import collect_by_the_clock
from common.runtime.handshake import Identity
from common.runtime.loops import run
from common.runtime.lying import load_behaviours
from common.runtime.macs import MacSigner
from common.runtime.replaced import replace_modules
from common.runtime.resident import Resident
from common.runtime.signatures import Ed25519Signer, from_hex, signer_of
from common.runtime.trace_file import TraceFile
from common.trace.format import Meta
from common.trace.plain import plain
from common.trace.recorder import Recorder
from common.values.errors import BadInput, LabError
from common.values.faults import Schedule
from common.values.history import Failed, Ok, Outcome, Unknown

GRACE_SECONDS = 2.0
"""A node whose code does not come back this long after its launcher went is ended by force."""
DIED_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux's prctl(2)."""


class Program:
    """The node, its host, and its end of the control channel.

    Args:
        config: what to be.
        reports: where reports go, one line each.
    """

    def __init__(self, config: NodeConfig, reports: BinaryIO) -> None:
        self._config = config
        self._reports = reports
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._early: list[control.DoInvoke] | None = []
        """What was asked before the node's life began; None from then on."""
        self._directory = Path(config.directory)
        peers = tuple(member for member in config.members if member != config.node)
        self._clock = Clock(config.epoch_ns)
        self._trace = self._open_trace() if config.trace else None
        node = make_node(load_class(config.node_class), config.node, peers, **config.config)
        self._signer: Ed25519Signer | MacSigner | None = None
        if config.signing_key:
            own = bytes.fromhex(config.signing_key)
            self._signer = signer_of(config.authentication, config.node, own, config.public_keys)
            node.sign_by(self._signer)
        self._resident = Resident(
            node,
            Identity(config.cluster, config.node, bytes.fromhex(config.secret)),
            self._directory,
            clock=self._clock,
            seed=f"{config.seed}/{config.node}/{config.life}",
            place=(config.index, config.life),
            log=self.log,
            by_datagram=peers if config.datagrams else (),
            observer=None if self._trace is None else self._recorder(self._trace, type(node)),
            on_failure=self._failed,
            behaviours=load_behaviours(config.worlds),
            codec=config.codec,
        )
        self._codec = JsonCodec(self._resident.schema | Schema([Ok, Failed, Unknown]))
        self._door = Door(self._resident, config.members, self.log)
        self._facade: Facade | None = None
        if config.facade:
            self._facade = load_facade(config.facade)(self._door, config.facade_config)

    def _open_trace(self) -> TraceFile:
        return TraceFile(self._directory / f"trace-{self._config.life}.jsonl")

    def _recorder(self, file: TraceFile, kind: type[Node]) -> Recorder:
        meta = Meta(self._config.lab, self._config.members, world="sockets")
        return Recorder(file.write, meta, nodes=[kind], clocks=False)

    async def run(self) -> int:
        """Listen, say so, and carry out commands until told to stop; returns the exit code."""
        port = await self._resident.listen(self._config.host, self._config.port)
        if self._facade is not None:
            await self._facade.listen()
        self._report(control.Ready(port))
        try:
            return await self._ended
        finally:
            if self._facade is not None:
                await self._facade.close()
            await self._resident.close()
            if self._trace is not None:
                self._trace.close()

    def end(self, code: int = 0) -> None:
        """End the program."""
        if not self._ended.done():
            self._ended.set_result(code)

    def log(self, sentence: str) -> None:
        """Write a sentence to the log file, with the time since the cluster began."""
        print(f"{self._clock.world() / 1e6:.3f} s  {sentence}", file=sys.stderr, flush=True)

    # The control channel.

    def command(self, line: bytes) -> None:
        """Carry out one line from the launcher."""
        try:
            self._do(control.read_command(line))
        except LabError as error:
            self._failed(error)

    def _do(self, command: control.Command) -> None:
        match command:
            case control.Begin(book, faults):
                self._resident.begin(book, Schedule.from_plain(faults))
                self._door.begun()
                early, self._early = self._early or [], None
                for asked_before in early:
                    self._do(asked_before)
            case control.Know(book):
                self._resident.know(book)
            case control.Trust(keys):
                assert self._signer is not None, "only the launcher of nodes that sign says so"
                self._signer.know(from_hex(keys))
            case control.DoFault(fault):
                self._resident.host.apply(Schedule.from_plain([fault]).faults[0])
            case control.AskStatus(id):
                self._report(self._status(id))
            case control.DoInvoke() if self._early is not None:
                self._early.append(command)
            case control.DoInvoke(call, operation):
                asked = self._codec.decode(operation.encode())
                self._resident.submit(asked, partial(self._returned, call))
            case control.Stop():
                self.end()

    def _status(self, id: int) -> control.Status:
        host = self._resident.host
        counters = host.counters
        commits = host.commits
        counters["flushes"] = 0 if commits is None else commits.flushes
        counters["waiting_for_disk"] = 0 if commits is None else commits.waiting
        queues = {
            peer.id: len(peer.waiting) for peer in host.transport.peers.values() if peer.waiting
        }
        fields = host.status()
        return control.Status(
            id, {name: plain(value) for name, value in fields.items()}, counters, queues
        )

    def _returned(self, call: CallId, outcome: Outcome) -> None:
        self._report(control.Returned(call, self._codec.encode(outcome).decode()))

    def _failed(self, error: LabError) -> None:
        self.log(str(error))
        self._report(control.Error(str(error)))
        self.end(error.exit_code)

    def _report(self, report: control.Report) -> None:
        with contextlib.suppress(BrokenPipeError):  # the launcher is gone; stdin will tell
            self._reports.write(control.to_line(report))
            self._reports.flush()


def follow(program: Program, loop: asyncio.AbstractEventLoop, commands: BinaryIO) -> None:
    """Hand the launcher's lines to the program until stdin ends; then end it, by force if need be.

    This runs in a thread of its own, so that a handler that never returns cannot keep a node alive
    whose launcher is gone.
    """
    with contextlib.suppress(RuntimeError):  # the loop has ended before stdin
        while line := commands.readline(control.MAX_LINE_BYTES):
            loop.call_soon_threadsafe(program.command, line)
        loop.call_soon_threadsafe(program.end)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def _take_stdout() -> BinaryIO:
    """The control channel's way out; whatever prints to stdout prints to the log from now on."""
    reports = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return reports


def _die_with_parent() -> None:
    """Ask Linux for SIGKILL when the launcher dies: a stopped process does not see stdin end."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIED_WITH_PARENT, signal.SIGKILL)


async def _main(config: NodeConfig, reports: BinaryIO) -> int:
    program = Program(config, reports)
    loop = asyncio.get_running_loop()
    collect_by_the_clock(loop)
    commands = os.fdopen(os.dup(0), "rb")
    threading.Thread(target=follow, args=(program, loop, commands), daemon=True).start()
    return await program.run()


def main() -> int:
    """Run the node that the configuration file describes."""
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the launcher, which tells us
    reports = _take_stdout()
    try:
        if len(sys.argv) != 2:
            raise BadInput("usage: python -m common.runtime.process CONFIG.json")
        config = NodeConfig.read(Path(sys.argv[1]))
        replace_modules(config.files)
        return run(_main(config, reports), stock=config.stock_loop)
    except LabError as error:
        print(error, file=sys.stderr)
        with contextlib.suppress(BrokenPipeError):
            reports.write(control.to_line(control.Error(str(error))))
            reports.flush()
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
