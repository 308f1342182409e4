"""The TCP echo as people run it: processes, a terminal's input and output, signals."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from common.values.errors import BadInput
from stage1_foundations.echo.client import NoAnswer

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "stage1_foundations.echo.tcp")
SECONDS = 30


@contextmanager
def server(*options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A server process that listens, and its port."""
    process = subprocess.Popen(
        (*COMMAND, "serve", "--port", "0", *options),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first.startswith("listening on 127.0.0.1:")
            yield process, first.strip().rpartition(":")[2]
        finally:
            process.kill()


def run(*arguments: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (*COMMAND, *arguments),
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_texts_and_the_lines_of_the_input_come_back() -> None:
    with server() as (_, port):
        sent = run("send", "--port", port, "hello", "wörld", "")
        assert (sent.returncode, sent.stdout) == (0, "hello\nwörld\n\n")
        lines = "".join(f"line {number}\n" for number in range(20_000))
        sent = run("send", "--port", port, given=lines)
        assert (sent.returncode, sent.stdout) == (0, lines)


def test_a_server_that_is_asked_to_stop_ends_in_good_order() -> None:
    for asked in (signal.SIGTERM, signal.SIGINT):
        with server() as (process, port):
            assert run("send", "--port", port, "hello").returncode == 0
            process.send_signal(asked)
            said, _ = process.communicate(timeout=SECONDS)
            assert process.returncode == 0
            assert "stopping" in said


def test_a_server_outlives_random_bytes() -> None:
    random = Random("random bytes")
    with server() as (_, port):
        for length in (1, 3, 4, 5, 100, 70_000):
            for _ in range(5):
                with socket.create_connection(("127.0.0.1", int(port)), SECONDS) as stranger:
                    try:
                        stranger.sendall(random.randbytes(length))
                        stranger.shutdown(socket.SHUT_WR)
                        assert stranger.recv(100) == b""
                    except ConnectionError:
                        pass  # hung up on before all was sent
        assert run("send", "--port", port, "still there?").stdout == "still there?\n"


def test_what_goes_wrong_is_said_in_one_sentence() -> None:
    with server() as (_, port):
        taken = run("serve", "--port", port)
    nobody = run("send", "--port", port, "hello")
    stranger = run("serve", "--host", "no-such-host.invalid")
    for done, code, why in (
        (taken, BadInput.exit_code, "already in use"),
        (stranger, BadInput.exit_code, "no-such-host"),
        (nobody, NoAnswer.exit_code, "refused"),
    ):
        assert done.returncode == code
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("error: ")
        assert why in done.stderr
    assert "is not a port" in run("send", "--port", "70000", "hello").stderr
