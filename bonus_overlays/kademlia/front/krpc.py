"""What is in a datagram of BitTorrent's table, and our messages (BEP 5, BEP 44).

==================  ============================================================
KRPC                the lab
==================  ============================================================
ping                Ping
find_node           FindNode, answered by Nodes
get                 FindItem or FetchItem, answered by Items
get_peers           FindPeers, answered by Peers
put                 Store, answered by Pong
announce_peer       Announce, answered by Pong
error               Refused
==================  ============================================================

KRPC's answers say little: not to which kind of question they are, and errors not even who sends
them. So this side remembers what it has asked, and which node (:class:`Asked`). A question of a
stranger has a transaction id of any bytes, which the answer repeats. Our messages have numbers;
the bytes, with a 1 before them, are one (:func:`number_of`).

A node has an address there and no name. It gets one here: its address as text. Our own nodes keep
their names.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TypeAlias

from bonus_overlays.kademlia.buckets import Contact, Key
from bonus_overlays.kademlia.front.bencode import Value, decode, encode
from bonus_overlays.kademlia.front.fields import KEY_LENGTH, Fields, Names
from bonus_overlays.kademlia.front.signatures import KEY_BYTES, SIGNATURE_BYTES, owner_of
from bonus_overlays.kademlia.holding import FetchItem, FindItem, Items, Store
from bonus_overlays.kademlia.holding import Refused as NotDone
from bonus_overlays.kademlia.items import (
    Immutable,
    Item,
    Mutable,
    Objection,
    Version,
    public_key_in,
    version_of,
)
from bonus_overlays.kademlia.messages import FindNode, Nodes, Ping, Pong
from bonus_overlays.kademlia.peers import Announce, FindPeers, Peer, Peers
from common.contract import NodeId, Signed
from common.runtime.carrier import Address
from common.runtime.refusals import Refused

MOST_TRANSACTION = 32
"""Bytes in the transaction id of a stranger's question. BEP 5 suggests two, and sets no bound; some
clients take eight, or twenty."""
OWN_TRANSACTION = 4
MOST_ASKED = 4_096
"""Questions of which it is remembered what they were; older ones have no answer any more."""
MOST_TEXT = 200
"""Of a stranger's error, so many bytes are read."""
MOST_TOKEN = 64
MOST_ARRIVING = 4_096
"""Bytes in a datagram that is read. The largest that BEP 44 allows has some 1,300."""
WRONG, UNKNOWN_METHOD = 203, 204
EXPIRES_IN = 7_200_000_000
"""Two hours in microseconds: BEP 44 lets a put say nothing about it, and republishes hourly."""

REFUSED = ("cut", "garbled", "too_long", "unasked", "from_itself")
"""Why datagrams are refused."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of our own node that may still be answered.

    Attributes:
        kind: the class of our message.
        node: who was asked.
        salt: of the item that was asked for, if one was.
    """

    kind: type
    node: NodeId
    salt: bytes


@dataclass(frozen=True, slots=True)
class Wrong:
    """A question that is answered by the front itself: it cannot be put into our words."""

    transaction: bytes
    code: int
    text: str


def number_of(transaction: bytes) -> int:
    """The number in our words of a stranger's question."""
    return int.from_bytes(b"\x01" + transaction)


