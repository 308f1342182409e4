"""The judge's side of a sandbox: asks the zygote within for processes, and gets a pipe to each."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import msgspec

from common.course.base.scratch import Scratch
from common.course.judge.channel import Channel, Count
from common.course.judge.interpreter import libraries_of, needed
from common.course.judge.sandbox import PYTHON, Limits, start
from common.values.errors import LabError

COURSE, LIBRARIES = "/course", "/libraries"
"""Where the course's own parts and their libraries are inside."""

PARTS = ("values", "contract", "codec", "sim", "check", "trace", "worlds", "runtime",
         "course/judge/worker")  # fmt: skip
FILES = ("__init__.py", "course/__init__.py", "course/judge/__init__.py", "course/judge/filters.py")
"""What of ``common`` is inside."""

OURS = ("common.codec.json_codec", "common.course.judge.worker.lines", "common.values.history",
        "common.values.faults", "common.values.report", "common.values.quorum",
        "common.values.units", "common.contract.rules", "common.contract.observer",
        "common.contract.sizes", "common.contract.calls")  # fmt: skip

SPARE = 4
"""How many nodes are forked before they are asked for: importing goes on beside the judge."""

READY_SECONDS = 60
MEBIBYTE = 1 << 20
LIMITS = Limits(
    processor_seconds=3600,
    wall_seconds=3600,
    memory_bytes=1024 * MEBIBYTE,
    processes=400,
    open_files=256,
    output_bytes=MEBIBYTE,
)
"""Of a whole sandbox; each process in it has its own, smaller share of the processor."""

PROCESSOR_SECONDS = 10
"""Processor time that one process of a student's may use in its life."""


class Ended(LabError):
    """A process of the student's ended, or said nothing any more."""

    exit_code = 1


class Nursery:
    """One sandbox with its zygote.

    Args:
        setup: what the zygote is told: see :mod:`common.course.judge.worker.zygote`.
        unsafe: run without a sandbox where none is to be had.
        together: counts what its processes write, with what others do.

    Raises:
        MissingTool: no sandbox is to be had.
    """

    def __init__(self, setup: dict[str, Any], unsafe: bool, together: Count) -> None:
        self._together = together
        shown = _copied()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        worker = f"{COURSE}/common/course/judge/worker/zygote.py"
        paths = [COURSE, LIBRARIES]
        self._confined = start(
            # Not -I, which has Python overlook the environment: the seed of hashes is in there.
            [PYTHON, "-s", "-P", "-B", worker, str(theirs.fileno()), *paths],
            files={
                COURSE: shown / "course",
                LIBRARIES: shown / "libraries",
                **_shared_libraries(),
            },
            limits=LIMITS,
            unsafe=unsafe,
            keep=[theirs.fileno()],
            proc=False,
            chance=False,
        )
        theirs.close()
        self._last = 0
        self._spare: list[tuple[int, Channel]] = []
        self._gone: list[int] = []
        ours.settimeout(READY_SECONDS)
        told = {**setup, "ours": OURS, "processor_seconds": PROCESSOR_SECONDS}
        self._write_setup(json.dumps(told).encode() + b"\n")
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        try:
            ready, why = bool(self._control.recv(100)), "the sandbox ended before it was ready"
        except TimeoutError:
            ready, why = False, f"the files did not compile within {READY_SECONDS} s"
        if not ready:
            self._confined.wait(1)
            tail = self._confined.stderr_tail()[-600:]
            self.close()
            raise Ended(f"{why}: {tail}".removesuffix(": "))

    def _write_setup(self, line: bytes) -> None:
        view = memoryview(line)
        with contextlib.suppress(BrokenPipeError):
            while view:
                view = view[os.write(self._confined.stdin.fileno(), view) :]

    def node(self) -> tuple[int, Channel]:
        """A process that waits to be told which node it is: its number, and its pipe."""
        while len(self._spare) < SPARE:
            self._spare.append(self.fork("node"))
        return self._spare.pop(0)

    def fork(self, role: str) -> tuple[int, Channel]:
        """A new process of this kind: its number, and its pipe."""
        self._bury()
        self._last += 1
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        asked = json.dumps({"do": "fork", "as": role, "child": self._last}).encode()
        try:
            socket.send_fds(self._control, [asked], [theirs.fileno()])
        except OSError as error:
            raise Ended(f"the sandbox is gone ({error.strerror}): {self._why()}") from None
        finally:
            theirs.close()
        return self._last, Channel(ours, self._together, called=role != "node")

    def bury(self, child: int) -> None:
        """See that a process ends; this is done soon, with others."""
        self._gone.append(child)

    def _bury(self) -> None:
        while self._gone:
            self._tell({"do": "kill", "child": self._gone.pop()})

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to a program in the sandbox. Raises: OSError, as ``connect`` does."""
        return self._socket({"do": "connect", "host": host, "port": port})

    def listen(self) -> socket.socket:
        """A socket of the judge's that programs in the sandbox can connect to."""
        return self._socket({"do": "listen"})

    def _socket(self, asked: dict[str, Any]) -> socket.socket:
        self._tell(asked)
        data, descriptors, _, _ = socket.recv_fds(self._control, 4096, 1)
        answer = json.loads(data or b"{}")
        if not descriptors:
            raise OSError(int(answer.get("errno") or 0), str(answer.get("text", "no answer")))
        return Counted(self._together, descriptors[0])

    def _tell(self, asked: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # a sandbox that is gone is noticed where it is needed
            self._control.send(json.dumps(asked).encode())

    def _why(self) -> str:
        self._confined.wait(1)
        return self._confined.ended or self._confined.stderr_tail()[-600:]

    def close(self) -> None:
        """Kill all that is in the sandbox."""
        for _, channel in self._spare:
            channel.close()
        self._control.close()
        self._confined.close()


class Counted(socket.socket):
    """A socket of the judge's to or for programs: what it reads of them is counted.

    Args:
        together: where.
        descriptor: of the socket.
    """

    def __init__(self, together: Count, descriptor: int) -> None:
        super().__init__(fileno=descriptor)
        self._together = together

    def recv(self, most: int, flags: int = 0) -> bytes:
        """As for any socket. Raises: Silent, when they have written too much."""
        data = super().recv(most, flags)
        self._together.add(len(data), 0)
        return data

    def accept(self) -> tuple[socket.socket, Any]:
        """As for any socket; what is read from the new one is counted, too."""
        accepted, address = super().accept()
        return Counted(self._together, accepted.detach()), address


@functools.cache
def _shared_libraries() -> dict[str, Path]:
    """What the extension modules of our libraries load, beyond what Python itself does."""
    extensions = sorted(Path(msgspec.__file__).parent.glob("*.so"))
    have = set(needed())
    return {str(path): path for path in libraries_of(extensions) if path not in have}


@functools.cache
def _copied() -> Path:
    """A folder with what the workers need, and nothing else: all sandboxes of a process show it,
    read-only."""
    scratch = Scratch("judge")
    atexit.register(scratch.remove)
    folder = scratch.path
    folder.chmod(0o755)
    common = Path(__file__).resolve().parents[2]
    target = folder / "course" / "common"
    ignore = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        shutil.copytree(common / part, target / part, ignore=ignore)
    for file in FILES:
        shutil.copyfile(common / file, target / file)
    library = Path(msgspec.__file__).parent
    shutil.copytree(library, folder / "libraries" / library.name, ignore=ignore)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder
