"""Messages between this node and its peers as UDP datagrams: one message, one datagram.

Nothing connects, nothing waits, nothing is sent again. What the network loses is lost, as the
contract says, and no peer that is dead or slow makes this process keep anything for it.

Nobody shakes hands before a datagram, so each one proves by itself that it comes from a member of
the cluster and was meant for this node::

     3 bytes   "DSC", and 1 byte: the version of this layout
     2 bytes   length of the whole datagram
     8 bytes   which cluster: the first bytes of the SHA-256 of its name
    16 bytes   the first bytes of HMAC-SHA256(secret, receiver + all that follows)
     1 byte    length of the sender's name
     n bytes   the sender's name
     8 bytes   number of the message (:mod:`common.runtime.wire`)
     n bytes   the message, by the codec

The code keeps strangers and mistakes out, as the handshake of a connection does. It does not
hide anything. A datagram that somebody has recorded may be sent again: that is a message that comes
twice, which the contract allows (decision 6).
"""

import hmac
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from hashlib import sha256
from struct import Struct

from common.contract.events import NodeId
from common.runtime.carrier import Address
from common.runtime.connection import OnFrame
from common.runtime.handshake import MAX_NAME_BYTES, Identity
from common.runtime.refusals import Refusals, Refused
from common.runtime.udp import Sockaddr, UdpSocket
from common.values.errors import BadInput, ContractError, RemoteProtocolError

MAGIC = b"DSC"
LAYOUT = 1
MAX_DATAGRAM = 1_400
"""The largest datagram, in bytes: one that passes an Ethernet whole, whatever tunnel it is in.
IP would cut a larger one into fragments, and one lost fragment loses all of it."""

TRIES = 20
"""So often a port is looked for that is free for UDP and for TCP."""

CLUSTER_BYTES, CODE_BYTES = 8, 16
_HEAD = Struct(f">3sBH{CLUSTER_BYTES}s{CODE_BYTES}s")
_NUMBER = Struct(">Q")
_LEAST = _HEAD.size + 1 + 1 + _NUMBER.size

KINDS = ("foreign", "cut", "too_long", "of_others", "forged", "garbled")
"""Why datagrams are refused: of another protocol, shorter or longer than they say, of another
cluster, without the cluster's secret, or with a message that is none."""

OnDrop = Callable[[NodeId, int, str], None]
"""Is told of a message that will not leave: to whom, its number, and why."""


def seal(identity: Identity, to: NodeId, payload: bytes) -> bytes:
    """The datagram that carries ``payload`` (number and message) to a peer."""
    name = identity.node.encode()
    rest = b"%c%b%b" % (len(name), name, payload)
    code = _code(identity, to, rest)
    size = _HEAD.size + len(rest)
    return _HEAD.pack(MAGIC, LAYOUT, size, _shortened(identity.cluster), code) + rest


def unseal(identity: Identity, datagram: bytes) -> tuple[NodeId, bytes]:
    """Who sent a datagram, and its payload.

    Raises:
        Refused: it is not for us; the text is one sentence for the log.
    """
    if not datagram.startswith(MAGIC[: len(datagram)]):
        raise Refused("foreign", "it is no datagram of this course's protocol")
    if len(datagram) < _LEAST:
        raise Refused("cut", f"it is cut: {len(datagram)} bytes are too few for any message")
    _, layout, size, cluster, code = _HEAD.unpack_from(datagram)
    if layout != LAYOUT:
        raise Refused(
            "foreign",
            f"it has layout {layout} and {identity.node} reads {LAYOUT}: run the same release of "
            "the course on both",
        )
    if len(datagram) > min(size, MAX_DATAGRAM):
        raise Refused("too_long", f"it is longer than the {min(size, MAX_DATAGRAM)} bytes allowed")
    if len(datagram) < size:
        raise Refused("cut", f"it is cut: {len(datagram)} of its {size} bytes came")
    if cluster != _shortened(identity.cluster):
        raise Refused("of_others", f"it belongs to another cluster than {identity.cluster!r}")
    rest = datagram[_HEAD.size :]
    if not hmac.compare_digest(code, _code(identity, identity.node, rest)):
        raise Refused(
            "forged",
            "its sender does not know the cluster's secret, or meant another node, or it was "
            "changed on its way",
        )
    end = 1 + rest[0]
    try:
        return rest[1:end].decode(), rest[end:]
    except UnicodeDecodeError:
        raise Refused("garbled", "its sender's name is no text") from None


