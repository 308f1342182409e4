"""The experiments inside user-mode Linux: a Linux kernel that runs as an ordinary process.

User-mode Linux (Dike 2000, "A user-mode port of the Linux kernel") is Linux ported to Linux: its
"hardware" is system calls of the host. Inside, we are root, and the kernel has ``netem``, whatever
the machine's own kernel has, for any user. It sees the host's files (``hostfs``), so the same
Python and the same course run in it, in network namespaces.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from common.values.errors import LabError, MissingTool
from stage1_foundations.netem.namespaces import ROOT

KERNEL = "linux.uml"
MODULES = Path("/usr/lib/uml/modules")
NEEDED_MODULES = ("veth", "bridge", "sch_netem", "sch_prio", "cls_u32")
VERDICTS = (0, 1, 2)
"""Exit codes of a program that came to an answer: yes, no, unknown."""
MEMORY = "512M"
BOOT_SECONDS = 120
"""The machine is switched off after this time, whatever it does."""

INIT = """\
#!/bin/sh
# The first process of the virtual machine. Nothing that it writes reaches the host's files, but for
# the folder of this run: all places that programs like to write to are made new, in memory.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/lib/modules
ln -s {modules}/$(uname -r) /run/lib/modules/
modprobe -d /run -a {needed}
ip link set lo up
cd {root}
{command} >{folder}/output 2>{folder}/errors
echo $? >{folder}/exit-code
echo o >/proc/sysrq-trigger
sleep 10
"""


OTHER = "the runtime's own fault layer gives the same lesson anywhere (--world links)"


def missing() -> str:
    """What user-mode Linux needs and this machine lacks, as a sentence; "" if nothing."""
    if sys.platform != "linux":
        return f"user-mode Linux runs on Linux only: {OTHER}"
    for program, package in ((KERNEL, "user-mode-linux"), ("modprobe", "kmod"), ("tc", "iproute2")):
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            return (
                f"user-mode Linux needs {program}, which is not here: install {package} "
                f"(Debian and Ubuntu have it), or else {OTHER}"
            )
    return ""


def run_inside(arguments: Sequence[str]) -> str:
    """Run Python with some arguments in a virtual machine of its own.

    Args:
        arguments: what comes after ``python``, such as ``-m MODULE``.

    Returns:
        What it printed.

    Raises:
        MissingTool: this machine has no user-mode Linux, or none that comes up on it.
        LabError: the virtual machine went down, or the program in it failed.
    """
    if why := missing():
        raise MissingTool(why)
    with tempfile.TemporaryDirectory(prefix="lab-uml-") as name:
        folder = Path(name)
        init = folder / "init"
        script = INIT.format(
            modules=MODULES,
            needed=" ".join(NEEDED_MODULES),
            root=shlex.quote(str(ROOT)),
            command=shlex.join((sys.executable, *arguments)),
            folder=shlex.quote(name),
        )
        init.write_text(script, encoding="utf-8")
        init.chmod(0o700)
        console = _boot(init, folder)
        exit_code = folder / "exit-code"
        if not (folder / "output").exists():  # its first process did not come so far
            lines = console.strip().splitlines()
            said = next((line for line in lines if "panic" in line.lower()), "it said nothing")
            raise MissingTool(
                f"user-mode Linux does not come up on this machine ({said.strip()}), as where the "
                f"processor is newer than that kernel: {OTHER}"
            )
        if not exit_code.exists():
            last = " / ".join(console.strip().splitlines()[-3:])
            raise LabError(f"user-mode Linux went down before the program ended: {last}")
        output = (folder / "output").read_text(encoding="utf-8")
        if int(exit_code.read_text(encoding="utf-8")) not in VERDICTS or not output:
            errors = (folder / "errors").read_text(encoding="utf-8").strip()
            raise LabError(f"inside user-mode Linux: {errors.removeprefix('error: ')}")
        return output


def _boot(init: Path, folder: Path) -> str:
    """Run the machine until it switches itself off; returns what it wrote on its console."""
    hardware = (f"mem={MEMORY}", "con=null", "con0=null,fd:1", f"uml_dir={folder}/")
    root = ("rootfstype=hostfs", "rootflags=/", "rw", f"init={init}")
    machine = subprocess.Popen(
        (KERNEL, *hardware, *root),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        console, _ = machine.communicate(timeout=BOOT_SECONDS)
    except subprocess.TimeoutExpired:
        raise LabError(f"user-mode Linux was not done after {BOOT_SECONDS} s") from None
    finally:
        if machine.poll() is None:  # its helper processes are in its group
            os.killpg(machine.pid, signal.SIGKILL)
        machine.wait()
    return console
