"""The fields of a datagram, checked when they are asked for; and who is at which address."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from bonus_overlays.kademlia.buckets import Key
from bonus_overlays.kademlia.front.bencode import Value
from common.contract import NodeId
from common.runtime.carrier import Address
from common.runtime.refusals import Refused

KEY_LENGTH = 20
MOST_PORT = 65_535


class Names:
    """Who is at which address.

    Args:
        own: where the front of each of our own nodes listens.
    """

    def __init__(self, own: Mapping[NodeId, Address]) -> None:
        self._own = dict(own)
        self._at = {address: name for name, address in own.items()}

    def name(self, address: Address) -> NodeId:
        """Who is at an address."""
        return self._at.get(address) or f"{address[0]}:{address[1]}"

    def address(self, name: NodeId) -> Address | None:
        """Where somebody is; None where the name is neither one of ours nor an address."""
        if name in self._own:
            return self._own[name]
        host, _, port = name.rpartition(":")
        try:
            address = str(IPv4Address(host)), int(port)
        except ValueError:
            return None
        return address if 0 <= address[1] <= MOST_PORT else None


class Fields:
    """A dictionary out of a datagram, whose fields are checked when they are asked for.

    Args:
        values: the dictionary.
    """

    def __init__(self, values: Value) -> None:
        if not isinstance(values, dict):
            raise Refused("garbled", "it has something else where a dictionary belongs")
        self.values = values

    def __contains__(self, name: bytes) -> bool:
        return name in self.values

    def text(self, name: bytes, most: int, least: int = 0) -> bytes:
        """Bytes. Raises: Refused, where they are missing, too many or too few."""
        value = self.values.get(name)
        if not isinstance(value, bytes) or not least <= len(value) <= most:
            wanted = f"{most}" if least == most else f"up to {most}"
            raise Refused("garbled", f"it has no {name.decode()!r} of {wanted} bytes")
        return value

    def key(self, name: bytes) -> Key:
        """A key."""
        return self.text(name, KEY_LENGTH, KEY_LENGTH).hex()

    def number(self, name: bytes) -> int:
        """A number."""
        value = self.values.get(name)
        if not isinstance(value, int):
            raise Refused("garbled", f"it has no number {name.decode()!r}")
        return value
