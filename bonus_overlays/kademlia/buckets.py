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
contacts as long as they answer, and a newcomer waits. That has a second use: nobody gets into full
buckets by sending many messages. Nobody is pinged to find out who is gone, for a node has enough to
ask anyway: the first contact that does not answer makes room (section 4.1).

The paper splits buckets as they fill. Here each bucket is there from the beginning, empty: which
contacts are kept is the same, because only the bucket that a node is in itself is ever split.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
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

MOST_REMEMBERED = 16_384
"""Keys that were read a short while ago: the same ones come again and again."""

_KEY = re.compile(f"[0-9a-f]{{{HEX}}}")

Key: TypeAlias = str
"""160 bits as 40 hexadecimal digits."""


def key_of(data: bytes) -> Key:
    """The key of a name or a value: its SHA-1, which spreads keys evenly (section 2.1)."""
    return sha1(data).hexdigest()


@lru_cache(MOST_REMEMBERED)
def is_key(text: str) -> bool:
    """Whether a stranger's word is a key: 40 small hexadecimal digits, and nothing else."""
    return _KEY.fullmatch(text) is not None


@lru_cache(MOST_REMEMBERED)
def number_of(key: Key) -> int:
    """The number that a key's digits write."""
    return int(key, 16)


def distance(one: Key, other: Key) -> int:
    """How far two keys are apart: their exclusive or as a number (section 2.1)."""
    return number_of(one) ^ number_of(other)


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
        contacts: those that are kept, by the numbers of their keys (:func:`number_of`), in that
            order.
        waiting: newcomers that came while the bucket was full, by number too, the latest one last
            (section 4.1).
        missed: by number, how many requests in a row a contact has not answered; none is not
            listed.
    """

    def __init__(self, k: int) -> None:
        self.k = k
        self.contacts: dict[int, Contact] = {}
        self.waiting: dict[int, Contact] = {}
        self.missed: dict[int, int] = {}

    def seen(self, contact: Contact) -> None:
        """A message came from ``contact`` (sections 2.2 and 4.1).

        * A contact that is kept becomes the latest one, and has missed nothing.
        * A new one gets a place where there is one, as the latest.
        * In a full bucket it waits, as the latest of those that wait and once only. If more than
          :data:`MOST_WAITING` wait, the one that has waited for longest is forgotten.
        * The same key at another node is somebody's lie, or the node has moved. It waits too, until
          the contact that has the key does not answer.
        """
        number = number_of(contact.key)
        kept = self.contacts.get(number)
        if kept == contact:
            self.contacts[number] = self.contacts.pop(number)
            self.missed.pop(number, None)
        elif kept is None and len(self.contacts) < self.k:
            self.contacts[number] = contact
        else:
            self.waiting.pop(number, None)
            self.waiting[number] = contact
            if len(self.waiting) > MOST_WAITING:
                del self.waiting[next(iter(self.waiting))]

    def failed(self, contact: Contact) -> None:
        """``contact`` has not answered (sections 2.2 and 4.1).

        If a newcomer waits, the latest one that waits gets its place, as the latest contact; it
        waits no more. If nobody waits, the contact is dropped once it has missed
        :data:`STALE_AFTER` requests in a row. A contact that is not kept has no place to lose.
        """
        number = number_of(contact.key)
        if self.contacts.get(number) != contact:
            return
        self.missed[number] = self.missed.get(number, 0) + 1
        if self.waiting or self.missed[number] >= STALE_AFTER:
            del self.contacts[number], self.missed[number]
            if self.waiting:
                self.seen(self.waiting.popitem()[1])


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
        return [each for bucket in self.buckets.values() for each in bucket.contacts.values()]

    def seen(self, contact: Contact) -> None:
        """A message came from ``contact``: see :meth:`Bucket.seen`. Its bucket is made at need."""
        if contact.key == self.own:
            return
        index = bucket_index(self.own, contact.key)
        if index not in self.buckets:
            self.buckets[index] = Bucket(self.k)
        self.buckets[index].seen(contact)

    def failed(self, contact: Contact) -> None:
        """``contact`` has not answered: see :meth:`Bucket.failed`."""
        if contact.key and contact.key != self.own:
            bucket = self.buckets.get(bucket_index(self.own, contact.key))
            if bucket is not None:
                bucket.failed(contact)

    def closest(self, target: Key, but: Key = "") -> tuple[Contact, ...]:
        """The ``k`` contacts that are closest to ``target``, the closest one first.

        All of one bucket are closer to the target than any of the next one
        (:meth:`closest_buckets`). So the other buckets need no look once ``k`` are found.

        Args:
            target: any key.
            but: a key that is left out: who asks knows itself.
        """
        left_out = number_of(but) if is_key(but) else -1
        close: dict[int, Contact] = {}
        for bucket in self.closest_buckets(target):
            if len(close) >= self.k:
                break
            close |= bucket.contacts
            close.pop(left_out, None)
        return closest_of(close, target, self.k)

    def closest_buckets(self, target: Key) -> list[Bucket]:
        """All buckets, the one with the closest keys to ``target`` first.

        The keys in bucket i are like the own one up to bit i, and differ in that bit. If the target
        differs in that bit too, they are closer to it than the own key is; else they are further
        away. Either way bucket i changes nothing before bit i. So of those that are closer, the one
        with the least i is the closest, and of those that are further away it is the furthest.
        """
        apart = distance(self.own, target)
        closer: list[Bucket] = []
        further: list[Bucket] = []
        for index in sorted(self.buckets):
            differs = apart >> (BITS - 1 - index) & 1
            (closer if differs else further).append(self.buckets[index])
        return closer + further[::-1]


def closest_of(contacts: Mapping[int, Contact], target: Key, count: int) -> tuple[Contact, ...]:
    """So many of ``contacts``, those that are closest to ``target``, the closest one first.

    Distances alone are sorted, for each one leads back to its contact: the exclusive or with the
    same number, done twice, changes nothing.

    Args:
        contacts: by the numbers of their keys.
        target: any key.
        count: how many, if there are so many.
    """
    goal = number_of(target)
    apart = sorted([number ^ goal for number in contacts])[:count]
    return tuple([contacts[each ^ goal] for each in apart])
