"""Who is where: the addresses that memberlist puts beside names, and our messages do not have."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from common.contract import NodeId
from common.runtime.carrier import Address
from common.runtime.refusals import Refused

VERSIONS = bytes([1, 5, 2, 2, 5, 4])
"""Least, greatest and present version of memberlist's protocol that we speak, and of Serf's."""

CHECKSUMS_SINCE = 5
"""Members whose greatest version is at least this understand checksums."""

MAX_NAMES = 20_000
"""A name is a claim by a stranger: no more are kept than the node itself keeps."""
MAX_CALLERS = 256
"""So many of those that asked us something, and of which nobody said that they are members."""


@dataclass(frozen=True, slots=True)
class Place:
    """What memberlist says of a member beside its state.

    Attributes:
        host: its IP address, as text.
        port: for UDP and TCP.
        meta: what its application says of it; Serf's tags.
        versions: six numbers, see :data:`VERSIONS`.
        incarnation: in which it said so, as on the wire.
    """

    host: str
    port: int
    meta: bytes = b""
    versions: bytes = VERSIONS
    incarnation: int = 0

    @property
    def address(self) -> Address:
        """Where to send to."""
        return self.host, self.port

    @property
    def packed(self) -> bytes:
        """The IP address as 4 or 16 bytes."""
        return ip_address(self.host).packed

    @property
    def takes_checksums(self) -> bool:
        """Whether it understands packets with a checksum."""
        return len(self.versions) > 1 and self.versions[1] >= CHECKSUMS_SINCE


def host_of(packed: bytes) -> str:
    """An IP address as text. Raises: Refused, where it has neither 4 nor 16 bytes."""
    try:
        return str(ip_address(packed))
    except ValueError:
        raise Refused("garbled", f"it has an address of {len(packed)} bytes") from None


class AddressBook:
    """The places of all members by name, and who is at a place.

    Args:
        own: where the front of each of our own nodes listens. Nobody else says where they are.
    """

    def __init__(self, own: Mapping[NodeId, Address]) -> None:
        self._own = {name: Place(host, port) for name, (host, port) in own.items()}
        self._places = dict(self._own)
        self._names = {place.address: name for name, place in self._own.items()}
        self._callers: OrderedDict[NodeId, Place] = OrderedDict()

    def __getitem__(self, name: NodeId) -> Place | None:
        """Where a member is, or a caller; None where nobody has said it."""
        return self._places.get(name) or self._callers.get(name)

    def is_own(self, name: NodeId) -> bool:
        """Whether it is one of our own nodes."""
        return name in self._own

    def learn(self, name: NodeId, place: Place) -> None:
        """A member is at this place: believe it if that is newer than what is known."""
        known = self._places.get(name)
        if name in self._own or (known is not None and place.incarnation <= known.incarnation):
            return
        if known is None and len(self._places) >= MAX_NAMES:
            return
        if known is not None and self._names.get(known.address) == name:
            del self._names[known.address]
        self._places[name] = place
        self._names[place.address] = name
        self._callers.pop(name, None)

    def called(self, name: NodeId, address: Address) -> NodeId:
        """Somebody at this address asks; returns the name by which it gets its answer.

        Args:
            name: how it calls itself; "" where it does not say.
            address: where it wants its answer.
        """
        name = name or self.name_at(address)
        if name not in self._places:
            self._callers[name] = Place(*address, versions=b"")  # nobody said what it speaks
            self._callers.move_to_end(name)
            if len(self._callers) > MAX_CALLERS:
                self._callers.popitem(last=False)
        return name

    def name_at(self, address: Address) -> NodeId:
        """Who is at an address; the address as text where that is not known."""
        return self._names.get(address) or f"{address[0]}:{address[1]}"
