"""Publishing and getting: a lookup that asks for an item on its way, and what is done at its end.

Maymounkov and Mazières 2002, sections 2.3 and 2.5; BEP 44. To store a value, look up its key, and
give it to the k nodes that were found. To get one, look up its key in the same way. Who stores asks
FindItem instead of FindNode: the answer has an item, if there is one, and a token for a Store. Who
gets asks FetchItem, which a node that has the item answers with it alone.

The publisher publishes again before the value's time is over. When it is gone for good, so is the
value.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bonus_overlays.kademlia.buckets import Contact, Key, distance, is_key
from bonus_overlays.kademlia.holding import FetchItem, FindItem, Holder, Items, Refused, Store
from bonus_overlays.kademlia.items import (
    MOST_DATA,
    Immutable,
    Item,
    Mutable,
    Version,
    data_of,
    key_of_item,
    key_of_owned,
    newer_of,
    version_of,
)
from bonus_overlays.kademlia.messages import Goal, Inquiry, Pong, Request
from common.contract import CallId, NodeId, on, operation, timer
from common.values.history import Failed, Ok, Unknown


@timer
class PublishAgain:
    """Publish an own value again before it expires."""

    target: Key


@operation
class Put:
    """Keep ``data`` where everybody finds it. Ends with Ok(key)."""

    data: bytes


@operation
class Publish:
    """Keep ``data`` as the newest version of this member's value ``salt``. Ends with Ok(seq)."""

    salt: bytes
    data: bytes


@operation
class Get:
    """What is kept under ``key``? Ends with Ok(data), or Ok(None) where nobody has anything."""

    key: Key


@operation
class Read:
    """The newest version of an owner's value ``salt``. Ends with Ok(data), or Ok(None)."""

    owner: str
    salt: bytes


@operation
class Keep:
    """Keep an item that somebody has signed elsewhere, in place of number ``cas`` if that is given.

    Ends with Ok(key).
    """

    item: Item
    cas: int | None


@dataclass(frozen=True, slots=True)
class Getting:
    """Somebody wants the value."""

    call: CallId


@dataclass(frozen=True, slots=True)
class Putting:
    """The item is to be kept by those that are found. Nobody waits for it where call is None."""

    call: CallId | None
    item: Item
    expires_in: int
    cas: int | None = None


@dataclass(frozen=True, slots=True)
class Publishing:
    """A new version is to be made once the present one is known."""

    call: CallId
    salt: bytes
    data: bytes


@dataclass(slots=True)
class Gathering:
    """The goal of a lookup that asks for an item on its way.

    Attributes:
        purpose: what becomes of it.
        best: the newest item that was found.
        salt: of the item, if it has one.
        tokens: from those that have answered, by key.
    """

    purpose: Getting | Putting | Publishing
    best: Item | None = None
    salt: bytes = b""
    tokens: dict[Key, str] = field(default_factory=dict)


@dataclass(slots=True)
class Spread:
    """An item on its way to its holders.

    Attributes:
        call: who waits, if anybody.
        answer: what they are told if it went well.
        waiting: how many have not answered yet.
        kept: how many keep it, this node perhaps included.
        silent: how many have not answered in time.
        why: why somebody has refused it.
    """

    call: CallId | None
    answer: object
    waiting: int = 0
    kept: int = 0
    silent: int = 0
    why: str = ""


Purpose: TypeAlias = Getting | Putting | Publishing


