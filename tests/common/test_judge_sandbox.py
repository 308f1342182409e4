"""What a hostile program finds in a sandbox: nothing that is not its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.course.judge import sandbox
from common.course.judge.sandbox import PYTHON, Confined, start
from common.course.judge.walls import ENVIRONMENT
from common.values.errors import BadInput, MissingTool
from tests.support.confining import SMALL, TRY

pytest_plugins = ["tests.support.confining_fixtures"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")

ROOT = Path(__file__).resolve().parents[2]


def test_it_sees_what_it_was_given_and_nothing_else(
    tell: Callable[..., Any], tmp_path: Path
) -> None:
    given = tmp_path / "given.txt"
    given.write_text("for you")
    given.chmod(0o644)
    seen = tell(
        """
found = [os.path.join(top, name) for top, dirs, names in os.walk("/") for name in names]
ours = [path for path in found if not path.startswith(("/proc", os.path.realpath(sys.prefix)))]
print(json.dumps({"files": ours, "read": open("/in/given.txt").read(),
                  "passwd": attempt(open, "/etc/passwd"), "host": attempt(open, HOST)}))
""".replace("HOST", repr(str(Path(__file__)))),
        files={"/in/given.txt": given},
    )
    assert seen["read"] == "for you"
    assert (seen["passwd"], seen["host"]) == ("FileNotFoundError", "FileNotFoundError")
    libraries = [path for path in seen["files"] if ".so" in path or path.startswith("/usr/lib")]
    left = set(seen["files"]) - set(libraries)
    devices = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}
    assert left - devices <= {"/in/given.txt", "/lock.py", PYTHON}


def test_it_changes_nothing_outside_of_its_own_tmp(
    tell: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "given.txt").write_text("for you")
    tmp_path.chmod(0o755)
    said = tell(
        """
paths = ["/in/given.txt", "/in/new", "/new", "/dev/new", "/lock.py", os.__file__,
         os.path.dirname(os.__file__) + "/sitecustomize.py", "/proc/sys/kernel/hostname",
         "/dev/shm/new"]
tried = [attempt(open, path, "w") for path in paths]
removed = [attempt(os.unlink, "/in/given.txt"), attempt(os.rename, "/in", "/out")]
open("/tmp/mine", "w").write("fine")
print(json.dumps([tried, removed, os.getcwd(), open("/tmp/mine").read()]))
""",
        files={"/in": tmp_path},
    )
    tried, removed, cwd, mine = said
    assert set(tried + removed) <= {"OSError", "PermissionError", "FileNotFoundError"}
    assert (cwd, mine) == ("/tmp", "fine")
    assert [path.name for path in tmp_path.iterdir()] == ["given.txt"]


def test_only_the_standard_library_is_there(tell: Callable[..., Any]) -> None:
    code = "print(json.dumps([attempt(__import__, m) for m in ('msgspec', 'pytest', 'sqlite3')]))"
    missing, tester, standard = tell(code)
    assert (missing, tester) == ("ModuleNotFoundError", "ModuleNotFoundError")
    assert "module" in standard


def test_no_socket_reaches_the_outside(tell: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as named:
        name = f"\0lab-{os.getpid()}"
        named.bind(name)
        named.listen()
        said = tell(
            """
own = socket.create_server(("127.0.0.1", 0))
def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as made:
        made.settimeout(2)
        made.connect(address)
        return "connected"
print(json.dumps({
    "host": attempt(connect, socket.AF_INET, ("127.0.0.1", PORT)),
    "abstract": attempt(connect, socket.AF_UNIX, NAME),
    "internet": attempt(connect, socket.AF_INET, ("192.0.2.1", 53), socket.SOCK_DGRAM),
    "families": [attempt(socket.socket, family, socket.SOCK_DGRAM) for family in (16, 17, 38, 40)],
    "own": attempt(connect, socket.AF_INET, own.getsockname()),
}))
""".replace("PORT", str(server.getsockname()[1])).replace("NAME", repr(name))
        )
    assert said.pop("own") == "'connected'"
    assert set(said.pop("families")) == {"PermissionError"}
    assert set(said.values()) <= {"ConnectionRefusedError", "OSError", "PermissionError"}


def test_no_secret_of_the_environment_is_there(
    tell: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_SECRET", "hunter2")
    environments, arguments = tell(
        """
import glob
def read(path):
    try:
        return open(path, "rb").read().decode(errors="replace")
    except OSError:
        return ""
print(json.dumps([[dict(os.environ)] + [read(p) for p in glob.glob("/proc/*/environ")],
                  [read(p) for p in glob.glob("/proc/*/cmdline")]]))
