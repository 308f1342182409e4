"""The real NATS server beside ours, and a plain socket that speaks to either."""

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from common.runtime.ports import free_ports
from tests.support.machine import beside_python

HOST = "127.0.0.1"
LIMIT_SECONDS = 20.0
CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
PEDANTIC = b'CONNECT {"verbose":false,"pedantic":true}\r\n'
VERBOSE = b'CONNECT {"verbose":true,"pedantic":false}\r\n'

CONFIG = """
host: "127.0.0.1"
port: {port}
jetstream {{ store_dir: "{directory}", sync_interval: {sync} }}
"""


@contextlib.contextmanager
def real_nats(directory: Path, sync: str = "2m") -> Iterator[int]:
    """A real server with JetStream, at its port.

    Args:
        directory: for its data and log.
        sync: how often it syncs to disk; ``always`` for before each answer.
    """
    program = beside_python("nats-server")
    assert program, "ask for it by pytest.mark.needs('nats')"
    [port] = free_ports(HOST, 1)
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "nats.conf"
    config.write_text(CONFIG.format(port=port, directory=directory / "data", sync=sync))
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen([program, "-c", str(config)], stdout=log, stderr=log)
        try:
            _wait_until_it_listens(port)
            yield port
        finally:
            server.terminate()
            server.wait(LIMIT_SECONDS)


def _wait_until_it_listens(port: int) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, "nats-server did not begin to listen"
            time.sleep(0.02)


async def say(port: int, *parts: bytes, connect: bytes = CONNECT) -> bytes:
    """What a server says, INFO left out, until it has answered a last PING or closed.

    Args:
        port: where it is.
        parts: what is sent, one after the other; a PING follows.
        connect: what is sent before.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            assert (await reader.readline()).startswith(b"INFO {")
            said = b""
            with contextlib.suppress(ConnectionError):
                writer.write(b"".join((connect, *parts, b"PING\r\n")))
                while not said.endswith(b"PONG\r\n"):
                    some = await reader.read(65536)
                    if not some:
                        break
                    said += some
            return said
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
