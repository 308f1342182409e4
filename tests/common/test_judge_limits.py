"""How a program in a sandbox ends: at its limits, or when the judge says so, and all of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.course.judge.groups import NAME, make_group
from common.course.judge.sandbox import PYTHON, Confined, Limits, Walls
from tests.support.confining import MEBIBYTE, SMALL

pytest_plugins = ["tests.support.confining_fixtures"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")

ROOT = Path(__file__).resolve().parents[2]


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