"""
    )
    assert "hunter2" not in json.dumps(environments)
    assert environments[0] == ENVIRONMENT
    assert str(Path(__file__).parent) not in json.dumps(arguments)


def test_it_has_no_rights_and_gets_none(tell: Callable[..., Any]) -> None:
    said = tell(
        """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "rights": [status[name].strip() for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")],
    "new": status["NoNewPrivs"].strip(), "filter": status["Seccomp"].strip(),
    "user": os.getuid(), "root": [attempt(os.setuid, 0), attempt(os.setgid, 0)],
    "calls": [call(number, 0, 0, 0, 0) for number in CALLS],
    "clone": call(56, 0x10000000 | 17, 0, 0, 0, 0) if os.uname().machine == "x86_64" else "EPERM",
}))
""".replace(
            "CALLS",
            # ptrace, mount, unshare, setns, bpf, keyctl, userfaultfd, io_uring_setup, ...
            "([101, 165, 272, 308, 321, 250, 323, 425, 298, 310, 438]"
            " if os.uname().machine == 'x86_64' else [117, 40, 97, 268, 280, 219, 282, 425])",
        )
    )
    assert set(said["rights"]) == {"0000000000000000"}
    assert (said["new"], said["filter"]) == ("1", "2")
    assert said["user"] != 0
    assert said["root"] == ["PermissionError"] * 2 or said["root"] == ["OSError"] * 2
    assert set(said["calls"]) == {"EPERM"}
    assert said["clone"] == "EPERM"


def test_it_sees_no_process_but_its_own(tell: Callable[..., Any]) -> None:
    shown, parent = tell(
        """
numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
print(json.dumps([numbers, attempt(os.kill, os.getppid(), 9)]))
"""
    )
    assert len(shown) <= 3
    assert max(shown) < 20
    assert parent in ("None", "PermissionError")  # process 1 does not hear it, or is not its own


def test_without_proc_there_is_none(tell: Callable[..., Any]) -> None:
    assert tell("print(json.dumps(os.listdir('/proc')))", proc=False) == []


def test_it_cannot_kill_what_is_outside(confine: Callable[..., Confined]) -> None:
    confine("os.kill(-1, 9)\nprint('alive', flush=True)").wait(20)
    assert confine("print('judge is alive')").stdout.read() == b"judge is alive\n"


def test_what_is_sealed_has_memory_time_and_its_pipes(tell: Callable[..., Any]) -> None:
    refused, left, failed = tell(
        """
sys.path.insert(0, "/c")
import fcntl, json, mmap, random, signal, socket, time
from common.course.judge.filters import sealed
from common.course.judge.worker.seal import seal
open_file = open("/c/common/__init__.py")
parent, own = os.getppid(), os.getpid()
seal(sealed(own))
libc = ctypes.CDLL(None, use_errno=True)
refused = {
    "write": lambda: open("/tmp/x", "w"), "append": lambda: open("/c/common/__init__.py", "a"),
    "socket": socket.socket, "pair": socket.socketpair, "fork": os.fork,
    "exec": lambda: os.execv("/bin/sh", ["sh"]), "kill": lambda: os.kill(parent, 0),
    "mkdir": lambda: os.mkdir("/tmp/d"), "link": lambda: os.symlink("/a", "/tmp/l"),
    "lock": lambda: fcntl.flock(open_file, fcntl.LOCK_SH),
    "file lock": lambda: fcntl.lockf(open_file, fcntl.LOCK_SH),
    "nice": lambda: os.setpriority(os.PRIO_PROCESS, 0, 5),
    "their clock": lambda: time.clock_gettime(~parent << 3 | 2),
    "times of files": lambda: os.utime("/c/common/__init__.py"),
    "chance": lambda: os.getrandom(1), "code": lambda: mmap.mmap(-1, 9, prot=7),
    "session": os.setsid, "affinity": lambda: os.sched_setaffinity(0, [0]),
}
left = {
    "read": lambda: open("/c/common/__init__.py").read(1), "clock": time.process_time,
    "thread": lambda: threading.Thread(target=int).start(),
    "import": lambda: __import__("colorsys"), "sleep": lambda: time.sleep(0.001),
    "alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 9), "pid": lambda: os.kill(own, 0),
}
numbers = [call(number, 0, 0, 0, 0) for number in
           ([99, 29, 157, 302, 319] if os.uname().machine == "x86_64" else [179, 194, 167, 261])]
print(json.dumps([[name for name, what in refused.items() if attempt(what) != "PermissionError"],
                  [name for name, what in left.items() if attempt(what).endswith("Error")],
                  [n for n in numbers[:4] if n != "EPERM"]]))
