"""What is kept under a key, and who may change it, when anybody may write.

In the paper anybody stores anything under any key, and the last one wins. Nobody can run that among
strangers. So a key says what may be under it, and each node that holds or gets a value can check
it, and needs to trust nobody (BEP 44, "Storing arbitrary data in the DHT", 2014):

* an :class:`Immutable` value is kept under its own SHA-1. It cannot be forged, and never changes.
* a :class:`Mutable` one is kept under the SHA-1 of its owner's public key and a *salt*, which names
  one of the owner's values. It is signed by the owner. Its sequence number says which of two is
  newer: an old one is signed as well, so anybody can bring it back, and must not succeed.

Two writers that both have the owner's key read number 7, and both write number 8. That is what
``cas`` (compare and swap) is for: the number that the writer has read. The value is only replaced
while it has this number.

The errors have the numbers that BEP 44 gives them.
"""

import re
from typing import TypeAlias

from bonus_overlays.kademlia.buckets import Key, key_of
from common.contract import Signed, record

MOST_DATA = 1_000
"""Bytes in one value: it has to fit into a datagram (BEP 44)."""
MOST_SALT = 64
MOST_SEQ = 2**63 - 1

KEY_NAME = "ed25519:"
"""A signer's name that is its own public key of 32 bytes, in hexadecimal digits behind this."""
_KEY_IN_NAME = re.compile(f"{KEY_NAME}([0-9a-f]{{64}})")

WRONG = 203
TOO_LARGE = 205
BAD_SIGNATURE = 206
SALT_TOO_LARGE = 207
NOT_AS_READ = 301
TOO_OLD = 302


@record
class Immutable:
    """A value that is its own key."""

    data: bytes


@record
class Version:
    """What an owner signs: the value, its number, and which of the owner's values it is."""

    salt: bytes
    seq: int
    data: bytes


@record
class Mutable:
    """A Version, signed by its owner."""

    signed: Signed


Item: TypeAlias = Immutable | Mutable


@record
class Objection:
    """Why something is not stored: a number for programs, a sentence for people."""

    code: int
    text: str


def key_of_owned(owner: str, salt: bytes) -> Key:
    """The key of an owner's value: the SHA-1 of the public key, and the salt behind it.

    An owner whose name is no public key has its name in place of one.
    """
    return key_of((public_key_in(owner) or owner.encode()) + salt)


def public_key_in(owner: str) -> bytes:
    """The public key that an owner's name is (:data:`KEY_NAME`); b"" where it is none."""
    found = _KEY_IN_NAME.fullmatch(owner)
    return bytes.fromhex(found[1]) if found else b""


def version_of(item: Mutable) -> Version:
    """What is signed in it. If it is no Version: one that :func:`objection_to` objects to."""
    content = item.signed.content
    return content if isinstance(content, Version) else Version(b"", -1, b"")


def key_of_item(item: Item) -> Key:
    """Where an item is kept: it says so itself, so nobody can store it anywhere else."""
    if isinstance(item, Immutable):
        return key_of(item.data)
    return key_of_owned(item.signed.signer, version_of(item).salt)


def data_of(item: Item) -> bytes:
    """The value in an item."""
    return item.data if isinstance(item, Immutable) else version_of(item).data


def objection_to(item: Item, verified: bool) -> Objection | None:
    """What is wrong with an item in itself, from any node; None if nothing is.

    In this order: more than :data:`MOST_DATA` bytes; more than :data:`MOST_SALT` bytes of salt; a
    sequence number below 0 or above :data:`MOST_SEQ`; a signature that is not its owner's. In an
    Immutable only the first can be wrong.

    Args:
        item: the item.
        verified: whether its signature is that of its signer; an Immutable has none.
    """
    if len(data_of(item)) > MOST_DATA:
        return Objection(TOO_LARGE, f"the value has more than {MOST_DATA} bytes: store less")
    if isinstance(item, Immutable):
        return None
    version = version_of(item)
    if len(version.salt) > MOST_SALT:
        return Objection(SALT_TOO_LARGE, f"the salt has more than {MOST_SALT} bytes: take less")
    if not 0 <= version.seq <= MOST_SEQ:
        return Objection(WRONG, f"the sequence number is not from 0 to {MOST_SEQ}")
    if not verified:
        return Objection(BAD_SIGNATURE, "the signature is not that of the owner over this value")
    return None


def objection_to_replacing(old: Item | None, new: Item, cas: int | None) -> Objection | None:
    """Why ``new`` may not take the place of ``old``, which has the same key; None if it may.

    An Immutable replaces only itself, which changes nothing. A Mutable must have a number at least
    as great as the old one's, and with the same number the same data. If the writer has named the
    number that it has read, the old one must have that number; where nothing is kept, it replaces
    nothing, and may come.
    """
    if not isinstance(old, Mutable) or not isinstance(new, Mutable):
        return None
    was, comes = version_of(old), version_of(new)
    if cas is not None and cas != was.seq:
        return Objection(NOT_AS_READ, f"the value has number {was.seq}, not {cas}: read it again")
    if comes.seq < was.seq:
        return Objection(TOO_OLD, f"number {comes.seq} is older than {was.seq}, which is here")
    if comes.seq == was.seq and comes.data != was.data:
        return Objection(TOO_OLD, f"another value has number {was.seq} already: take a greater one")
    return None


def newer_of(one: Item | None, other: Item) -> Item:
    """The one of two items of a key to believe: the greater number, or ``one`` if equal.

    If there is no ``one``, it is the other.
    """
    if one is None:
        return other
    if isinstance(one, Mutable) and isinstance(other, Mutable):
        return other if version_of(other).seq > version_of(one).seq else one
    return one
