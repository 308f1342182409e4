"""The socket on which BitTorrent's clients, and all that use its table, reach a node."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any, get_args

from bonus_overlays.kademlia.front.fields import Names
from bonus_overlays.kademlia.front.krpc import (
    MOST_ARRIVING,
    REFUSED,
    Message,
    Translator,
    Wrong,
    error_of,
)
from bonus_overlays.kademlia.front.signatures import OwnersSigner
from bonus_overlays.kademlia.messages import Meet
from common.contract import NodeId
from common.runtime.carrier import Address
from common.runtime.facade import Door
from common.runtime.refusals import Refusals, Refused
from common.runtime.udp import UdpSocket
from common.values.errors import BadInput


class KrpcFront:
    """Speaks KRPC for one node: to its own fellows too.

    It is the node's carrier (:mod:`common.runtime.carrier`): what the node sends leaves here.

    Args:
        door: to the node.
        host: the address to listen on.
        ports: by node, where its front listens.
        seeds: addresses of members of a network to join, each as text.
    """

    def __init__(
        self, door: Door, host: str, ports: Mapping[NodeId, int], seeds: Sequence[str] = ()
    ) -> None:
        self._door = door
        self._node = door.node
        self._address = (host, ports[door.node])
        self._seeds = seeds
        self._names = Names({node: (host, port) for node, port in ports.items()})
        self._translator = Translator(self._names)
        self._refusals = Refusals(REFUSED, door.log)
        self._socket = UdpSocket(door.node, MOST_ARRIVING, self._datagram_arrived)
        door.carry(self)
        door.sign_by(OwnersSigner())

    # Life.

    async def listen(self) -> None:
        """Take the port; BadInput if it is taken."""
        self._socket.bind(*self._address)

    def release(self) -> None:
        """The node has begun: take what arrives, and join."""
        self._socket.release()
        for seed in self._seeds:
            self._door.invoke(Meet(seed), lambda _: None)

    def end(self) -> None:
        """Send and take nothing any more."""
        self._socket.close()

    async def close(self) -> None:
        """Give the port back."""
        self.end()

    # As the node's carrier.

    @property
    def counters(self) -> dict[str, int]:
        """Datagrams that were refused, by kind."""
        return {f"krpc_{kind}": count for kind, count in self._refusals.counts.items()}

    def know(self, book: Mapping[NodeId, Address]) -> None:
        """Where members listen for our own messages is of no use here."""

    def reaches(self, to: NodeId) -> bool:
        """Whether it is one of our own nodes, or an address."""
        return to != self._node and self._names.address(to) is not None

    def pack(self, to: NodeId, message: object, number: int) -> bytes:
        """The datagram that says it. A value that is not bencoded has none: it is not sent."""
        assert isinstance(message, get_args(Message)), "a node of the table sends nothing else"
        try:
            return self._translator.datagram(to, message)
        except Refused as error:
            self._door.log(f"{self._node} does not send a value that is not bencoded: {error}")
            return b""

    def send(self, to: NodeId, packed: bytes, number: int) -> None:
        """Send a datagram."""
        address = self._names.address(to)
        if address is None or not packed:
            self._door.dropped(to, number, "no address" if address is None else "not bencoded")
        elif why := self._socket.send(packed, address):
            self._door.dropped(to, number, why)

    def _datagram_arrived(self, datagram: bytes, source: Address) -> None:
        try:
            if source == self._address:
                raise Refused("from_itself", "it says that it comes from this very node")
            if len(datagram) > MOST_ARRIVING:
                raise Refused("too_long", f"it has more than {MOST_ARRIVING} bytes")
            arrived = self._translator.arrived(datagram, source)
        except Refused as error:
            where = f"{source[0]}:{source[1]}"
            self._refusals.add(error.kind, f"refused a datagram from {where}: {error}")
            return
        if isinstance(arrived, Wrong):
            self._socket.send(error_of(arrived), source)
        else:
            self._door.arrived(self._names.name(source), arrived)


def make(door: Door, settings: Mapping[str, Any]) -> KrpcFront:
    """The front of a node.

    Args:
        door: to the node.
        settings: ``host``, ``ports`` by node, and perhaps ``seeds``.

    Raises:
        BadInput: others could not be told where this node is, or a seed is no address.
    """
    host = settings["host"]
    try:
        unspecified = IPv4Address(host).is_unspecified
    except ValueError:
        unspecified = True
    if unspecified:
        raise BadInput(
            f"nodes tell each other where they listen, and {host!r} says nobody where that is: "
            "give --host an IPv4 address of this machine"
        )
    seeds: Sequence[str] = settings.get("seeds", ())
    for seed in seeds:
        if Names({}).address(seed) is None:
            raise BadInput(f"{seed!r} is no address of a node to join by: write 10.0.0.1:6881")
    return KrpcFront(door, host, settings["ports"], seeds)