""",
        files={"/c/common": ROOT / "common"},
        proc=False,
    )
    assert refused == [], "this is still possible"
    assert left == [], "this must stay possible"
    assert failed == []


def test_a_kept_descriptor_is_there_and_no_other_one(confine: Callable[..., Confined]) -> None:
    ours, theirs = socket.socketpair()
    secret = os.open(__file__, os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        confined = confine(
            "opened = [attempt(os.fstat, n) for n in range(3, 32)]\n"
            f"os.write({theirs.fileno()}, b'here')\n"
            "print(sum(word != 'OSError' for word in opened))",
            keep=[theirs.fileno()],
        )
        theirs.close()
        ours.settimeout(20)
        assert ours.recv(10) == b"here"
        assert confined.stdout.read() == b"1\n"
    finally:
        os.close(secret)
        ours.close()
        theirs.close()


def test_without_any_walls_it_refuses_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "available", lambda _: False)
    command = [PYTHON, "-I", "-c", "import os; print(os.getcwd())"]
    with pytest.raises(MissingTool, match="--unsafe") as refused:
        start(command, files={}, limits=SMALL)
    assert refused.value.exit_code == 4
    with start(command, files={}, limits=SMALL, unsafe=True) as confined:
        where = Path(confined.stdout.read().decode().strip())
        assert confined.wait(20) == 0
    assert not where.exists()


def test_unsafe_keeps_limits_and_finds_the_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sandbox, "available", lambda _: False)
    tmp_path.chmod(0o755)
    (tmp_path / "work.py").write_text("import sys; print(len(bytearray(10 ** 10)), sys.argv)")
    command = [PYTHON, "-I", "/in/work.py", "/in/work.py"]
    with start(command, files={"/in": tmp_path}, limits=SMALL, unsafe=True) as confined:
        assert confined.wait(20) == 1
        confined.close()
        assert "MemoryError" in confined.stderr_tail()


def test_what_cannot_be_shown_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be shown in a sandbox"):
        start([PYTHON], files={"/a": tmp_path / "nothing"}, limits=SMALL)
    with pytest.raises(BadInput, match="absolute"):
        start([PYTHON], files={"a": tmp_path}, limits=SMALL)


@pytest.mark.needs("docker")
@pytest.mark.slow
def test_docker_gives_the_same_walls() -> None:
    code = """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps([os.getuid() > 0, status["CapEff"].strip(), status["Seccomp"].strip(),
    attempt(open, "/new", "w"), attempt(open, "/etc/passwd"), attempt(__import__, "msgspec"),
    attempt(socket.create_connection, ("192.0.2.1", 80), 1), attempt(bytearray, 10 ** 10)]),
    flush=True)
import time; time.sleep(60)
"""
    with start([PYTHON, "-I", "-c", TRY + code], files={}, limits=SMALL, kind="docker") as confined:
        said = json.loads(confined.stdout.readline())
        assert said[:3] == [True, "0000000000000000", "2"]
        assert said[3:6] == ["OSError", "FileNotFoundError", "ModuleNotFoundError"]
        assert said[6:] == ["OSError", "MemoryError"]
        confined.kill()
        assert confined.stdout.read() == b""


@pytest.mark.needs("docker")
@pytest.mark.slow
def test_a_container_gets_its_sockets_too() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    code = f"""
import os, socket
control = socket.socket(fileno={theirs.fileno()})
data, passed, _, _ = socket.recv_fds(control, 100, 1)
os.write(passed[0], b"through " + data)
control.send(b"done")
"""
    keep = [theirs.fileno()]
    command = [PYTHON, "-I", "-c", code]
    with start(command, files={}, limits=SMALL, kind="docker", keep=keep) as confined:
        theirs.close()
        one, other = socket.socketpair()
        with ours, one:
            for end in (ours, one):
                end.settimeout(30)
            socket.send_fds(ours, [b"hello"], [other.fileno()])
            other.close()
            assert (one.recv(100), ours.recv(100)) == (b"through hello", b"done")
        assert confined.wait(30) == 0


@pytest.mark.needs("root")
def test_a_normal_user_has_the_same_walls() -> None:
    search = os.pathsep.join(["/usr/local/bin", "/usr/bin"])
    python = shutil.which("python3", path=search)
    asked = [python or "", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if python is None or subprocess.run(asked, check=False).returncode != 0:
        pytest.skip("there is no Python that other users may run")
    code = """
import sys
from common.course.judge.sandbox import KINDS, PYTHON, Limits, available, start
for kind in KINDS[:1]:
    if available(kind):
        with start([PYTHON, "-I", "-c", sys.argv[1]], files={}, limits=Limits(), kind=kind) as made:
            print(made.stdout.read().decode(), end="")
"""
    inner = TRY + "print(json.dumps([os.getuid(), call(272, 0x10000000), os.listdir('/tmp')]))"
    ran = subprocess.run(
        [python, "-B", "-c", code, inner],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        check=True,
    )
    lines = ran.stdout.decode().splitlines()
    assert lines, "a normal user has no namespaces here"
    for line in lines:
        assert json.loads(line)[::2] == [65534, []]
