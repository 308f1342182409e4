"""One UDP socket: bytes in, bytes out, and nothing waits in this process."""

import asyncio
import socket
from collections.abc import Callable

from common.contract.events import NodeId
from common.runtime.carrier import Address
from common.values.errors import BadInput

Sockaddr = tuple[object, ...]
"""An address as the system wants it: numbers, no name that would have to be looked up."""
OnDatagram = Callable[[bytes, Address], None]
"""Takes what arrived, and from where; raises nothing."""


class UdpSocket:
    """A socket that may be bound before anything is taken from it.

    Args:
        node: whose it is, for sentences.
        most: the largest datagram to take, in bytes; of a longer one ``most + 1`` bytes are handed
            on.
        on_datagram: takes what arrives.
    """

    def __init__(self, node: NodeId, most: int, on_datagram: OnDatagram) -> None:
        self._node = node
        self._most = most
        self._on_datagram = on_datagram
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None

    def bind(self, host: str, port: int = 0) -> int:
        """Take a port; returns it. What arrives waits in the system until :meth:`release`.

        Raises:
            BadInput: the address cannot be used, for instance because the port is taken.
        """
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            bound = socket.socket(family, socket.SOCK_DGRAM)
            try:
                bound.setblocking(False)
                bound.bind(address)
            except OSError:
                bound.close()
                raise
        except OSError as error:
            raise BadInput(
                f"{self._node} cannot receive datagrams on port {port} of {host} "
                f"({error.strerror or error}): end the program that uses it, choose another port, "
                "or write 0 to let the system choose"
            ) from None
        self.close()
        self._socket = bound
        taken: int = bound.getsockname()[1]
        return taken

    def release(self) -> None:
        """Take what has arrived, and what arrives from now on."""
        if self._socket is not None:
            self._loop.add_reader(self._socket.fileno(), self._read)

    def close(self) -> None:
        """Give the port back; may be called twice."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def resolve(self, host: str, port: int) -> Sockaddr:
        """The address of a host for :meth:`send`. Raises: OSError, where it is unknown."""
        family = socket.AF_UNSPEC if self._socket is None else self._socket.family
        return socket.getaddrinfo(host, port, family, socket.SOCK_DGRAM)[0][4]

    def send(self, datagram: bytes, address: Sockaddr) -> str:
        """Hand a datagram to the system; returns why it is lost already, or ""."""
        if self._socket is None:
            return "closed"
        try:
            self._socket.sendto(datagram, address)
        except BlockingIOError:
            return "queue full"
        except OSError as error:
            return error.strerror or "unreachable"
        return ""

    def _read(self) -> None:
        """Take one datagram. If there are more, the loop calls again, after whatever else is due.
        To try until nothing is left would cost a failure each time, more than that turn does."""
        if self._socket is None:  # closed in this very turn of the loop
            return
        try:
            datagram, source = self._socket.recvfrom(self._most + 1)
        except OSError:  # the system tells of a datagram that got nowhere
            return
        self._on_datagram(datagram, source[:2])  # an IPv6 address has two parts more
