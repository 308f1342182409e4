"""Who shares a file: what BitTorrent made its table for (BEP 5).

A torrent has a key, the *info hash*. A node that shares it announces itself to the nodes that are
closest to that key. A node that wants it looks the key up, and asks on the way who has announced
themselves. Those are addresses, and there are many of one key, so they are no :mod:`items`:

* An announcement is the address that it came from, and a port. Nobody can announce somebody else:
  the token was given to that address.
* It ends after half an hour. A node that goes on sharing announces itself again.
"""

from dataclasses import dataclass, field
from typing import Any

from bonus_overlays.kademlia.buckets import Contact, Key, is_key
from bonus_overlays.kademlia.holding import BAD_TOKEN, NO_ROOM, Refused, token_for
from bonus_overlays.kademlia.items import WRONG, Objection
from bonus_overlays.kademlia.messages import Goal, Inquiry, Pong
from bonus_overlays.kademlia.publishing import Dht, Publish, Spread
from common.contract import CallId, NodeId, message, on, operation, record
from common.values.history import Failed, Ok
from common.values.units import SECOND

ANNOUNCED_FOR = 1800 * SECOND
MOST_SWARMS = 2_000
"""Torrents of which a node knows who shares them."""
MOST_PEERS = 500
"""Peers of one torrent that a node knows."""
MOST_NAMED = 50
"""Peers in one answer: they have to fit into a datagram."""
MOST_PORT = 65_535


@record
class Peer:
    """Somebody who shares, at this host and port (:func:`host_of`)."""

    host: str
    port: int


def host_of(node: NodeId) -> str:
    """The host of a node whose name is an address, host:port; else the name stands for the host."""
    return node.rpartition(":")[0] or node


@message
class FindPeers:
    """Who shares the torrent ``target``, and who is close to its key?"""

    number: int
    key: Key
    target: Key


@message
class Peers:
    """The answer: some who share it, the closest contacts in any case, and a token."""

    number: int
    key: Key
    contacts: tuple[Contact, ...]
    peers: tuple[Peer, ...]
    token: str


@message
class Announce:
    """The sender shares the torrent ``target``, at ``port``; a Pong says that it is noted."""

    number: int
    key: Key
    target: Key
    port: int
    token: str


@operation
class Share:
    """Announce that the torrent ``key`` is shared at ``port`` here. Ends with Ok(key)."""

    key: Key
    port: int


@operation
class WhoShares:
    """Who shares the torrent ``key``? Ends with Ok(peers), each one (host, port)."""

    key: Key


@dataclass(slots=True)
class Meeting:
    """The goal of a lookup that asks who shares a torrent.

    Attributes:
        call: who waits.
        port: where this node shares it itself, and wants to announce it; None for asking only.
        peers: those that were named.
        tokens: from those that have answered, by key.
    """

    call: CallId
    port: int | None
    peers: set[Peer] = field(default_factory=set)
    tokens: dict[Key, str] = field(default_factory=dict)


