"""RESP byte by byte: what a server really sends, and a Redis of Debian to compare with."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from common.runtime.ports import free_ports

HOST = "127.0.0.1"
PATIENCE_SECONDS = 20.0


class Wire:
    """A connection on which commands go out and replies come back as the bytes that they are."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), PATIENCE_SECONDS)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def say(self, *words: bytes | str | int) -> bytes:
        """Send a command and return its whole reply."""
        self.send(command(*words))
        return self.reply()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def reply(self) -> bytes:
        """The next reply, nested parts included; empty at the end of the connection."""
        line = self._file.readline()
        if not line:
            return b""
        kind, rest = line[:1], line[1:-2]
        if kind in (b"$", b"=") and rest != b"-1":
            return line + self._file.read(int(rest) + 2)
        parts = (
            {b"*": 1, b"~": 1, b">": 1, b"%": 2}.get(kind, 0) * int(rest or b"0")
            if (kind in b"*~>%")
            else 0
        )
        return line + b"".join(self.reply() for _ in range(max(0, parts)))

    def is_closed(self) -> bool:
        """Whether the server has closed the connection."""
        return self._file.read(1) == b""


def command(*words: bytes | str | int) -> bytes:
    """A command as an array of bulk strings."""
    plain = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    bulks = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in plain)
    return b"*%d\r\n%b" % (len(plain), bulks)


@contextlib.contextmanager
def debian_redis(directory: Path, *options: str, cluster: bool = False) -> Iterator[int]:
    """Debian's redis-server; yields its port.

    Args:
        directory: where it keeps its files.
        options: of its command line.
        cluster: in cluster mode, as the one node that holds all slots.
    """
    (port,) = free_ports(HOST, 1)
    directory.mkdir(exist_ok=True)
    line = ["redis-server", "--port", str(port), "--bind", HOST, "--dir", str(directory)]
    line += ["--save", "", "--daemonize", "no", *options]
    if cluster:
        (bus,) = free_ports(HOST, 1)
        line += ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"]
        line += ["--cluster-port", str(bus)]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_serves(port, cluster)
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait_until_it_serves(port: int, cluster: bool) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    told = False
    while time.monotonic() < end:
        with contextlib.suppress(OSError), Wire(port) as wire:
            if cluster and not told:
                told = wire.say("CLUSTER", "ADDSLOTSRANGE", 0, 16383) == b"+OK\r\n"
            if b"PONG" in wire.say("PING") and (
                not cluster or b"cluster_state:ok" in wire.say("CLUSTER", "INFO")
            ):
                return
        time.sleep(0.05)
    raise AssertionError(f"redis-server did not serve on port {port}")
