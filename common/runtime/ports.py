"""Ports for programs that have to be told theirs before they start.

All facades of a cluster know each other's ports, and a node that comes back is where it was. So
those ports are chosen beforehand, and must stay free until their program takes them.
"""

import asyncio
import atexit
import errno
import os
import random
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any, TypeVar

from common.values.errors import BadInput

KEPT = range(20_000, 32_768)
"""Below the ports that Linux, macOS and the BSDs give to connections, and to who asks for any."""

BLOCK = 256
"""So many of them are one process's. It holds the first as long as it lives, and never uses it."""

PATIENCE_SECONDS = 5.0
"""How long a program that comes back waits for its port."""

T = TypeVar("T")


def usual_ports(host: str, first: int, count: int) -> list[int]:
    """So many ports from ``first`` on; none at all if somebody has one of them, for TCP or UDP."""
    found = list(range(first, first + count))
    return found if all(_nobody_has(host, port) for port in found) else []


def free_ports(host: str, count: int) -> list[int]:
    """Ports that nobody has, for TCP or UDP, and that no connection is given by chance.

    Two processes that call this get different ones. Who calls it often gets the first ones again
    in the end.

    Raises:
        BadInput: the address is none of this machine's, or there are not so many.
    """
    try:
        socket.create_server((host, 0), family=_family(host)).close()
    except OSError as error:
        raise BadInput(f"cannot listen on {host}: {error.strerror or error}") from None
    found: list[int] = []
    for port in islice(_own.ports(), BLOCK - 1):
        if len(found) == count:
            break
        if _nobody_has(host, port):
            found.append(port)
    if len(found) < count:
        raise BadInput(
            f"{count} free ports are wanted on {host}, and one program gets {len(found)}"
        )
    return found


async def take_port(clients: str, address: str, listen: Callable[[], Awaitable[T]]) -> T:
    """Listen at a port that was chosen beforehand; wait a while if somebody has it just now.

    Args:
        clients: who is served there, for people, such as "Redis clients".
        address: where, for people: ``host:port``.
        listen: tries to.

    Raises:
        BadInput: the port is taken, or the address is none of this machine's.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_SECONDS
    while True:
        try:
            return await listen()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or loop.time() > end:
                number = error.errno or 0
                why = os.strerror(number) if number > 0 else str(error)
                raise BadInput(
                    f"cannot listen for {clients} on {address}: {why}: name another port"
                ) from None
        await asyncio.sleep(0.1)


def bind_grpc(server: Any, address: str) -> None:
    """Let a server of grpcio listen, and only it; an OSError where somebody has the port.

    Args:
        server: with the option ``grpc.so_reuseport`` off.
        address: ``host:port``.
    """
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError:  # it does not say why
        bound = 0
    if not bound:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


class _Own:
    """The ports that are this process's."""

    def __init__(self) -> None:
        self._process = 0
        self._ports: Iterator[int] = iter(())

    def ports(self) -> Iterator[int]:
        """All of them again and again, from where the last caller stopped."""
        if self._process != os.getpid():  # at first, and in the child of a fork
            self._process = os.getpid()
            self._ports = cycle(self._block())
        return self._ports

    def _block(self) -> Sequence[int]:
        firsts = KEPT[: 1 - BLOCK : BLOCK]
        for first in random.sample(firsts, len(firsts)):
            lock = socket.socket()
            try:
                lock.bind(("127.0.0.1", first))
            except OSError:  # another process has it
                lock.close()
            else:
                atexit.register(lock.close)
                return range(first + 1, first + BLOCK)
        return random.sample(KEPT, len(KEPT))  # so many processes: no block is left


_own = _Own()


def _nobody_has(host: str, port: int) -> bool:
    try:
        with (
            socket.create_server((host, port), family=_family(host)),
            socket.socket(_family(host), socket.SOCK_DGRAM) as datagrams,
        ):
            datagrams.bind((host, port))
    except OSError:
        return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
