"""What a sealed process, and a program that is kept quiet, can still do to others: nothing."""

import platform
import subprocess
import sys

import pytest

from common.course.base.course import ROOT

BEGIN = """
import ctypes, fcntl, os, resource, signal, socket, sys
from common.course.judge.filters import quiet, sealed
from common.course.judge.worker import seal

parent, here = os.getppid(), os.getpid()
left, right = socket.socketpair()
seal.seal({rules}(here))
libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")
"""

HARM = {
    "kill": "os.kill(parent, 0)",
    "the whole group": "os.kill(0, 0)",
    "everybody": "os.kill(-1, 0)",
    "tgkill": "call(234, parent, parent, 0)",
    "tkill": "call(200, parent, 0)",
    "queued signal": "call(129, parent, 0, ctypes.create_string_buffer(128))",
    "by a descriptor of a process": "os.pidfd_open(parent)",
    "owner of a descriptor": "fcntl.fcntl(left, fcntl.F_SETOWN, parent)",
    "owner of a socket": "fcntl.ioctl(left, 0x8901, parent.to_bytes(4, sys.byteorder))",
    "group of a socket": "fcntl.ioctl(left, 0x8902, parent.to_bytes(4, sys.byteorder))",
    "signal of a descriptor": "fcntl.fcntl(left, fcntl.F_SETSIG, signal.SIGSTOP)",
    "limits": "resource.prlimit(parent, resource.RLIMIT_CORE)",
    "priority": "os.setpriority(os.PRIO_PROCESS, parent, 19)",
    "processors": "os.sched_setaffinity(parent, {0})",
}
HARMLESS = {
    "signal to itself": "os.kill(here, signal.SIGCHLD)",
    "raise": "signal.raise_signal(signal.SIGCHLD)",
    "own limits": "resource.getrlimit(resource.RLIMIT_CORE)",
    "a socket": "left.send(b'x')",
}

pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the numbers are of x86-64"
)


def tried(rules: str, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEGIN.format(rules=rules) + code],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("rules", ["sealed", "quiet"])
@pytest.mark.parametrize("code", HARM.values(), ids=HARM)
def test_nothing_can_be_done_to_another_process(rules: str, code: str) -> None:
    ended = tried(rules, code)
    assert ended.returncode == 1, "it was not refused"
    assert "PermissionError" in ended.stderr or "Errno 1" in ended.stderr, ended.stderr


@pytest.mark.parametrize("code", HARMLESS.values(), ids=HARMLESS)
def test_a_quiet_program_may_do_what_concerns_itself(code: str) -> None:
    ended = tried("quiet", code)
    assert ended.returncode == 0, ended.stderr


def test_what_comes_of_a_quiet_program_is_quiet_too() -> None:
    ended = tried("quiet", "sys.exit(0 if os.fork() else 1)")
    assert ended.returncode == 0
    code = "import time\nif not os.fork():\n    os.kill(parent, 0)\nos.wait()"
    assert "PermissionError" in tried("quiet", code).stderr
