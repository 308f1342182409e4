"""Seals a process that has been forked: no file, no socket, no signal, no further process.

What is left is memory, time, and the one open pipe. So two nodes in one sandbox have no way to each
other but through the judge.
"""

import ctypes
import os
import resource
import sys
from collections.abc import Sequence

from common.course.judge.filters import Rule, assemble

NO_NEW_RIGHTS, SET_FILTER, FILTER_MODE = 38, 22, 2
"""``PR_SET_NO_NEW_PRIVS``, ``PR_SET_SECCOMP``, ``SECCOMP_MODE_FILTER`` of Linux's prctl(2)."""
STEP_BYTES = 8


class _Program(ctypes.Structure):
    """A filter as prctl(2) takes it."""

    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


_libc = ctypes.CDLL(None, use_errno=True)


def keep_only(pipe: int) -> None:
    """Close every open file but the standard ones, which become nothing, and the pipe."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, 1 << 16)


def limit_processor(seconds: int) -> None:
    """Let the kernel end this process after so much processor time of its own."""
    present = resource.getrlimit(resource.RLIMIT_CPU)[1]
    least = seconds if present == resource.RLIM_INFINITY else min(seconds, present)
    resource.setrlimit(resource.RLIMIT_CPU, (least, least))


def seal(rules: Sequence[Rule]) -> None:
    """Give up what the rules forbid, for good, and for all processes that come of this one.

    Raises:
        OSError: the kernel does not do it; then no stranger's code may run here.
    """
    program = assemble(rules)
    if not program or not sys.platform.startswith("linux"):
        raise OSError("there is no filter of system calls for this machine")
    if _libc.prctl(NO_NEW_RIGHTS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot give up the right to new rights")
    filter = _Program(len(program) // STEP_BYTES, program)
    if _libc.prctl(SET_FILTER, FILTER_MODE, ctypes.byref(filter), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot load the filter of system calls")
