"""Takes in a submission in a process of its own, so that one submission cannot stop a class.

Strangers decide how much work it is to look at what they have packed, and they may know the faults
of the libraries that look. So that process has little memory and little time, and what goes wrong
with it is one sentence in a report.
"""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from common.course.base.scratch import Scratch, without_places
from common.course.judge.intake import Intake, Room, take_in
from common.values.brief import LONGEST, legible
from common.values.errors import BadInput, LabError

ROOT = Path(__file__).resolve().parents[3]
REASON_BYTES = 2000
UNWRITABLE = 74
"""Its exit code if this machine is at fault: the disk is full, say."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one submission may cost.

    Attributes:
        processor_seconds: of the process, and of each program that it starts.
        wall_seconds: from its beginning to its end.
        memory_bytes: of addresses; a Python that has imported the intake has some 200 MiB of them.
    """

    processor_seconds: int = 20
    wall_seconds: float = 60
    memory_bytes: int = 1 << 30


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Order:
    """What the process is told."""

    rooms: Mapping[str, Room]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one room of a submission.

    Attributes:
        files: the bytes, by path relative to the workspace.
        intake: what was taken, and what was not and why.
    """

    files: Mapping[str, bytes]
    intake: Intake


def take_in_apart(
    submission: Path, rooms: Mapping[str, Room], limits: Limits = LIMITS
) -> dict[str, Taken]:
    """Take the files of some rooms from a submission.

    Args:
        submission: as for :func:`common.course.judge.intake.take_in`.
        rooms: what to look for, by any name.
        limits: what it may cost.

    Returns:
        By the same names what was found. If the submission took too long, too much memory or broke
        what reads it, nothing was, and a sentence says so.

    Raises:
        BadInput: this machine cannot take it in: the disk is full, say.
    """
    with Scratch("in") as scratch:
        into = scratch / "files"
        answer = _run(submission, into, Order(rooms, limits))
        if isinstance(answer, str):
            return {name: Taken({}, Intake((), (answer,))) for name in rooms}
        return {name: _read(into / name, intake) for name, intake in answer.items()}


def _run(submission: Path, into: Path, order: Order) -> dict[str, Intake] | str:
    """What the process has taken, or a sentence on why it has taken nothing."""
    command = [sys.executable, "-P", "-m", __name__, os.fspath(submission.absolute()), str(into)]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "TMPDIR": str(into.parent),
    }
    limits = order.limits
    with subprocess.Popen(
        command, cwd=into.parent, env=environment, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            told = msgspec.json.encode(order)
            said, reason = process.communicate(told, timeout=limits.wall_seconds)
        except subprocess.TimeoutExpired:
            return _too_much(submission, f"{limits.wall_seconds:g} seconds")
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # with what it has started: git
    if process.returncode == UNWRITABLE:
        raise BadInput(reason[:REASON_BYTES].decode(errors="replace").strip())
    if process.returncode == 0:
        return msgspec.json.decode(said, type=dict[str, Intake])
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return _too_much(submission, f"{limits.processor_seconds} seconds of the processor")
    lines = reason[-REASON_BYTES:].decode(errors="replace").strip().splitlines()
    said_last = lines[-1] if lines else f"exit code {process.returncode}"
    names = {submission: submission.name, into.parent: "the workspace"}
    why = legible(without_places(said_last, names)[:200])
    return f"it broke what reads submissions ({why}): pack the files anew, as a plain zip"


def _too_much(submission: Path, what: str) -> str:
    return f"{submission.name!a} takes more than {what} to be read: pack the files anew"


def _read(folder: Path, intake: Intake) -> Taken:
    files = {name: (folder / name).read_bytes() for name in intake.taken}
    told = tuple(map(_told, intake.refused))
    return Taken(files, Intake(intake.taken, told, intake.bare))


def _told(sentence: str) -> str:
    """A sentence for a report: names in it are a stranger's, of any length and any signs."""
    half = LONGEST // 2
    cut = sentence if len(sentence) <= LONGEST else f"{sentence[:half]} ... {sentence[-half:]}"
    return legible(cut)


def _limit(what: int, most: int) -> None:
    """Lower one of this process's limits, never above what it has."""
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def main(submission: str, into: str) -> int:
    """What the process does: limits itself, takes in, and says what came of it."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    _limit(resource.RLIMIT_AS, order.limits.memory_bytes)
    _limit(resource.RLIMIT_CPU, order.limits.processor_seconds)
    _limit(resource.RLIMIT_CORE, 0)
    try:
        taken = {
            name: take_in(Path(submission), room, Path(into) / name)
            for name, room in order.rooms.items()
        }
    except LabError as error:
        print(error, file=sys.stderr)
        return UNWRITABLE
    sys.stdout.buffer.write(msgspec.json.encode(taken))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