def transaction_of(number: int) -> bytes:
    """The other way round."""
    return number.to_bytes((number.bit_length() + 7) // 8)[1:]


Question: TypeAlias = Ping | FindNode | FindItem | FetchItem | FindPeers | Store | Announce
Reply: TypeAlias = Pong | Nodes | Items | Peers | NotDone
Message: TypeAlias = Question | Reply


class Translator:
    """Translates for one node.

    Args:
        names: who is where.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._asked: OrderedDict[int, Asked] = OrderedDict()
        self._keys: OrderedDict[NodeId, Key] = OrderedDict()
        """The keys of those that have answered, for errors do not say them."""
        self._questions: dict[bytes, Callable[[int, Key, Fields, Address], Question]] = {
            b"ping": lambda number, key, _fields, _from: Ping(number, key),
            b"find_node": lambda number, key, a, _from: FindNode(number, key, a.key(b"target")),
            b"get": lambda number, key, a, _from: FindItem(number, key, a.key(b"target")),
            b"get_peers": lambda number, key, a, _from: FindPeers(number, key, a.key(b"info_hash")),
            b"put": self._put,
            b"announce_peer": self._announce,
        }

    # From KRPC.

    def arrived(self, datagram: bytes, source: Address) -> Message | Wrong:
        """What a datagram says, in our words.

        Raises:
            Refused: it says nothing that is taken, and gets no answer.
        """
        fields = Fields(decode(datagram))
        kind = fields.text(b"y", 1)
        if kind == b"q":
            return self._question(fields, source)
        number = int.from_bytes(fields.text(b"t", OWN_TRANSACTION, OWN_TRANSACTION))
        asked = self._asked.get(number)
        if asked is None or asked.node != self._names.name(source):
            raise Refused("unasked", "it answers a question that nobody has asked there")
        if kind == b"r":
            answer: Reply = self._answer(number, asked, Fields(fields.values.get(b"r", 0)))
        elif kind == b"e":
            key = self._keys.get(asked.node, "")
            answer = NotDone(number, key, _error(fields.values.get(b"e", 0)))
        else:
            raise Refused("garbled", "it is neither a question nor an answer nor an error")
        del self._asked[number]
        return answer

    def _question(self, fields: Fields, source: Address) -> Question | Wrong:
        transaction = fields.text(b"t", MOST_TRANSACTION)
        try:
            method = fields.text(b"q", MOST_ARRIVING)
            arguments = Fields(fields.values.get(b"a", 0))
            key = arguments.key(b"id")
            if fields.values.get(b"ro") == 1:  # it answers nobody, so it is no contact (BEP 43)
                key = ""
            if method not in self._questions:
                return Wrong(transaction, UNKNOWN_METHOD, "this method is unknown here")
            return self._questions[method](number_of(transaction), key, arguments, source)
        except Refused as error:
            return Wrong(transaction, WRONG, str(error))

    def _put(self, number: int, key: Key, arguments: Fields, source: Address) -> Store:
        token = _shown(arguments.text(b"token", MOST_TOKEN))
        cas = arguments.number(b"cas") if b"cas" in arguments else None
        salt = arguments.text(b"salt", 10_000) if b"salt" in arguments else b""
        return Store(number, key, _item(arguments, salt), EXPIRES_IN, cas, token)

    def _announce(self, number: int, key: Key, arguments: Fields, source: Address) -> Announce:
        implied = arguments.values.get(b"implied_port", 0) != 0
        port = source[1] if implied else arguments.number(b"port")
        token = _shown(arguments.text(b"token", MOST_TOKEN))
        return Announce(number, key, arguments.key(b"info_hash"), port, token)

    def _answer(self, number: int, asked: Asked, r: Fields) -> Reply:
        key = self._keys[asked.node] = r.key(b"id")
        if len(self._keys) > MOST_ASKED:
            self._keys.popitem(last=False)
        token = _shown(r.text(b"token", MOST_TOKEN)) if b"token" in r else ""
        if asked.kind is FindNode:
            return Nodes(number, key, self._contacts(r))
        if asked.kind in (FindItem, FetchItem):
            items = (_item(r, asked.salt),) if b"v" in r else ()
            return Items(number, key, self._contacts(r), items, token)
        if asked.kind is FindPeers:
            return Peers(number, key, self._contacts(r), self._peers(r), token)
        return Pong(number, key)

    def _contacts(self, r: Fields) -> tuple[Contact, ...]:
        """BEP 5, "compact node info": 20 bytes of key, 4 of address, 2 of port, again and again."""
        nodes = r.values.get(b"nodes", b"")
        if not isinstance(nodes, bytes) or len(nodes) % 26:
            raise Refused("garbled", "it has nodes that are not 26 bytes each")
        parts = [nodes[at : at + 26] for at in range(0, len(nodes), 26)]
        return tuple(
            Contact(part[:KEY_LENGTH].hex(), self._names.name(address))
            for part in parts
            if (address := _address(part[KEY_LENGTH:])) is not None
        )

    def _peers(self, r: Fields) -> tuple[Peer, ...]:
        values = r.values.get(b"values", [])
        if not isinstance(values, list):
            raise Refused("garbled", "it has peers that are no list")
        found = [_address(each) for each in values if isinstance(each, bytes) and len(each) == 6]
        return tuple(Peer(host, port) for host, port in filter(None, found))

    # To KRPC.

    def datagram(self, to: NodeId, message: Message) -> bytes:
        """The datagram that says it."""
        match message:
            case Ping(number, key):
                return self._ask(to, message, "ping", key)
            case FindNode(number, key, target):
                return self._ask(to, message, "find_node", key, target=_bytes(target))
            case FindItem(number, key, target) | FetchItem(number, key, target):
                return self._ask(to, message, "get", key, target=_bytes(target))
            case FindPeers(number, key, target):
                return self._ask(to, message, "get_peers", key, info_hash=_bytes(target))
            case Store(number, key, item, _, cas, token):
                said: dict[str, object] = {**_written(item), "token": _hidden(token)}
                if cas is not None:
                    said["cas"] = cas
                if isinstance(item, Mutable) and version_of(item).salt:
                    said["salt"] = version_of(item).salt
                return self._ask(to, message, "put", key, **said)
            case Announce(number, key, target, port, token):
                shared: dict[str, object] = {
                    "info_hash": _bytes(target),
                    "port": port,
                    "token": _hidden(token),
                }
                return self._ask(to, message, "announce_peer", key, **shared)
            case Pong(number, key):
                return self._reply(number, key)
            case Nodes(number, key, contacts):
                return self._reply(number, key, nodes=self._compact(contacts))
            case Items(number, key, contacts, items, token):
                found: dict[str, object] = _written(items[0]) if items else {}
                nodes = self._compact(contacts)
                return self._reply(number, key, nodes=nodes, token=_hidden(token), **found)
            case Peers(number, key, contacts, peers, token):
                values = [packed for peer in peers if (packed := self._packed(peer))]
                named: dict[str, object] = {"values": values} if values else {}
                nodes = self._compact(contacts)
                return self._reply(number, key, nodes=nodes, token=_hidden(token), **named)
            case NotDone(number, _, why):
                return error_of(Wrong(transaction_of(number), why.code, why.text))

    def _ask(self, to: NodeId, message: Question, method: str, key: Key, **said: object) -> bytes:
        salt = message.salt if isinstance(message, FindItem | FetchItem) else b""
        self._asked[message.number] = Asked(type(message), to, salt)
        if len(self._asked) > MOST_ASKED:
            self._asked.popitem(last=False)
        transaction = message.number.to_bytes(OWN_TRANSACTION)
        arguments: dict[str, object] = {"id": _bytes(key), **said}
        return encode({"t": transaction, "y": "q", "q": method, "a": arguments})

    def _reply(self, number: int, key: Key, **said: object) -> bytes:
        answer: dict[str, object] = {"id": _bytes(key), **said}
        return encode({"t": transaction_of(number), "y": "r", "r": answer})

    def _compact(self, contacts: tuple[Contact, ...]) -> bytes:
        return b"".join(
            _bytes(contact.key) + _packed(address)
            for contact in contacts
            if (address := self._names.address(contact.node)) is not None
        )

    def _packed(self, peer: Peer) -> bytes:
        """A peer is at a host, or where one of our own nodes is, at a port of its own."""
        own = self._names.address(peer.host) or self._names.address(f"{peer.host}:0")
        return b"" if own is None else _packed((own[0], peer.port))


def error_of(wrong: Wrong) -> bytes:
    """The datagram that says that something is wrong with a question."""
    return encode({"t": wrong.transaction, "y": "e", "e": [wrong.code, wrong.text]})


def _item(fields: Fields, salt: bytes) -> Item:
    """The item in a put, or in the answer to a get: signed if there is a public key."""
    if b"v" not in fields:
        raise Refused("garbled", "it has no value 'v'")
    data = encode(fields.values[b"v"])
    if b"k" not in fields:
        return Immutable(data)
    owner = owner_of(fields.text(b"k", KEY_BYTES, KEY_BYTES))
    signature = fields.text(b"sig", SIGNATURE_BYTES, SIGNATURE_BYTES)
    return Mutable(Signed(owner, Version(salt, fields.number(b"seq"), data), signature))


def _written(item: Item) -> dict[str, object]:
    """An item as its fields; the value is bencoded already."""
    if isinstance(item, Immutable):
        return {"v": decode(item.data)}
    version = version_of(item)
    public = public_key_in(item.signed.signer)
    signature = item.signed.signature
    return {"v": decode(version.data), "k": public, "seq": version.seq, "sig": signature}


def _error(value: Value) -> Objection:
    match value:
        case [int(code), bytes(text), *_]:
            return Objection(code, text[:MOST_TEXT].decode(errors="replace"))
    return Objection(WRONG, "it answered with an error that says nothing")


def _address(packed: bytes) -> Address | None:
    """An address out of six bytes; None for port 0, at which nobody can be."""
    port = int.from_bytes(packed[4:])
    return (str(IPv4Address(packed[:4])), port) if port else None


def _packed(address: Address) -> bytes:
    return IPv4Address(address[0]).packed + address[1].to_bytes(2)


def _bytes(key: Key) -> bytes:
    return bytes.fromhex(key)


def _shown(token: bytes) -> str:
    """A token in our words: hexadecimal digits, for it may be any bytes."""
    return token.hex()


def _hidden(token: str) -> bytes:
    return bytes.fromhex(token)
