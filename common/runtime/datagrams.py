"""Messages between this node and its peers as UDP datagrams: one message, one datagram.

Nothing connects, nothing waits, nothing is sent again. What the network loses is lost, as the
contract says, and no peer that is dead or slow makes this process keep anything for it.

Nobody shakes hands before a datagram, so each one proves by itself that it comes from a member of
the cluster and was meant for this node::

     3 bytes   "DSC", and 1 byte: the version of this layout
     8 bytes   which cluster: the first bytes of the SHA-256 of its name
     2 bytes   length of the whole datagram
    16 bytes   keyed BLAKE2b of the receiver's name and all that follows
     1 byte    length of the sender's name
     n bytes   the sender's name
     8 bytes   number of the message (:mod:`common.runtime.wire`)
     n bytes   the message, by the codec

The key is the cluster's secret. The code keeps strangers and mistakes out, as the handshake of a
connection does. It does not hide anything. A datagram that somebody has recorded may be sent again:
that is a message that comes twice, which the contract allows (decision 6).
"""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from hashlib import blake2b, sha256
from hmac import compare_digest
from struct import Struct

from common.contract.events import NodeId
from common.runtime.carrier import Address
from common.runtime.connection import OnFrame
from common.runtime.handshake import MAX_NAME_BYTES, Identity
from common.runtime.refusals import Refusals, Refused
from common.runtime.udp import Sockaddr, UdpSocket
from common.runtime.wire import pack_number
from common.values.errors import BadInput, ContractError, RemoteProtocolError

MAGIC = b"DSC"
LAYOUT = 2
MAX_DATAGRAM = 1_400
"""The largest datagram, in bytes: one that passes an Ethernet whole, whatever tunnel it is in.
IP would cut a larger one into fragments, and one lost fragment loses all of it."""

TRIES = 20
"""So often a port is looked for that is free for UDP and for TCP."""

CLUSTER_BYTES, SIZE_BYTES, CODE_BYTES, NUMBER_BYTES = 8, 2, 16, 8
_SIZE_AT = len(MAGIC) + 1 + CLUSTER_BYTES
_CODE_AT = _SIZE_AT + SIZE_BYTES
_HEAD = Struct(f">{_SIZE_AT}sH{CODE_BYTES}s")
"""What stands before the sender's name: whose datagram it is, its length, its code."""
_REST_AT = _HEAD.size
_pack_head, _unpack_head = _HEAD.pack, _HEAD.unpack_from
_LEAST = _REST_AT + 1 + 1 + NUMBER_BYTES

KINDS = ("foreign", "cut", "too_long", "of_others", "forged", "garbled")
"""Why datagrams are refused: of another protocol, shorter or longer than they say, of another
cluster, without the cluster's secret, or with a message that is none."""

OnDrop = Callable[[NodeId, int, str], None]
"""Is told of a message that will not leave: to whom, its number, and why."""


