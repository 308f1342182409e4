"""The metric and the buckets: who is near, and which nodes a node remembers.

Maymounkov and Mazières 2002, "Kademlia: a peer-to-peer information system based on the XOR metric",
sections 2.1, 2.2 and 4.1. Nodes and values have keys of 160 bits in one space. Two keys are as far
from each other as their exclusive or, read as a number, says. So keys that begin with the same bits
are near each other, and the distance has all that a lookup needs:

* it is 0 from a key to itself alone, the same both ways, and never more than the way round by a
  third key: a metric;
* from one key there is exactly one key at each distance. So all lookups of one key come
  together, no matter where they begin.

A node remembers a few contacts at each scale. Its *bucket* number i is for keys that have the first
i bits in common with its own, and differ in the next one: the other half of all keys is bucket 0, a
quarter is bucket 1, and so on. A bucket has at most ``k`` contacts. So a node knows much about its
surroundings, a little about everywhere, and some ``k`` log2 n contacts in all.

**Old contacts are better than new ones.** A node that has been there for an hour will probably be
there for another one (section 2.2, from measurements of Gnutella). So a full bucket keeps its
contacts as long as they answer. A newcomer waits, and the contact that was not heard for longest is
pinged. That has a second use: nobody gets into full buckets by sending many messages.

The paper splits buckets as they fill. Here each bucket is there from the beginning, empty: which
contacts are kept is the same, because only the bucket that a node is in itself is ever split.
"""

import re
from collections import deque
from collections.abc import Iterable
from hashlib import sha1
from typing import TypeAlias

from common.contract import NodeId, record

BITS = 160
"""The length of a key."""

HEX = BITS // 4
"""Digits in a key as it is written."""

K = 8
"""Contacts in a bucket, nodes that keep a value, and nodes that a lookup finds. The paper has 20,
BitTorrent 8: so many that they will hardly all fail within an hour."""

STALE_AFTER = 2
"""A contact that missed so many requests in a row is dropped, though nobody waits for its place."""

MOST_WAITING = K
"""Newcomers that wait for a place in one bucket."""

_KEY = re.compile(f"[0-9a-f]{{{HEX}}}")

Key: TypeAlias = str
"""160 bits as 40 hexadecimal digits."""


def key_of(data: bytes) -> Key:
    """The key of a name or a value: its SHA-1, which spreads keys evenly (section 2.1)."""
    return sha1(data).hexdigest()


def is_key(text: str) -> bool:
    """Whether a stranger's word is a key: 40 small hexadecimal digits, and nothing else."""
    return _KEY.fullmatch(text) is not None


def distance(one: Key, other: Key) -> int:
    """How far two keys are apart: their exclusive or as a number (section 2.1)."""
    return int(one, 16) ^ int(other, 16)


def bucket_index(own: Key, other: Key) -> int:
    """The bucket of the node ``own`` that ``other`` is in: how many of the first bits are the same.

    0 for the other half of all keys, 159 for the key that differs in its last bit alone. The two
    keys are not the same one.
    """
    return BITS - distance(own, other).bit_length()


@record
class Contact:
    """A node as others know it.

    Attributes:
        key: its key; "" while nobody has told it.
        node: where messages to it go.
    """

    key: Key
    node: NodeId


class Bucket:
    """Up to ``k`` contacts, from the one that was not heard for longest to the latest one.

    Attributes:
        contacts: those that are kept, in that order.
        waiting: newcomers that came while the bucket was full, the latest one last (section 4.1).
        missed: how many requests in a row each contact has not answered; none is not listed.
    """

    def __init__(self, k: int) -> None:
        self.k = k
        self.contacts: list[Contact] = []
        self.waiting: deque[Contact] = deque(maxlen=MOST_WAITING)
        self.missed: dict[Key, int] = {}

    def seen(self, contact: Contact) -> Contact | None:
        """A message came from ``contact`` (section 2.2). Returns a contact to ping, or None.

        * A contact that is kept becomes the latest one, and has missed nothing.
        * A new one gets a place where there is one, as the latest.
        * In a full bucket it waits, as the latest of those that wait and once only. The contact
          that was not heard for longest has to be pinged, and is returned.
        * The same key at another node is somebody's lie, or the node has moved. It waits too, and
          the contact that has the key is returned.
        """
        if contact in self.contacts:
            self.contacts.remove(contact)
            self.contacts.append(contact)
            self.missed.pop(contact.key, None)
            return None
        same = next((kept for kept in self.contacts if kept.key == contact.key), None)
        if same is None and len(self.contacts) < self.k:
            self.contacts.append(contact)
            return None
        if contact in self.waiting:
            self.waiting.remove(contact)
        self.waiting.append(contact)
        return same or self.contacts[0]

    def failed(self, contact: Contact) -> None:
        """``contact`` has not answered (sections 2.2 and 4.1).

        If a newcomer waits, the latest one that waits gets its place, as the latest contact; it
        waits no more. If nobody waits, the contact is dropped once it has missed
        :data:`STALE_AFTER` requests in a row. A contact that is not kept has no place to lose.
        """
        if contact not in self.contacts:
            return
        self.missed[contact.key] = self.missed.get(contact.key, 0) + 1
        if self.waiting or self.missed[contact.key] >= STALE_AFTER:
            self.contacts.remove(contact)
            del self.missed[contact.key]
            if self.waiting:
                self.seen(self.waiting.pop())


class RoutingTable:
    """All contacts of a node.

    Args:
        own: the node's own key; it is no contact of itself.
        k: contacts in a bucket.

    Attributes:
        buckets: by number, those that ever had a contact.
    """

    def __init__(self, own: Key, k: int = K) -> None:
        self.own = own
        self.k = k
        self.buckets: dict[int, Bucket] = {}

    def contacts(self) -> list[Contact]:
        """All contacts."""
        return [contact for bucket in self.buckets.values() for contact in bucket.contacts]

    def seen(self, contact: Contact) -> Contact | None:
        """A message came from ``contact``: see :meth:`Bucket.seen`. Its bucket is made at need."""
        if contact.key == self.own:
            return None
        index = bucket_index(self.own, contact.key)
        if index not in self.buckets:
            self.buckets[index] = Bucket(self.k)
        return self.buckets[index].seen(contact)

    def failed(self, contact: Contact) -> None:
        """``contact`` has not answered: see :meth:`Bucket.failed`."""
        if contact.key and contact.key != self.own:
            bucket = self.buckets.get(bucket_index(self.own, contact.key))
            if bucket is not None:
                bucket.failed(contact)

    def closest(self, target: Key, but: Key = "") -> tuple[Contact, ...]:
        """The ``k`` contacts that are closest to ``target``, the closest one first.

        Args:
            target: any key.
            but: a key that is left out: who asks knows itself.
        """
        known = [contact for contact in self.contacts() if contact.key != but]
        return closest_of(known, target, self.k)


def closest_of(contacts: Iterable[Contact], target: Key, count: int) -> tuple[Contact, ...]:
    """So many of ``contacts``, those that are closest to ``target``, the closest one first."""
    goal = int(target, 16)  # read once for all
    return tuple(sorted(contacts, key=lambda contact: int(contact.key, 16) ^ goal)[:count])