class Mainline(Dht):
    """A node of BitTorrent's table, the "mainline DHT".

    Args:
        id, peers, options: as for :class:`~bonus_overlays.kademlia.publishing.Dht`.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **options: Any) -> None:
        super().__init__(id, peers, **options)
        self.swarms: dict[Key, dict[Peer, int]] = {}
        """By torrent, who shares it, and until when that is believed, the latest last."""

    def sharing(self, target: Key) -> list[Peer]:
        """Who is known to share a torrent. Announcements that have ended are forgotten."""
        swarm = self.swarms.get(target, {})
        for peer in [peer for peer, until in swarm.items() if until <= self.now]:
            del swarm[peer]
        if not swarm:
            self.swarms.pop(target, None)
        return list(swarm)

    @on(Publish)
    def publish(self, publish: Publish, call: CallId) -> None:
        """In this table an owner is a public key. The node has none: its owner signs, and asks for
        :class:`~bonus_overlays.kademlia.publishing.Keep`."""
        self.finish(call, Failed("sign it with the owner's key, and ask for Keep"))

    @on(FindPeers)
    def find_peers_received(self, asked: FindPeers, sender: NodeId) -> None:
        """Answer with some who share it, drawn by chance if there are many, and a token."""
        if is_key(asked.target):
            known = self.sharing(asked.target)
            some = tuple(self.random.sample(known, min(len(known), MOST_NAMED)))
            close = self.table.closest(asked.target, but=asked.key)
            token = token_for(sender, self.secrets[0])
            self.send(sender, Peers(asked.number, self.key, close, some, token))
            self.heard(asked.key, sender)

    @on(Announce)
    def announce_received(self, announce: Announce, sender: NodeId) -> None:
        """Note who shares a torrent, if the token is good and there is room; say so, or why not."""
        why = self.objection_to_announcing(announce, sender)
        if why is None:
            swarm = self.swarms.setdefault(announce.target, {})
            peer = Peer(host_of(sender), announce.port)
            swarm.pop(peer, None)  # if it goes on sharing, it is the latest now
            swarm[peer] = self.now + ANNOUNCED_FOR
            self.send(sender, Pong(announce.number, self.key))
        else:
            self.send(sender, Refused(announce.number, self.key, why))
        self.heard(announce.key, sender)

    def objection_to_announcing(self, announce: Announce, sender: NodeId) -> Objection | None:
        """What speaks against an announcement."""
        if not self.is_good(announce.token, sender):
            return Objection(BAD_TOKEN, "that is no token of late: ask for peers first")
        if not is_key(announce.target) or not 0 < announce.port <= MOST_PORT:
            return Objection(WRONG, f"a torrent is 20 bytes, a port is from 1 to {MOST_PORT}")
        known = self.sharing(announce.target)
        full = len(known) >= MOST_PEERS and Peer(host_of(sender), announce.port) not in known
        if not known and len(self.swarms) >= MOST_SWARMS:
            self.forget_ended()
        if full or (not known and len(self.swarms) >= MOST_SWARMS):
            return Objection(NO_ROOM, "this node has no room for another peer")
        return None

    def forget_ended(self) -> None:
        """Make room: forget the torrents of which even the latest announcement has ended."""
        for target, swarm in list(self.swarms.items()):
            if swarm[next(reversed(swarm))] <= self.now:
                del self.swarms[target]

    @on(Peers)
    def peers_received(self, answer: Peers, sender: NodeId) -> None:
        """Remember the token and the peers for the lookup that asked, then go on with it."""
        request = self.end_request(answer.number, answer.key, sender)
        if request is not None:
            asking = self.inquiries.get(request.inquiry)
            if asking is not None and isinstance(asking.goal, Meeting):
                asking.goal.tokens[answer.key] = answer.token
                asking.goal.peers |= set(answer.peers[:MOST_NAMED])
            self.learn(request, answer.contacts)

    @on(Share)
    def share(self, share: Share, call: CallId) -> None:
        """Find those that are closest to the torrent's key, to announce it to them."""
        if not is_key(share.key) or not 0 < share.port <= MOST_PORT:
            self.finish(call, Failed(f"write a key, and a port from 1 to {MOST_PORT}"))
        else:
            self.look_up(share.key, Meeting(call, share.port))

    @on(WhoShares)
    def who_shares(self, asked: WhoShares, call: CallId) -> None:
        """Find all that are known; what this node knows itself comes first."""
        if not is_key(asked.key):
            self.finish(call, Failed(f"{asked.key!r} is no key: write 40 hexadecimal digits"))
        else:
            self.look_up(asked.key, Meeting(call, None, set(self.sharing(asked.key))))

    def question(self, number: int, goal: Goal, target: Key) -> object:
        """A lookup for peers asks for peers."""
        if isinstance(goal, Meeting):
            return FindPeers(number, self.key, target)
        return super().question(number, goal, target)

    def concluded(self, inquiry: Inquiry) -> None:
        """A lookup has ended: tell who shares the torrent, or announce it to those found."""
        goal, target = inquiry.goal, inquiry.search.target
        if not isinstance(goal, Meeting):
            super().concluded(inquiry)
        elif goal.port is None:
            rows = sorted((peer.host, peer.port) for peer in goal.peers)
            self.finish(goal.call, Ok(tuple(rows)))
        else:
            port = goal.port
            self.tell(
                inquiry.search.found,
                goal.tokens,
                lambda number, token: Announce(number, self.key, target, port, token),
                Spread(goal.call, target),
            )