class Dht(Holder):
    """A node of the table: it holds values for others, publishes its own, and finds any.

    Args:
        id, peers, options: as for :class:`~bonus_overlays.kademlia.holding.Holder`.
    """

    def __init__(self, id: NodeId, peers: tuple[NodeId, ...], **options: Any) -> None:
        super().__init__(id, peers, **options)
        self.published: dict[Key, Item] = {}
        """What this node has published itself, and publishes again."""
        self.spreads: dict[int, Spread] = {}
        """Items on their way, by number; lookups have numbers from the same row."""

    def hand_on(self, item: Item, left: int) -> None:
        """Put it once more, with the time that is left."""
        self.gather(key_of_item(item), Putting(None, item, left))

    # What comes back.

    @on(Items)
    def items_received(self, answer: Items, sender: NodeId) -> None:
        """Remember the token and the best item of the lookup that asked, then go on with it.

        An item counts only if it belongs under the key that was looked up, and nothing is wrong
        with it (:meth:`objection_to`): liars answer too. An immutable one cannot be bettered. So
        a node that wants it has it now, and the lookup ends at once.
        """
        request = self.end_request(answer.number, answer.key, sender)
        if request is None:
            return
        inquiry = self.inquiries.get(request.inquiry)
        if inquiry is not None and isinstance(inquiry.goal, Gathering):
            goal = inquiry.goal
            goal.tokens[answer.key] = answer.token
            for item in answer.items[:1]:
                fits = key_of_item(item) == inquiry.search.target
                if fits and self.objection_to(item) is None:
                    goal.best = newer_of(goal.best, item)
            if isinstance(goal.best, Immutable) and isinstance(goal.purpose, Getting):
                del self.inquiries[request.inquiry]
                self.concluded(inquiry)
                return
        self.learn(request, answer.contacts)

    @on(Pong)
    def pong_received(self, pong: Pong, sender: NodeId) -> None:
        """It may say that an item is kept."""
        request = self.requests.get(pong.number)
        if request is None or request.inquiry not in self.spreads:
            super().pong_received(pong, sender)
        elif self.end_request(pong.number, pong.key, sender) is not None:
            self.spreads[request.inquiry].kept += 1
            self.one_less(request.inquiry)

    @on(Refused)
    def refused_received(self, refused: Refused, sender: NodeId) -> None:
        """Somebody does not keep it, or does not answer such a question; but it is there."""
        request = self.end_request(refused.number, refused.key, sender)
        if request is not None and request.inquiry in self.spreads:
            self.spreads[request.inquiry].why = refused.why.text
            self.one_less(request.inquiry)
        elif request is not None:
            self.learn(request, ())

    def gone(self, request: Request) -> None:
        """The node that is gone may be one that should keep an item."""
        super().gone(request)
        if request.inquiry in self.spreads:
            self.spreads[request.inquiry].silent += 1
            self.one_less(request.inquiry)

    # What people ask.

    @on(Put)
    def put(self, put: Put, call: CallId) -> None:
        """Publish an immutable value: find its holders. It fails if the value is too large."""
        if len(put.data) > MOST_DATA:
            self.finish(call, Failed(f"the value has more than {MOST_DATA} bytes: store less"))
            return
        item = Immutable(put.data)
        self.gather(key_of_item(item), Putting(call, item, self.expire_after))

    @on(Publish)
    def publish(self, publish: Publish, call: CallId) -> None:
        """Find the present version first: the new one has to have a greater number."""
        if len(publish.data) > MOST_DATA:
            self.finish(call, Failed(f"the value has more than {MOST_DATA} bytes: store less"))
            return
        target = key_of_owned(self.id, publish.salt)
        self.gather(target, Publishing(call, publish.salt, publish.data))

    @on(Get)
    def get(self, get: Get, call: CallId) -> None:
        """An immutable value may be here; else look it up."""
        kept = self.kept(get.key)
        if not is_key(get.key):
            self.finish(call, Failed(f"{get.key!r} is no key: write 40 hexadecimal digits"))
        elif isinstance(kept, Immutable):
            self.finish(call, Ok(kept.data))
        else:
            self.gather(get.key, Getting(call))

    @on(Read)
    def read(self, read: Read, call: CallId) -> None:
        """Look up the owner's value, whatever version of it this node keeps itself."""
        self.gather(key_of_owned(read.owner, read.salt), Getting(call), read.salt)

    @on(Keep)
    def keep_for(self, keep: Keep, call: CallId) -> None:
        """Put it, unless there is something wrong with it."""
        why = self.objection_to(keep.item)
        if why is not None:
            self.finish(call, Failed(why.text))
            return
        salt = version_of(keep.item).salt if isinstance(keep.item, Mutable) else b""
        purpose = Putting(call, keep.item, self.expire_after, keep.cas)
        self.gather(key_of_item(keep.item), purpose, salt)

    def gather(self, target: Key, purpose: Purpose, salt: bytes = b"") -> None:
        """Begin a lookup that asks for an item; what this node keeps is the first it knows of."""
        self.look_up(target, Gathering(purpose, self.kept(target), salt))

    def question(self, number: int, goal: Goal, target: Key) -> object:
        """A lookup for an item asks for the item; to store it, it needs tokens, too."""
        if not isinstance(goal, Gathering):
            return super().question(number, goal, target)
        kind = FetchItem if isinstance(goal.purpose, Getting) else FindItem
        return kind(number, self.key, target, goal.salt)

    def concluded(self, inquiry: Inquiry) -> None:
        """A lookup has ended: tell what was found, or give the item to those that were found.

        A new version has the number after the newest that was found, or 1; it replaces that one
        only (``cas``).
        """
        goal, target = inquiry.goal, inquiry.search.target
        if not isinstance(goal, Gathering):
            super().concluded(inquiry)
            return
        match goal.purpose:
            case Getting(call):
                self.finish(call, Ok(None if goal.best is None else data_of(goal.best)))
            case Putting(call, item, expires_in, cas):
                if call is not None:
                    self.publish_again_later(target, item)
                self.spread(inquiry, goal, item, expires_in, cas, Spread(call, target))
            case Publishing(call, salt, data):
                cas = version_of(goal.best).seq if isinstance(goal.best, Mutable) else None
                version = Version(salt, 1 if cas is None else cas + 1, data)
                mutable = Mutable(self.sign(version))
                self.publish_again_later(target, mutable)
                spread = Spread(call, version.seq)
                self.spread(inquiry, goal, mutable, self.expire_after, cas, spread)

    def publish_again_later(self, target: Key, item: Item) -> None:
        """Remember an own item; it is published again after half of its time."""
        if target not in self.published:
            self.set_timer(self.expire_after // 2, PublishAgain(target))
        self.published[target] = item

    @on(PublishAgain)
    def publish_again(self, timer: PublishAgain) -> None:
        """Publish an own item with its whole time once more (section 2.5)."""
        self.set_timer(self.expire_after // 2, timer)
        item = self.published[timer.target]
        self.gather(timer.target, Putting(None, item, self.expire_after))

    def spread(
        self,
        inquiry: Inquiry,
        goal: Gathering,
        item: Item,
        expires_in: int,
        cas: int | None,
        spread: Spread,
    ) -> None:
        """Give an item to the k closest nodes (section 2.3).

        Those that were found and gave a token are sent a Store. This node keeps it itself if it is
        closer to the key than the last one of k that were found, or fewer were found.
        """
        found = inquiry.search.found
        last = distance(found[-1].key, inquiry.search.target) if len(found) >= self.k else None
        if last is None or distance(self.key, inquiry.search.target) < last:
            why = self.keep(item, expires_in, cas)
            spread.kept += why is None
            spread.why = "" if why is None else why.text
        self.tell(
            inquiry.search.found,
            goal.tokens,
            lambda number, token: Store(number, self.key, item, expires_in, cas, token),
            spread,
        )

    def tell(
        self,
        found: tuple[Contact, ...],
        tokens: dict[Key, str],
        request: Callable[[int, str], object],
        spread: Spread,
    ) -> None:
        """Send a request to each of those that have given a token, and count who is to answer.

        Args:
            found: the closest nodes.
            tokens: by key.
            request: makes it, with its number and a token.
            spread: counts.
        """
        self.last_inquiry += 1
        number = self.last_inquiry
        self.spreads[number] = spread
        spread.waiting = 1  # until all are sent
        for contact in found:
            if contact.key in tokens:
                spread.waiting += 1
                made = request(self.begin_request(contact, number), tokens[contact.key])
                self.send(contact.node, made)
        self.one_less(number)

    def one_less(self, number: int) -> None:
        """One holder less to wait for. After the last one, the person who waits is told the truth:
        Ok if somebody keeps the item, Failed if all have refused it; else nobody knows."""
        spread = self.spreads[number]
        spread.waiting -= 1
        if spread.waiting:
            return
        del self.spreads[number]
        if spread.call is None:
            return
        if spread.kept:
            self.finish(spread.call, Ok(spread.answer))
        elif spread.silent:
            self.finish(spread.call, Unknown("nobody has said that it keeps the value"))
        else:
            self.finish(spread.call, Failed(spread.why or "nobody is there to keep it"))
