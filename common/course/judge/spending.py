"""How much processor time strangers' programs use, counted while they live.

The kernel adds a process's time to its parent's only when the parent has waited for it; a sandbox
that is killed takes what it used with it. So the processes of each sandbox are looked at from
outside (proc(5)), now and then and once more before they are killed.
"""

import contextlib
import os
import threading
from pathlib import Path

PROCESSES = Path("/proc")
TIMES = slice(11, 15)
"""Of the fields that follow a process's name: time in user and kernel mode, and the same of the
children that it has waited for."""
BEGAN = 19
"""And the time at which it was started: with the number, it is the name of one process."""

_lock = threading.Lock()
_open: set["Account"] = set()
_ended = 0.0


class Account:
    """What one sandbox has used.

    Args:
        root: the number, here outside, of the process above all others in it.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._began = _fields(root)[BEGAN:][:1]
        self._most = 0.0
        with _lock:
            _open.add(self)

    def seconds(self) -> float:
        """The processor time of all its processes so far; it never goes back."""
        if _fields(self._root)[BEGAN:][:1] == self._began:
            self._most = max(self._most, _tree_seconds(self._root))
        return self._most

    def close(self) -> None:
        """Count for the last time: what is in there is about to be killed."""
        global _ended
        used = self.seconds()
        with _lock:
            if self in _open:
                _open.discard(self)
                _ended += used


def spent() -> float:
    """The processor time of all sandboxes of this process, ended ones included, in seconds."""
    with _lock:
        running, before = list(_open), _ended
    return before + sum(account.seconds() for account in running)


def _tree_seconds(root: int) -> float:
    """The processor time of a process and of all that have come of it and are there."""
    ticks, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        ticks += sum(map(int, _fields(process)[TIMES]))
        with contextlib.suppress(OSError):
            for thread in (PROCESSES / str(process) / "task").iterdir():
                waiting += map(int, (thread / "children").read_bytes().split())
    return ticks / os.sysconf("SC_CLK_TCK")


def _fields(process: int) -> list[bytes]:
    """What the kernel says of a process after its name; nothing if it is gone."""
    try:
        told = (PROCESSES / str(process) / "stat").read_bytes()
    except OSError:
        return []
    return told[told.rindex(b")") + 2 :].split()
