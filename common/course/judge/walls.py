"""Two ways to put walls around a program: bubblewrap, and Docker.

Each makes, from one :class:`Plan`, the command that starts the walls with the program within. The
last thing each starts is ``inside/lock.py``, which sets the limits and gives up all rights: so
these are the same whatever the walls are made of.
"""

import base64
import json
import os
import random
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.course.judge.filters import SANDBOX, assemble
from common.course.judge.interpreter import PYTHON, hidden, needed
from common.course.judge.limits import Limits
from common.course.judge.relay import INSIDE as SOCKETS
from common.values.errors import MissingTool

INSIDE = Path(__file__).parent / "inside"
LOCK = "/lock.py"
"""Where the last door is, inside."""

ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "TMPDIR": "/tmp",
}
"""All that a program inside finds in its environment."""

DEVICES = ("/dev/null", "/dev/zero")
CHANCE = ("/dev/random", "/dev/urandom")
FIRST_USER, USERS = 1 << 30, 1 << 29
"""Started by root, each sandbox has a user number of its own from this range: the kernel counts
processes by user."""
IMAGE = "lab-nothing"
"""An empty image: even in Docker the only files are those that we show."""
DOCKER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall run, and what it may see.

    Args:
        command: program and arguments, by paths inside.
        files: path inside and the file or folder outside that is shown there, read-only.
        limits: what it may use.
        keep: open descriptors that the program keeps, beside the standard ones.
        proc: whether ``/proc`` (of its own processes) is there.
        chance: whether the devices of the system's random numbers are there.
    """

    command: Sequence[str]
    files: Sequence[tuple[str, Path]]
    limits: Limits
    keep: Sequence[int] = ()
    proc: bool = True
    chance: bool = True

    def devices(self) -> tuple[str, ...]:
        """The devices that are there."""
        return DEVICES + CHANCE if self.chance else DEVICES

    def shown(self) -> list[tuple[str, str]]:
        """All that is shown: outside and inside, outer folders first."""
        own = [(str(path), str(path)) for path in needed()]
        files = [(str(path.resolve()), inside) for inside, path in self.files]
        every = [*own, (str(INSIDE / "lock.py"), LOCK), *files]
        return sorted(every, key=lambda pair: pair[1])

    def folders(self) -> list[str]:
        """The folders above what is shown, outer ones first."""
        above = {str(folder) for _, inside in self.shown() for folder in Path(inside).parents}
        return sorted(above - {"/"})

    def locked(
        self,
        user: int | None,
        lock: str = LOCK,
        limits: Mapping[str, int] | None = None,
        named: str = "",
    ) -> list[str]:
        """The command behind the last door.

        Args:
            user: the number of the user to become; None to stay the same one.
            lock: where the door is.
            limits: the kernel's limits, instead of those of the plan.
            named: the folder of the sockets to connect to, where descriptors are not inherited.
        """
        settings = {
            "user": user,
            "limits": dict(limits or self.limits.resources()),
            "filter": base64.b64encode(assemble(SANDBOX)).decode(),
            "environment": ENVIRONMENT,
            "keep": list(self.keep),
            "named": named,
        }
        return [PYTHON, "-ES", lock, json.dumps(settings), *self.command]


def fresh_user() -> int | None:
    """A user number that nobody else has, where we may become another user (root may)."""
    return random.SystemRandom().randrange(FIRST_USER, FIRST_USER + USERS) if is_root() else None


def is_root() -> bool:
    """Whether we are root, outside."""
    return os.geteuid() == 0


def bubblewrap_program() -> str | None:
    """Where bwrap is; None where it is missing, or too old to bound a temporary folder."""
    program = shutil.which("bwrap")
    return program if program is not None and "--size" in _help(program) else None


def bubblewrap(plan: Plan, status: int) -> tuple[int, list[str]]:
    """The command that builds walls with bwrap, and the descriptor that it reads arguments from.

    Raises:
        MissingTool: there is no bwrap that can.
    """
    program = bubblewrap_program()
    if program is None:
        raise MissingTool("bubblewrap cannot be used here")
    arguments = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", "--die-with-parent", "--new-session"]
    if is_root():  # to become a fresh user is all that it may still do
        arguments += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        arguments += ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    for folder in plan.folders():  # those that bwrap makes by itself are for their owner alone
        arguments += ["--perms", "0755", "--dir", folder]
    for outside, inside in plan.shown():
        arguments += ["--ro-bind", outside, inside]
    for path in hidden():
        arguments += ["--perms", "0755", "--size", "4096", "--tmpfs", str(path)]
        arguments += ["--remount-ro", str(path)]
    arguments += ["--perms", "0755", "--dir", "/dev"]
    for device in plan.devices():
        arguments += ["--dev-bind", device, device]
    arguments += ["--perms", "1777", "--size", str(plan.limits.file_bytes), "--tmpfs", "/tmp"]
    arguments += ["--proc", "/proc"] if plan.proc else ["--dir", "/proc"]
    arguments += ["--remount-ro", "/", "--chdir", "/tmp", "--info-fd", str(status)]
    listed = _file("\0".join(arguments))
    return listed, [program, "--args", str(listed), "--", *plan.locked(fresh_user())]


def docker(plan: Plan, name: str, relay: Path | None) -> list[str] | None:
    """The command that runs a container with our files in an empty image; None without Docker.

    Args:
        plan: what shall run.
        name: of the container.
        relay: the folder of the sockets that stand for the plan's descriptors, if there are any.
    """
    program = shutil.which("docker")
    if program is None or not _empty_image(program):
        return None
    user = random.SystemRandom().randrange(FIRST_USER, FIRST_USER + USERS)
    arguments = ["run", "--rm", "--interactive", f"--name={name}", "--pull=never", "--init"]
    arguments += ["--network=none", "--read-only", "--cap-drop=ALL", f"--user={user}:{user}"]
    arguments += ["--security-opt=no-new-privileges", "--log-driver=none", "--workdir=/tmp"]
    arguments += [f"--memory={plan.limits.all_memory_bytes}", "--ipc=none"]
    arguments += [f"--memory-swap={plan.limits.all_memory_bytes}"]
    arguments += [f"--pids-limit={plan.limits.processes + 2}"]
    arguments += [f"--tmpfs=/tmp:rw,nosuid,nodev,size={plan.limits.file_bytes},mode=1777"]
    for outside, inside in plan.shown():
        arguments.append(f"--mount=type=bind,readonly,source={outside},target={inside}")
    for path in hidden():
        arguments.append(f"--mount=type=tmpfs,destination={path},tmpfs-size=4096,tmpfs-mode=0555")
    if not plan.chance:  # each container has these devices: nothing is laid over them
        nothing = [f"--mount=type=bind,source=/dev/null,target={device}" for device in CHANCE]
        arguments += nothing
    if relay is not None:
        arguments.append(f"--mount=type=bind,readonly,source={relay},target={SOCKETS}")
    return [program, *arguments, IMAGE, *plan.locked(None, named=SOCKETS if relay else "")]


def _empty_image(program: str) -> bool:
    """Have the empty image; False where no Docker engine answers."""
    try:
        asked = [program, "image", "inspect", IMAGE]
        if subprocess.run(asked, capture_output=True, timeout=DOCKER_SECONDS).returncode == 0:
            return True
        nothing = bytes(10240)  # the end of a tar archive, and nothing before it
        made = [program, "import", "-", IMAGE]
        ran = subprocess.run(made, input=nothing, capture_output=True, timeout=DOCKER_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0


def _help(program: str) -> str:
    asked = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return asked.stdout + asked.stderr


def _file(text: str) -> int:
    """A descriptor from which ``text`` can be read; nobody else sees it in a list of arguments."""
    descriptor = os.memfd_create("settings", 0)
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
