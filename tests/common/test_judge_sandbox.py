"""What a hostile program finds in a sandbox: nothing that is not its own, and an end."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common.course.judge import sandbox
from common.course.judge.groups import NAME, make_group
from common.course.judge.sandbox import PYTHON, Confined, Limits, Walls, start
from common.course.judge.walls import ENVIRONMENT
from common.values.errors import BadInput, MissingTool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")

MEBIBYTE = 1 << 20
SMALL = Limits(
    processor_seconds=5,
    wall_seconds=20,
    memory_bytes=256 * MEBIBYTE,
    processes=8,
    open_files=32,
    output_bytes=MEBIBYTE,
    file_bytes=2 * MEBIBYTE,
)
ROOT = Path(__file__).resolve().parents[2]

TRY = """
import ctypes, errno, json, os, socket, sys, threading
def attempt(what, *args):
    try:
        return repr(what(*args))
    except BaseException as error:
        return type(error).__name__
def call(number, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(number, *args)
    return errno.errorcode[ctypes.get_errno()] if result == -1 else result
"""
"""What each program below begins with."""


@pytest.fixture(params=["bubblewrap", "namespaces"])
def kind(request: pytest.FixtureRequest) -> Walls:
    walls: Walls = request.param
    if not sandbox.available(walls):
        if os.environ.get("CI") == "true":
            pytest.fail(f"on CI nothing may be missing: {walls}", pytrace=False)
        pytest.skip(f"{walls} cannot be used here")
    return walls


@pytest.fixture
def confine(kind: Walls) -> Iterator[Callable[..., Confined]]:
    """Starts programs, and ends them."""
    made: list[Confined] = []

    def run(code: str, limits: Limits = SMALL, **options: Any) -> Confined:
        options.setdefault("files", {})
        command = [PYTHON, "-I", "-c", TRY + code]
        made.append(start(command, limits=limits, kind=kind, **options))
        return made[-1]

    yield run
    for confined in made:
        confined.close()


@pytest.fixture
def tell(confine: Callable[..., Confined]) -> Callable[..., Any]:
    """Runs a program to its end and reads the JSON that it printed."""

    def run(code: str, **options: Any) -> Any:
        confined = confine(code, **options)
        said = confined.stdout.read()
        confined.wait(20)
        assert said, f"it said nothing: {confined.stderr_tail()} {confined.ended}"
        return json.loads(said)

    return run


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


def test_a_fork_bomb_stops_at_its_limit(confine: Callable[..., Confined]) -> None:
    confined = confine(
        """
import time
made = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
        made += 1
except BlockingIOError:
    print(made, flush=True)
"""
    )
    assert 0 < int(confined.stdout.readline()) <= SMALL.processes
    confined.kill()
    assert confined.stdout.read() == b""  # all who held it are dead


def test_a_bomb_of_threads_stops_at_its_limit(tell: Callable[..., Any]) -> None:
    made, ended = tell(
        """
import time
made = []
def more():
    while True:
        thread = threading.Thread(target=time.sleep, args=(0.5,))
        thread.start()
        made.append(thread)
print(json.dumps([attempt(more), len(made)][::-1]))
"""
    )
    assert made <= SMALL.processes
    assert ended == "RuntimeError"


def test_a_bomb_of_memory_is_an_error_of_its_own(tell: Callable[..., Any]) -> None:
    assert tell("print(json.dumps(attempt(bytearray, 10 ** 10)))") == "MemoryError"


@pytest.mark.needs("root")
def test_all_processes_together_have_a_bound_of_memory(confine: Callable[..., Confined]) -> None:
    limits = Limits(memory_bytes=128 * MEBIBYTE, all_memory_bytes=160 * MEBIBYTE)
    before = _groups()
    if before is None:
        pytest.skip("the kernel gives us no control groups")
    confined = confine(
        """
import time
for _ in range(4):
    if os.fork() == 0:
        held = b"x" * (80 << 20)
        time.sleep(60)
died = os.waitstatus_to_exitcode(os.wait()[1])
print(died, flush=True)
time.sleep(60)
""",
        limits,
    )
    assert confined.stdout.readline() in (b"-9\n", b"")
    assert len(_groups() or ()) > len(before)
    confined.close()
    assert _groups() == before


def _groups() -> set[Path] | None:
    """The control groups of sandboxes, all over; None where none can be made."""
    group = make_group(SMALL)
    possible = group.joined([]) != []
    group.close()
    return set(Path("/sys/fs/cgroup").rglob(f"{NAME}{os.getpid()}-*")) if possible else None


def test_it_fills_its_own_tmp_and_no_disk(tell: Callable[..., Any]) -> None:
    ended, size, files = tell(
        """
def fill():
    for number in range(100):
        with open(f"/tmp/{number}", "wb") as file:
            for _ in range(10):
                file.write(bytes(100_000))
def litter():
    for number in range(100_000):
        os.mkdir(f"/tmp/d{number}")
ended = attempt(fill)
size = sum(os.stat(f"/tmp/{name}").st_size for name in os.listdir("/tmp"))
littered = attempt(litter)
print(json.dumps([ended, size, len(os.listdir("/tmp"))]))
"""
    )
    assert ended == "OSError"
    assert size <= SMALL.file_bytes
    assert files < 100_200


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize("chunk", ["b'x' * 65536", "b'\\n' * 65536"])
def test_a_flood_of_output_is_cut_off(
    confine: Callable[..., Confined], stream: int, chunk: str
) -> None:
    confined = confine(f"while True: os.write({stream}, {chunk})")
    got = 0
    while part := confined.stdout.read(65536):
        got += len(part)
    assert got <= SMALL.output_bytes
    assert confined.wait(20) is not None
    confined.close()
    assert confined.ended == "it wrote more than 1,048,576 bytes of output"
    assert len(confined.stderr_tail()) <= 8192


def test_who_waits_for_ever_is_ended(confine: Callable[..., Confined]) -> None:
    limits = Limits(wall_seconds=0.5)
    confined = confine("import time\nos.close(2)\ntime.sleep(1000)", limits)
    assert confined.wait(20) is not None
    assert confined.stdout.read() == b""
    confined.close()
    assert confined.ended == "it was still running after 0.5 s"


def test_who_computes_for_ever_is_ended(confine: Callable[..., Confined]) -> None:
    limits = Limits(processor_seconds=1, wall_seconds=30)
    ignoring = "import signal\nsignal.signal(signal.SIGXCPU, lambda *_: None)\nwhile True: pass"
    confined = confine(ignoring, limits)
    assert confined.wait(25) == 128 + signal.SIGKILL


def test_a_daemon_dies_with_its_sandbox(confine: Callable[..., Confined]) -> None:
    token = f"lab-daemon-{os.getpid()}-{time.monotonic_ns()}"
    confined = confine(
        f"""
import time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(0); os.close(1); os.close(2)
        os.execv({PYTHON!r}, [{PYTHON!r}, "-I", "-c", "import time; time.sleep(1000)", {token!r}])
    os._exit(0)
os.wait()
while not any({token.encode()!r} in open(f"/proc/{{n}}/cmdline", "rb").read()
              for n in os.listdir("/proc") if n.isdigit()
              if "0" < n and n != str(os.getpid())):
    pass
print("up", flush=True)
time.sleep(1000)
"""
    )
    assert confined.stdout.readline() == b"up\n"
    assert _running(token) > 0
    confined.kill()
    assert _running(token) == 0


def test_everything_dies_with_the_judge(kind: Walls) -> None:
    token = f"lab-orphan-{os.getpid()}-{time.monotonic_ns()}"
    judge = f"""
from common.course.judge.sandbox import PYTHON, Limits, start
import sys
confined = start([PYTHON, "-I", "-c", "import time; print('up', flush=True); time.sleep(1000)",
                  {token!r}], files={{}}, limits=Limits(), kind={kind!r})
sys.stdout.buffer.write(confined.stdout.readline())
sys.stdout.flush()
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", judge], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert _running(token) > 1
        process.kill()
    deadline = time.monotonic() + 10
    while _running(token) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _running(token) == 0


def _running(token: str) -> int:
    """How many processes outside have ``token`` among their arguments."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += token.encode() in path.read_bytes()
        except OSError:
            continue
    return found


def test_questions_and_answers_pass_and_the_end_is_told(confine: Callable[..., Confined]) -> None:
    confined = confine("print(sys.stdin.readline().upper(), end='', flush=True)\nsys.exit(7)")
    confined.stdin.write(b"hello\n")
    assert confined.stdout.readline() == b"HELLO\n"
    assert confined.wait(20) == 7
    crashed = confine("import signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert crashed.wait(20) == 128 + signal.SIGSEGV
    assert confine("import time; time.sleep(60)").wait(0.01) is None


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
for kind in KINDS[:2]:
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
