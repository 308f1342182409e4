"""Bounds for a whole sandbox, where the kernel's control groups can be used: as root, mostly.

The kernel's resource limits bound each process by itself. A control group bounds all processes of a
sandbox together, whatever they do. Where we may not make one, the limits of each process, and their
number, are all there is.
"""

import contextlib
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from common.course.judge.limits import Limits

MOUNT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
NAME = "lab-sandbox-"
"""What the names of groups begin with; the number of the process that made it follows."""
JOIN = 'for group in $1; do echo 0 > "$group/cgroup.procs"; done; shift; exec "$@"'
"""A shell's words that join groups and become the command: its children are in them then."""
REMOVE_SECONDS = 5.0
"""A group can be removed when its last process is gone, which the kernel may notice a bit late."""


class Group:
    """A control group (one for each of the kernel's controllers, in its first version).

    Args:
        folders: where it is.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders

    def joined(self, command: Sequence[str]) -> list[str]:
        """The command that joins the group, and then becomes ``command``."""
        if not self._folders:
            return list(command)
        return ["/bin/sh", "-c", JOIN, "sh", " ".join(map(str, self._folders)), *command]

    def close(self) -> None:
        """Remove it; all that was in it is dead by now."""
        deadline = time.monotonic() + REMOVE_SECONDS
        for folder in self._folders:
            while time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.001)
        self._folders = ()


def make_group(limits: Limits) -> Group:
    """A new group with such limits; one that bounds nothing where none can be made."""
    name = f"{NAME}{os.getpid()}-{uuid.uuid4().hex}"
    made = [
        folder for parents, values in _wanted(limits) if (folder := _make(parents, name, values))
    ]
    return Group(made)


def _wanted(limits: Limits) -> Iterator[tuple[list[Path], Mapping[str, int]]]:
    """Where a group could be made, and what is to be written there."""
    memory, processes = limits.all_memory_bytes, limits.processes + 8
    try:
        lines = [line.split(":", 2) for line in OWN.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return
    own = {controller: path for _, names, path in lines for controller in names.split(",")}
    if (MOUNT / "cgroup.controllers").exists():
        values = {"memory.max": memory, "memory.swap.max": 0, "pids.max": processes}
        yield _above(MOUNT, own.get("", "/")), values
        return
    values = {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory}
    yield _above(MOUNT / "memory", own.get("memory", "/")), values
    yield _above(MOUNT / "pids", own.get("pids", "/")), {"pids.max": processes}


def _above(mount: Path, own: str) -> list[Path]:
    """Our own group and those above it: the nearest in which we may make another one is taken."""
    here = mount / own.lstrip("/")
    return [here, *(folder for folder in here.parents if folder.is_relative_to(mount))]


def _make(parents: list[Path], name: str, values: Mapping[str, int]) -> Path | None:
    for parent in parents:
        _sweep(parent)
        folder = parent / name
        try:
            folder.mkdir()
        except OSError:
            continue
        missing = [file for file in values if not (folder / file).exists()]
        necessary = [file for file in missing if "swap" not in file and "memsw" not in file]
        try:
            if not necessary:
                for file, value in values.items():
                    if file not in missing:
                        (folder / file).write_text(str(value), encoding="ascii")
                if os.access(folder / "cgroup.procs", os.W_OK):
                    return folder
        except OSError:
            pass
        folder.rmdir()
    return None


def _sweep(parent: Path) -> None:
    """Remove what judges that were killed have left; a group with somebody in it stays."""
    for left in parent.glob(f"{NAME}*"):
        maker = left.name.removeprefix(NAME).partition("-")[0]
        if not Path("/proc", maker).exists():
            with contextlib.suppress(OSError):
                left.rmdir()
