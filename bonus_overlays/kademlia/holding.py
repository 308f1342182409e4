"""Holding values for others: how long, and for which nodes.

Maymounkov and Mazières 2002, sections 2.3 and 2.5. A value is at the k nodes that are closest to
its key. Nobody keeps a list of who holds what: the key says it. Nodes come and go, and so the
closest ones today are others tomorrow.

* **Republishing.** A node that holds a value looks its key up every hour, and gives it to all that
  are closest then. It does not if somebody gave it to this node within the hour: that one has just
  told all the others as well. So of k holders one does the work.
* **Expiry.** A value is kept for a time from its publication, not from the latest handing on: else
  nothing would ever end. So a node that hands it on says how much of the time is left.

**Tokens.** UDP says nothing true about who sends. A Store is taken only with a token that this node
gave to the same address a short while ago, in an answer (BEP 5). So nobody can store, or announce,
in the name of an address at which they receive nothing.

Left out of the paper: caching values along the way of lookups (2.3), and handing values at once to
a newcomer that is closer (2.5); republishing does that later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bonus_overlays.kademlia.buckets import MOST_REMEMBERED, Contact, Key, is_key, key_of
from bonus_overlays.kademlia.finding import Finder
from bonus_overlays.kademlia.items import (
    WRONG,
    Immutable,
    Item,
    Objection,
    Version,
    key_of_item,
    objection_to,
    objection_to_replacing,
)
from bonus_overlays.kademlia.messages import Pong
from common.contract import NodeId, TimerId, message, on, timer
from common.values.units import SECOND

REPUBLISH_EVERY = 3600 * SECOND
EXPIRE_AFTER = 24 * 3600 * SECOND
"""How long a value is kept from its publication (section 2.3)."""
SECRET_EVERY = 300 * SECOND
"""A token is good for this long at least, and for twice as long at most (BEP 5)."""
MOST_HELD = 10_000
"""Values that a node holds; one more is refused, for strangers send as many as they like."""
NO_ROOM = 202
BAD_TOKEN = WRONG


@message
class FindItem:
    """What is kept under ``target``, who is close to it, and with what token may I store there?

    Attributes:
        salt: of the item that is wanted, if the asker knows it. A receiver does not need it; in
            BitTorrent's format it is not sent, and has to be put back when the answer comes.
    """

    number: int
    key: Key
    target: Key
    salt: bytes = b""


@message
class FetchItem:
    """What is kept under ``target``? I want the item itself, and contacts only on the way to it.

    Attributes:
        salt: as in a FindItem.
    """

    number: int
    key: Key
    target: Key
    salt: bytes = b""


@message
class Items:
    """The answer: the item if there is one, the closest contacts, and a token. Where the item is
    all that the asker wants, it is alone."""

    number: int
    key: Key
    contacts: tuple[Contact, ...]
    items: tuple[Item, ...]
    token: str


@message
class Store:
    """Keep ``item``, for ``expires_in`` microseconds; a Pong says that it is done.

    Attributes:
        cas: the number that the value has at present, if the writer cares.
        token: from the receiver's latest answer.
    """

    number: int
    key: Key
    item: Item
    expires_in: int
    cas: int | None
    token: str


@message
class Refused:
    """What was asked is not done, and this is why."""

    number: int
    key: Key
    why: Objection


@timer
class KeepUp:
    """Look after the value under ``target``: hand it on, or forget it."""

    target: Key


@timer
class NewSecret:
    """Tokens of long ago become worthless."""


@dataclass(frozen=True, slots=True)
class Held:
    """An item that this node keeps: until when, and what reminds it of it."""

    item: Item
    expires_at: int
    timer: TimerId


@lru_cache(MOST_REMEMBERED)
def token_for(node: NodeId, secret: int) -> str:
    """What only who knows the secret can make for an address: a digest of both."""
    return key_of(f"{secret}/{node}".encode())[:16]


class Holder(Finder):
    """A node that keeps values for others.

    Args:
        id, peers, options: as for :class:`~bonus_overlays.kademlia.finding.Finder`.
        republish_every: how often a value is handed on, in microseconds.
        expire_after: how long it is kept from its publication.
    """

    signs = True
    carries = (Version,)

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        republish_every: int = REPUBLISH_EVERY,
        expire_after: int = EXPIRE_AFTER,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.republish_every = republish_every
        self.expire_after = expire_after
        self.held: dict[Key, Held] = {}
        """What this node keeps, by key."""
        self.secrets: tuple[int, int] = (0, 0)
        """The present secret of tokens, and the one before."""

    def on_start(self) -> None:
        """Join; the first secret."""
        super().on_start()
        self.secrets = (self.random.getrandbits(64), self.random.getrandbits(64))
        self.set_timer(SECRET_EVERY, NewSecret())

    def status(self) -> Mapping[str, object]:
        """How many values are kept, too."""
        return {**super().status(), "held": len(self.held)}

    # Keeping.

    def kept(self, target: Key) -> Item | None:
        """What this node keeps under a key; what has expired is not kept any more."""
        held = self.held.get(target)
        return None if held is None or held.expires_at <= self.now else held.item

    def keep(self, item: Item, expires_in: int, cas: int | None) -> Objection | None:
        """Keep an item, if nothing speaks against it; returns what does.

        It is kept for ``expires_in``, at most ``expire_after``, and never shorter than the very
        same item was to be kept already. When an item is kept, the next time to look after it
        (:class:`KeepUp`) is ``republish_every`` away, and by chance up to half as much more. So one
        of all holders is the first, and its Store moves that time for the others. If its time is
        over before that, it is then; and at once if a stranger says that none is left.
        """
        target = key_of_item(item)
        old = self.kept(target)
        why = self.objection_to(item) or objection_to_replacing(old, item, cas)
        if why is None and target not in self.held and len(self.held) >= MOST_HELD:
            why = Objection(NO_ROOM, "this node has no room for another value: store it elsewhere")
        if why is not None:
            return why
        until = self.now + min(expires_in, self.expire_after)
        if target in self.held:
            held = self.held[target]
            self.cancel_timer(held.timer)
            if old == item:
                until = max(until, held.expires_at)
        after = self.republish_every + self.random.randrange(self.republish_every // 2 + 1)
        reminder = self.set_timer(min(after, max(until - self.now, 0)), KeepUp(target))
        self.held[target] = Held(item, until, reminder)
        return None

    def objection_to(self, item: Item) -> Objection | None:
        """What is wrong with an item in itself, from any node."""
        return objection_to(item, isinstance(item, Immutable) or self.verify(item.signed))

    @on(KeepUp)
    def keep_up(self, timer: KeepUp) -> None:
        """Forget the value if its time is over; else hand it on, with the time that is left.

        The next time to look after it is set before, in case no other node is there (2.5).
        """
        held = self.held.pop(timer.target)
        left = held.expires_at - self.now
        if left > 0:
            self.keep(held.item, left, None)
            self.hand_on(held.item, left)

    def hand_on(self, item: Item, left: int) -> None:
        """Give an item to those that are closest to its key now. The next file does it: to find
        them takes a lookup."""

    # Tokens.

    def is_good(self, token: str, node: NodeId) -> bool:
        """Whether this node gave the token to this address, with this secret or the last one."""
        return any(token == token_for(node, secret) for secret in self.secrets)

    @on(NewSecret)
    def secret_is_old(self, timer: NewSecret) -> None:
        """A new secret; the present one becomes the one before."""
        self.secrets = (self.random.getrandbits(64), self.secrets[0])
        self.set_timer(SECRET_EVERY, NewSecret())

    # What others ask.

    @on(FindItem)
    def find_item_received(self, asked: FindItem | FetchItem, sender: NodeId) -> None:
        """Answer with what is kept, the closest contacts without the asker, and a token."""
        if is_key(asked.target):
            item = self.kept(asked.target)
            close = self.table.closest(asked.target, but=asked.key)
            token = token_for(sender, self.secrets[0])
            items = () if item is None else (item,)
            self.send(sender, Items(asked.number, self.key, close, items, token))
            self.heard(asked.key, sender)

    @on(FetchItem)
    def fetch_item_received(self, asked: FetchItem, sender: NodeId) -> None:
        """Answer with an immutable item alone: an asker that has it is done (2.3, FIND_VALUE).
        Of a mutable one somebody may have a newer version; so the answer is that to a FindItem."""
        item = self.kept(asked.target)
        if isinstance(item, Immutable):
            self.send(sender, Items(asked.number, self.key, (), (item,), ""))
            self.heard(asked.key, sender)
        else:
            self.find_item_received(asked, sender)

    @on(Store)
    def store_received(self, store: Store, sender: NodeId) -> None:
        """Keep the item if the token is good and nothing speaks against it; say so, or why not."""
        if not self.is_good(store.token, sender):
            why: Objection | None = Objection(BAD_TOKEN, "that is no token of late: ask first")
        else:
            why = self.keep(store.item, store.expires_in, store.cas)
        answer = Pong(store.number, self.key)
        self.send(sender, answer if why is None else Refused(store.number, self.key, why))
        self.heard(store.key, sender)
