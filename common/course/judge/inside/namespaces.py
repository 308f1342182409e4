"""Walls from the kernel alone, where there is no bubblewrap: run by the judge on the outside.

``python -ES namespaces.py DESCRIPTOR`` reads its settings (JSON) from that descriptor, makes new
namespaces (mounts, processes, network, ...; as a normal user also one of users), builds a root that
has what the settings list and nothing else, and runs the command there, below a first process that
does nothing but wait: when that one dies, the kernel kills everything else in there with it.
It stands alone, as ``lock.py`` does.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import sys
from pathlib import Path

NAMESPACES = 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
"""``CLONE_NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS | NEWCGROUP``."""
NEW_USERS = 0x10000000
BIND, RECURSIVE, PRIVATE, NO_SETUID, NO_DEVICES = 0x1000, 0x4000, 0x40000, 0x2, 0x4
DETACH, OPEN_PATH, DIED_WITH_PARENT = 0x2, 0x200000, 1
SET_ATTRIBUTES, WHOLE_TREE, HERE = 442, 0x8000, -100
"""mount_setattr(2), the same number everywhere; ``AT_RECURSIVE``; ``AT_FDCWD``."""
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 0x1
"""``SIOCGIFFLAGS``, ``SIOCSIFFLAGS``, ``IFF_UP`` of netdevice(7)."""
NOBODY = 65534
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
BASE = "/tmp"
"""Where the new root is put together, unseen by anyone else."""

libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    given = (source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags))
    _checked(libc.mount(*given, options.encode()), f"mounting {target}")


def _protect(target: str, flags: int, tree: bool = True) -> None:
    """Make a mount read-only, and forbid what else ``flags`` say there."""
    attributes = ctypes.create_string_buffer(struct.pack("QQQQ", 1 | flags, 0, 0, 0))
    result = libc.syscall(
        SET_ATTRIBUTES,
        HERE,
        target.encode(),
        WHOLE_TREE if tree else 0,
        attributes,
        ctypes.c_size_t(32),
    )
    _checked(result, f"protecting {target}")


def separate() -> None:
    """Enter new namespaces; a normal user becomes nobody in one of users, with rights there."""
    user, group = os.getuid(), os.getgid()
    _checked(libc.unshare(NAMESPACES | (NEW_USERS if user else 0)), "making namespaces")
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")


def build(settings: dict) -> None:  # type: ignore[type-arg]
    """Make the root that the command sees, and enter it."""
    _mount("none", "/", "none", RECURSIVE | PRIVATE)
    opened = [(os.open(source, OPEN_PATH), target) for source, target in settings["shown"]]
    _mount("root", BASE, "tmpfs", NO_SETUID | NO_DEVICES, "mode=755,size=1m")
    for descriptor, target in opened:
        _show(f"/proc/self/fd/{descriptor}", BASE + target, NO_SETUID | NO_DEVICES)
        os.close(descriptor)
    for path in settings["hidden"]:
        _mount("hidden", BASE + path, "tmpfs", NO_SETUID | NO_DEVICES, "mode=755,size=4k")
        _protect(BASE + path, 0)
    for device in DEVICES:
        _show(device, BASE + device, NO_SETUID)
    os.makedirs(BASE + "/tmp", exist_ok=True)
    size = f"mode=1777,size={settings['tmp_bytes']},nr_inodes=4096"
    _mount("tmp", BASE + "/tmp", "tmpfs", NO_SETUID | NO_DEVICES, size)
    os.makedirs(BASE + "/proc", exist_ok=True)
    if settings["proc"]:
        _mount("proc", BASE + "/proc", "proc", NO_SETUID | NO_DEVICES)
    os.chdir(BASE)
    _checked(libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "entering the new root")
    _checked(libc.umount2(b".", DETACH), "leaving the old root")
    _protect("/", 0, tree=False)
    os.chdir("/tmp")


def _show(source: str, target: str, flags: int) -> None:
    """Let a file, a folder or a device of the outside be seen, not changed."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o444))
    _mount(source, target, "none", BIND | RECURSIVE)
    _protect(target, flags)


def raise_loopback() -> None:
    """Switch on the only network there is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        flags = fcntl.ioctl(asked, GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        now = struct.unpack("16sh14x", flags)[1]
        fcntl.ioctl(asked, SET_FLAGS, struct.pack("16sh14x", b"lo", now | UP))


def die_with_parent() -> None:
    """Nothing in here outlives the judge."""
    libc.prctl(DIED_WITH_PARENT, signal.SIGKILL)


def wait_for(child: int) -> int:
    """Bury all that die until ``child`` has; its exit code, or 128 and the signal's number."""
    while True:
        process, status = os.wait()
        if process == child:
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code


def first_process(settings: dict) -> int:  # type: ignore[type-arg]
    """Be process 1 of the new namespace: build, start the command, wait for its end."""
    die_with_parent()
    os.close(settings["status"])
    try:
        build(settings)
        raise_loopback()
    except OSError as error:
        sys.stderr.write(f"the sandbox cannot be built: {error}\n")
        return 127
    child = os.fork()
    if child == 0:
        os.execve(settings["command"][0], settings["command"], settings["environment"])
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2, *settings["keep"]):
        os.dup2(nothing, descriptor)
    return wait_for(child)


def main() -> None:
    """Read the settings, separate, and wait for the first process of the inside."""
    die_with_parent()
    with open(int(sys.argv[1]), encoding="utf-8") as file:
        settings = json.load(file)
    try:
        separate()
    except OSError as error:
        sys.exit(f"the sandbox cannot be built: {error.strerror}")
    child = os.fork()
    if child == 0:
        os._exit(first_process(settings))
    os.write(settings["status"], json.dumps({"child-pid": child}).encode())
    os.close(settings["status"])
    sys.exit(wait_for(child))


main()
