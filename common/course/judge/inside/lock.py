"""The last door before a stranger's program, run by the judge inside of the walls.

``python -ES lock.py SETTINGS COMMAND...`` sets the limits, becomes a user who owns nothing, gives
up for good every right to get more rights, loads the filter of system calls, and becomes COMMAND.
It stands alone (standard library only), since nothing else of the course is inside.
"""

import base64
import ctypes
import json
import os
import resource
import signal
import socket
import struct
import sys

NO_NEW_RIGHTS, SET_FILTER, FILTER_MODE = 38, 22, 2
"""``PR_SET_NO_NEW_PRIVS``, ``PR_SET_SECCOMP``, ``SECCOMP_MODE_FILTER`` of Linux's prctl(2)."""
SAME_ADDRESSES = 0x0040000
"""``ADDR_NO_RANDOMIZE`` of personality(2): what is ordered by addresses is ordered the same way."""
CAPABILITIES, AMBIENT, CLEAR_AMBIENT = 0x20080522, 47, 4
"""The newest version of capset(2)'s words; ``PR_CAP_AMBIENT``, ``PR_CAP_AMBIENT_CLEAR_ALL``."""
STEP_BYTES = 8
"""The size of one instruction of a filter."""


class Program(ctypes.Structure):
    """A filter as prctl(2) takes it."""

    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


def limit(limits: dict[str, int]) -> None:
    """Set resource limits for good: what may not be raised again."""
    for name, most in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is None:
            continue
        allowed = resource.getrlimit(which)[1]
        least = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(which, (least, least))


def connect(folder: str, descriptors: list[int]) -> None:
    """Connect to the sockets that stand for descriptors which could not be inherited."""
    for descriptor in descriptors:
        for kind in (socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
            made = socket.socket(socket.AF_UNIX, kind)
            try:
                made.connect(f"{folder}/{descriptor}")
            except OSError:
                made.close()
                continue
            os.dup2(made.detach(), descriptor)
            break


def become(user: int) -> None:
    """Be a user and group who own nothing here."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def give_up_rights(filter: bytes) -> None:
    """Have no rights, never get any, and have system calls filtered from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.personality(SAME_ADDRESSES)  # a container's engine may not let us
    libc.prctl(AMBIENT, CLEAR_AMBIENT, 0, 0, 0)
    header, nothing = struct.pack("Ii", CAPABILITIES, 0), bytes(24)
    if libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "cannot give up capabilities")
    if libc.prctl(NO_NEW_RIGHTS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot give up the right to new rights")
    if not filter:
        return
    program = Program(len(filter) // STEP_BYTES, filter)
    if libc.prctl(SET_FILTER, FILTER_MODE, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot load the filter of system calls")


def main() -> None:
    """Lock the door, and become the command."""
    settings, command = json.loads(sys.argv[1]), sys.argv[2:]
    if settings["named"]:
        connect(settings["named"], settings["keep"])
    kept = sorted({0, 1, 2, *settings["keep"]})
    for low, high in zip(kept, [*kept[1:], 1 << 20], strict=True):
        os.closerange(low + 1, high)
    if settings["user"] is not None:
        become(settings["user"])
    for caught in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them; a program need not
        signal.signal(caught, signal.SIG_DFL)
    limit(settings["limits"])
    give_up_rights(base64.b64decode(settings["filter"]))
    try:
        os.execve(command[0], command, settings["environment"])
    except OSError as error:
        sys.exit(f"the sandbox cannot start {command[0]}: {error.strerror}")


main()
