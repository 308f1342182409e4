"""Real etcd and its clients, for tests that compare, and for those that use both."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
from aetcd.rpc import rpc_pb2_grpc

from common.runtime.ports import free_ports

READY_SECONDS = 20.0


@contextlib.contextmanager
def real_etcd(directory: Path, restored_from: Path | None = None) -> Iterator[str]:
    """A real etcd of one member, perhaps with what is in a snapshot; yields its endpoint."""
    client, peer = free_ports("127.0.0.1", 2)
    cluster = f"real=http://127.0.0.1:{peer}"
    if restored_from is not None:
        command = ["etcdctl", "snapshot", "restore", str(restored_from), "--name", "real"]
        command += ["--data-dir", str(directory / "data"), "--initial-cluster", cluster]
        command += ["--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}"]
        restored = subprocess.run(command, capture_output=True, text=True, check=False)
        assert restored.returncode == 0, restored.stderr
    with (directory / "etcd.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *("etcd", "--name", "real", "--data-dir", str(directory / "data")),
                *("--listen-client-urls", f"http://127.0.0.1:{client}"),
                *("--advertise-client-urls", f"http://127.0.0.1:{client}"),
                *("--listen-peer-urls", f"http://127.0.0.1:{peer}"),
                *("--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}"),
                *("--initial-cluster", cluster, "--logger", "zap"),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        endpoint = f"127.0.0.1:{client}"
        with grpc.insecure_channel(endpoint) as channel:
            grpc.channel_ready_future(channel).result(timeout=READY_SECONDS)
        yield endpoint
    finally:
        process.kill()
        process.wait()


class Stubs:
    """The services of one endpoint, for code that waits for each answer."""

    def __init__(self, channel: Any) -> None:
        self.kv = rpc_pb2_grpc.KVStub(channel)
        self.lease = rpc_pb2_grpc.LeaseStub(channel)
        self.watch = rpc_pb2_grpc.WatchStub(channel)
        self.maintenance = rpc_pb2_grpc.MaintenanceStub(channel)
        self.cluster = rpc_pb2_grpc.ClusterStub(channel)


class Etcdctl:
    """Debian's ``etcdctl``, told to use certain endpoints."""

    def __init__(self, endpoints: list[str]) -> None:
        self._options = ["--endpoints=" + ",".join(endpoints)]

    async def start(self, *arguments: str, typed: bool = False) -> asyncio.subprocess.Process:
        """Start a command that goes on until it is stopped."""
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            "etcdctl",
            *self._options,
            *arguments,
            stdin=pipe if typed else asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
        )

    @contextlib.asynccontextmanager
    async def running(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A command that goes on; killed at the end if it still runs."""
        process = await self.start(*arguments)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def try_(
        self, *arguments: str, typed: str = "", seconds: float = 30.0
    ) -> tuple[int, str]:
        """Run a command to its end; returns its exit code, and what it said on either way."""
        process = await self.start(*arguments, typed=bool(typed))
        try:
            async with asyncio.timeout(seconds):
                out, errors = await process.communicate(typed.encode() or None)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"etcdctl {' '.join(arguments)} took too long") from None
        assert process.returncode is not None, "it has ended"
        return process.returncode, (out if process.returncode == 0 else errors).decode()

    async def __call__(self, *arguments: str, typed: str = "", seconds: float = 30.0) -> list[str]:
        """Run a command that must succeed; returns the lines that it printed."""
        code, said = await self.try_(*arguments, typed=typed, seconds=seconds)
        assert code == 0, f"etcdctl {' '.join(arguments)}: {said}"
        return said.splitlines()

    async def until_ok(self, *arguments: str, seconds: float = 30.0) -> list[str]:
        """Run a command again and again until it succeeds: while a leader is elected it may not."""
        end = time.monotonic() + seconds
        while True:
            code, said = await self.try_(*arguments)
            if code == 0:
                return said.splitlines()
            assert time.monotonic() < end, f"etcdctl {' '.join(arguments)}: {said}"
