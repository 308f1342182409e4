"""Closes, from within, what is still open between processes that share one sandbox.

A warm process that forks one process for each node saves starting an interpreter for each. But the
nodes then share ``/tmp``, a loopback, a list of processes, and so could talk past the network that
the judge simulates. A process that has called :func:`seal` can compute, read files, and read and
write the descriptors that it has open; it can start no process, open no socket, write no file, take
no lock and signal nobody but itself, for good.

Two things are the caller's: to import a stranger's module only after the fork (what it makes at
import, say a shared mapping, would be everybody's), and to close descriptors that are not the
node's. This module needs the standard library and :mod:`common.course.judge.filters` alone.
"""

import ctypes
import os

from common.course.judge.filters import assemble, sealed

NO_NEW_RIGHTS, SET_FILTER, FILTER_MODE, SET_DUMPABLE = 38, 22, 2, 4
"""``PR_SET_NO_NEW_PRIVS``, ``PR_SET_SECCOMP``, ``SECCOMP_MODE_FILTER``, ``PR_SET_DUMPABLE``."""
STEP_BYTES = 8
"""The size of one instruction of a filter."""


class Program(ctypes.Structure):
    """A filter as prctl(2) takes it."""

    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def seal() -> bool:
    """Leave this process nothing but computing and its open pipes; cannot be undone.

    Returns:
        Whether it was done; False where the processor or the kernel has no such filters.

    Raises:
        OSError: the kernel has them, and refused ours.
    """
    steps = assemble(sealed(os.getpid()))
    if not steps:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(SET_DUMPABLE, 0, 0, 0, 0)  # its memory is nobody's, not even in /proc
    libc.prctl(NO_NEW_RIGHTS, 1, 0, 0, 0)
    program = Program(len(steps) // STEP_BYTES, steps)
    if libc.prctl(SET_FILTER, FILTER_MODE, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot load the filter of system calls")
    return True
