"""Runs a stranger's program where it can see, reach and use nothing but what it is given.

Inside there are a read-only root with the Python interpreter, its standard library and the given
files; a private, bounded ``/tmp``; the processes of the sandbox itself; a loopback interface and no
other network; a fixed environment. The program is a user who owns nothing, has no rights, can get
none, and is killed whole, with whatever it started, at :meth:`Confined.kill`.

The walls are bubblewrap's where it can be used, else Docker's. On a machine that has neither
:func:`start` refuses, unless told ``unsafe``.

    with start([PYTHON, "-I", "/work.py"], files={"/work.py": path}, limits=Limits()) as confined:
        confined.stdin.write(b"...")
        confined.stdout.readline()

Threads: the kernel kills a sandbox when the *thread* that started it ends; start one from a thread
that lives as long as the sandbox shall.
"""

import contextlib
import functools
import os
import shlex
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from common.course.base.scratch import Scratch
from common.course.judge import walls
from common.course.judge.confined import Confined, inner_process
from common.course.judge.groups import make_group
from common.course.judge.interpreter import PYTHON
from common.course.judge.limits import Limits
from common.course.judge.relay import Relay
from common.course.judge.walls import ENVIRONMENT, Plan
from common.values.errors import BadInput, MissingTool

__all__ = ["PYTHON", "Confined", "Limits", "Walls", "available", "start"]

Walls = Literal["bubblewrap", "docker"]
KINDS: tuple[Walls, ...] = ("bubblewrap", "docker")
"""In the order of preference."""

PROBE = "print('here')"
PROBE_SECONDS = 30

NOTHING = (
    "this machine has nothing to put a stranger's program into: no Docker engine answers, and "
    "{why}, or add --unsafe if you trust the code as if you had written it"
)
NO_BUBBLEWRAP = "bubblewrap is not installed, or too old. Install it (apt-get install bubblewrap)"
SWITCHED_OFF = (
    "bubblewrap is installed, but may make no namespaces: a system may have switched them off for "
    "all but root (sysctl user.max_user_namespaces is 0, kernel.unprivileged_userns_clone is 0, or "
    "kernel.apparmor_restrict_unprivileged_userns is 1). Have them switched on, grade as root"
)


def start(
    command: Sequence[str],
    *,
    files: Mapping[str, Path],
    limits: Limits,
    unsafe: bool = False,
    keep: Sequence[int] = (),
    proc: bool = True,
    chance: bool = True,
    kind: Walls | None = None,
) -> Confined:
    """Start a program in a sandbox of its own.

    Args:
        command: program (an absolute path inside; :data:`PYTHON` is the interpreter) and arguments.
        files: absolute path inside -> file or folder outside, shown read-only. No path may lie
            below another one.
        limits: what the program may use.
        unsafe: where no sandbox is to be had, run it with limits alone: nothing stops it from
            reading and writing what we may. Its files lie elsewhere then; arguments that are paths
            of ``files``, or lie below them, are changed to where those really are.
        keep: descriptors that the program inherits by the same numbers; with Docker only sockets of
            the Unix kind can be kept.
        proc: whether it has a ``/proc``, which shows its own processes. Without, programs that
            share a sandbox learn less about each other.
        chance: whether it has the devices of the system's random numbers.
        kind: the walls to use, instead of the best ones there are.

    Returns:
        The running program.

    Raises:
        MissingTool: no sandbox can be had here (and ``unsafe`` was not given), or not this kind.
        BadInput: a file is not there, or only its owner may read it.
    """
    _check(files)
    plan = Plan(tuple(command), tuple(files.items()), limits, tuple(keep), proc, chance)
    chosen = kind or next(filter(available, KINDS), None)
    if chosen is None or (kind and not available(kind)):
        if not unsafe:
            raise no_walls() if kind is None else MissingTool(f"{kind} cannot be used here")
        return _unconfined(plan)
    return _launch(chosen, plan)


def no_walls() -> MissingTool:
    """What to raise where no sandbox is to be had; it says what is missing, and what helps."""
    why = SWITCHED_OFF if walls.bubblewrap_program() else NO_BUBBLEWRAP
    return MissingTool(NOTHING.format(why=why))


@functools.cache
def available(kind: Walls) -> bool:
    """Whether a program can be run behind such walls here; tried once, by running one."""
    limits = Limits(wall_seconds=PROBE_SECONDS)
    try:
        with _launch(kind, Plan([PYTHON, "-I", "-c", PROBE], [], limits)) as confined:
            return confined.stdout.read() == b"here\n"
    except (MissingTool, OSError):
        return False


def _check(files: Mapping[str, Path]) -> None:
    for inside, path in files.items():
        if not inside.startswith("/"):
            raise BadInput(f"{inside} is no absolute path: files in a sandbox need one")
        try:
            mode = path.stat().st_mode
        except OSError as error:
            problem = f"{path} cannot be shown in a sandbox: {error.strerror}"
            raise BadInput(problem) from None
        if walls.is_root() and not mode & 0o004:
            raise BadInput(
                f"{path} may be read by its owner alone, and a program in a sandbox is somebody "
                f"else: chmod -R o+rX {shlex.quote(str(path))}"
            )


def _launch(kind: Walls, plan: Plan) -> Confined:
    """Start the walls with the program within."""
    if kind == "docker":
        return _launch_container(plan)
    report, status = os.pipe()
    with open(report, "rb") as answer:
        try:
            settings, command = walls.bubblewrap(plan, status)
            group = make_group(plan.limits)
            process = _popen(group.joined(command), [status, settings, *plan.keep], ENVIRONMENT)
            os.close(settings)
        finally:
            os.close(status)
        return Confined(process, plan.limits, inner_process(answer.read()), group.close)


def _launch_container(plan: Plan) -> Confined:
    name = f"lab-{uuid.uuid4().hex}"
    relay = Relay(plan.keep) if plan.keep else None
    command = walls.docker(plan, name, None if relay is None else relay.folder)
    if command is None:
        raise MissingTool("docker cannot be used here")
    process = _popen(command, [], dict(os.environ))

    def end() -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            killing = [command[0], "kill", name]
            subprocess.run(killing, capture_output=True, timeout=PROBE_SECONDS, check=False)
        if relay is not None:
            relay.close()

    return Confined(process, plan.limits, None, end)


def _popen(
    command: Sequence[str], keep: Sequence[int], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment,
        pass_fds=keep,
        start_new_session=True,
    )


def _unconfined(plan: Plan) -> Confined:
    """The program with limits alone, in a folder of its own."""
    scratch = Scratch("unsafe")
    limits = {k: v for k, v in plan.limits.resources().items() if k != "NPROC"}
    moved = [_outside(word, plan.files) for word in plan.command]
    open_plan = Plan(moved, [], plan.limits, plan.keep)
    command = open_plan.locked(None, str(walls.INSIDE / "lock.py"), limits)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=scratch.path,
        env=ENVIRONMENT,
        pass_fds=plan.keep,
        start_new_session=True,
    )
    return Confined(process, plan.limits, None, scratch.remove, group=True)


def _outside(word: str, files: Sequence[tuple[str, Path]]) -> str:
    for inside, path in files:
        if word == inside or word.startswith(inside + "/"):
            return str(path.resolve()) + word.removeprefix(inside)
    return word