@lru_cache(maxsize=16)
def _shortened(cluster: str) -> bytes:
    return sha256(cluster.encode()).digest()[:CLUSTER_BYTES]


def _code(identity: Identity, to: NodeId, rest: bytes) -> bytes:
    receiver = to.encode()
    signed = b"%c%b%b" % (len(receiver), receiver, rest)
    return hmac.digest(identity.secret, signed, sha256)[:CODE_BYTES]


class Datagrams:
    """A node's UDP socket: a :class:`~common.runtime.carrier.Carrier`.

    Args:
        identity: who we are.
        members: whom we reach by datagrams.
        wrap: number and message as bytes, as frames have them behind their length.
        on_frame: takes the payloads that arrive.
        on_drop: is told of what will not leave.
        log: takes one sentence for people.

    Attributes:
        refusals: what arrived and was not taken.
    """

    def __init__(
        self,
        identity: Identity,
        members: Collection[NodeId],
        wrap: Callable[[object, int], bytes],
        on_frame: OnFrame,
        on_drop: OnDrop,
        log: Callable[[str], None],
    ) -> None:
        for name in (identity.node, *members):
            if len(name.encode()) > MAX_NAME_BYTES:
                raise BadInput(f"the name {name!r} is longer than {MAX_NAME_BYTES} bytes")
        self.refusals = Refusals(KINDS, log)
        self._identity = identity
        self._members = frozenset(members) - {identity.node}
        self._wrap = wrap
        self._on_frame = on_frame
        self._on_drop = on_drop
        self._log = log
        self._socket = UdpSocket(identity.node, MAX_DATAGRAM, self._take)
        self._book: dict[NodeId, Sockaddr] = {}

    @property
    def counters(self) -> dict[str, int]:
        """How many datagrams were refused, by kind."""
        return {f"datagrams_{kind}": count for kind, count in self.refusals.counts.items()}

    # Life.

    def bind(self, host: str, port: int = 0) -> int:
        """Take a port; returns it. What arrives waits in the system until :meth:`release`.

        Raises:
            BadInput: the address cannot be used, for instance because the port is taken.
        """
        return self._socket.bind(host, port)

    def release(self) -> None:
        """Take what has arrived, and what arrives from now on."""
        self._socket.release()

    def know(self, book: Mapping[NodeId, Address]) -> None:
        """Take over an address book; members that moved are sent to at their new address."""
        for id, (host, port) in book.items():
            try:
                self._book[id] = self._socket.resolve(host, port)
            except OSError as error:
                self._log(f"{id} is not sent any datagram: its host {host} is unknown: {error}")

    def end(self) -> None:
        """Give the port back."""
        self._socket.close()

    # Sending.

    def reaches(self, to: NodeId) -> bool:
        """Whether this is a member; clients are reached by the connections that they made."""
        return to in self._members

    def pack(self, to: NodeId, message: object, number: int) -> bytes:
        """The datagram that carries a message to a member.

        Raises:
            ContractError: it is larger than a datagram.
        """
        made = seal(self._identity, to, self._wrap(message, number))
        if len(made) > MAX_DATAGRAM:
            raise ContractError(
                f"{self._identity.node} sends {to} a {type(message).__name__} that takes "
                f"{len(made)} bytes, more than the {MAX_DATAGRAM} that a datagram may carry: "
                "put less into one message, or split it into several"
            )
        return made

    def send(self, to: NodeId, packed: bytes, number: int) -> None:
        """Hand a datagram to the system, which sends it at once or loses it."""
        address = self._book.get(to)
        if why := "no address" if address is None else self._socket.send(packed, address):
            self._on_drop(to, number, why)

    # Receiving.

    def _take(self, datagram: bytes, source: Address) -> None:
        where = f"{source[0]}:{source[1]}"
        try:
            sender, payload = unseal(self._identity, datagram)
        except Refused as error:
            self.refusals.add(error.kind, f"refused a datagram from {where}: {error}")
            return
        try:
            self._on_frame(sender, payload)
        except RemoteProtocolError as error:
            self.refusals.add("garbled", f"refused a datagram of {sender} at {where}: {error}")