class Seal:
    """Makes datagrams of one node, and opens those that others made for it.

    Args:
        identity: who it is, in which cluster, with which secret.

    Attributes:
        adds: how many bytes a datagram has besides its payload.
    """

    def __init__(self, identity: Identity) -> None:
        cluster = sha256(identity.cluster.encode()).digest()[:CLUSTER_BYTES]
        self._identity = identity
        self._head = MAGIC + bytes([LAYOUT]) + cluster
        self._name = _named(identity.node)
        self.adds = _REST_AT + len(self._name)
        key = blake2b(identity.secret).digest()  # a key of BLAKE2b has 64 bytes at most
        self._keyed = blake2b(key=key, digest_size=CODE_BYTES)
        self._begun: dict[NodeId, blake2b] = {}
        """By receiver, a code that has its name already: all of its datagrams begin with it."""
        self._own = self._begin(identity.node)

    def _begin(self, receiver: NodeId) -> blake2b:
        begun = self._begun[receiver] = self._keyed.copy()
        begun.update(_named(receiver))
        return begun

    def seal(self, to: NodeId, payload: bytes) -> bytes:
        """The datagram that carries ``payload`` (number and message) to a peer."""
        rest = self._name + payload
        code = (self._begun.get(to) or self._begin(to)).copy()
        code.update(rest)
        return _pack_head(self._head, _REST_AT + len(rest), code.digest()) + rest

    def unseal(self, datagram: bytes) -> tuple[NodeId, bytes]:
        """Who sent a datagram, and its payload.

        Raises:
            Refused: it is not for us; the text is one sentence for the log.
        """
        size = len(datagram)
        if not _LEAST <= size <= MAX_DATAGRAM:
            raise self._refusal(datagram)
        head, stated, code = _unpack_head(datagram)
        if head != self._head or stated != size:
            raise self._refusal(datagram)
        rest = datagram[_REST_AT:]
        right = self._own.copy()
        right.update(rest)
        if not compare_digest(code, right.digest()):
            raise Refused(
                "forged",
                "its sender does not know the cluster's secret, or meant another node, or it was "
                "changed on its way",
            )
        end = 1 + rest[0]
        try:
            return _text(rest[1:end]), rest[end:]
        except UnicodeDecodeError:
            raise Refused("garbled", "its sender's name is no text") from None

    def _refusal(self, datagram: bytes) -> Refused:
        """What is wrong with the head of a datagram, or with its length."""
        size, stated = len(datagram), int.from_bytes(datagram[_SIZE_AT:_CODE_AT])
        most = min(stated, MAX_DATAGRAM)
        if not datagram.startswith(MAGIC[:size]):
            return Refused("foreign", "it is no datagram of this course's protocol")
        if size < _LEAST:
            return Refused("cut", f"it is cut: {size} bytes are too few for any message")
        layout = datagram[len(MAGIC)]
        if layout != LAYOUT:
            us = self._identity.node
            return Refused(
                "foreign",
                f"it has layout {layout} and {us} reads {LAYOUT}: run the same release of the "
                "course on both",
            )
        if size > most:
            return Refused("too_long", f"it is longer than the {most} bytes allowed")
        if size < stated:
            return Refused("cut", f"it is cut: {size} of its {stated} bytes came")
        cluster = self._identity.cluster
        return Refused("of_others", f"it belongs to another cluster than {cluster!r}")


def _named(node: NodeId) -> bytes:
    name = node.encode()
    return b"%c%b" % (len(name), name)


@lru_cache(maxsize=1024)
def _text(name: bytes) -> NodeId:
    """A sender's name. The same one comes again and again, and is one object each time."""
    return name.decode()


class Datagrams:
    """A node's UDP socket: a :class:`~common.runtime.carrier.Carrier`.

    Args:
        identity: who we are.
        members: whom we reach by datagrams.
        encode: makes bytes of a message.
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
        encode: Callable[[object], bytes],
        on_frame: OnFrame,
        on_drop: OnDrop,
        log: Callable[[str], None],
    ) -> None:
        for name in (identity.node, *members):
            if len(name.encode()) > MAX_NAME_BYTES:
                raise BadInput(f"the name {name!r} is longer than {MAX_NAME_BYTES} bytes")
        self.refusals = Refusals(KINDS, log)
        self._node = identity.node
        self._seal = Seal(identity)
        self._members = frozenset(members) - {identity.node}
        self._encode = encode
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
        payload = pack_number(number) + self._encode(message)
        size = self._seal.adds + len(payload)
        if size > MAX_DATAGRAM:
            raise ContractError(
                f"{self._node} sends {to} a {type(message).__name__} that takes "
                f"{size} bytes, more than the {MAX_DATAGRAM} that a datagram may carry: "
                "put less into one message, or split it into several"
            )
        return self._seal.seal(to, payload)

    def send(self, to: NodeId, packed: bytes, number: int) -> None:
        """Hand a datagram to the system, which sends it at once or loses it."""
        address = self._book.get(to)
        if why := "no address" if address is None else self._socket.send(packed, address):
            self._on_drop(to, number, why)

    # Receiving.

    def _take(self, datagram: bytes, source: Address) -> None:
        try:
            sender, payload = self._seal.unseal(datagram)
            self._on_frame(sender, payload)
        except Refused as error:
            self._refuse(error.kind, "", source, error)
        except RemoteProtocolError as error:
            self._refuse("garbled", f"of {sender} ", source, error)

    def _refuse(self, kind: str, whose: str, source: Address, why: Exception) -> None:
        where = f"{source[0]}:{source[1]}"
        self.refusals.add(kind, f"refused a datagram {whose}from {where}: {why}")
