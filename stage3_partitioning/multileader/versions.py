"""Vectors of versions: which writes had heard of which, and which had not.

Parker et al. 1983, "Detection of mutual inconsistency in distributed systems". Each leader numbers
its own writes 1, 2, 3 and so on. A *vector* says for each leader how many of its writes something
has heard of. So it names a whole past with one number a leader, because a leader's writes are heard
of in their order and none is left out.

A write carries the vector of what its author had *seen*. Then, of two writes of one key:

* one *replaces* the other if its author had seen the other: it was meant to;
* they are *concurrent* if neither author had seen the other's write. That is a conflict. No clock
  can tell this, however exact: a later time says nothing about what its author knew.
"""

from collections.abc import Iterable
from typing import TypeAlias

from common.contract import NodeId, record

Vector: TypeAlias = tuple[tuple[NodeId, int], ...]
"""(leader, count) by name in order, without zeros: equal pasts are equal values."""


@record
class Write:
    """One write, as every leader keeps it.

    Attributes:
        leader: where it was written.
        number: the how-manieth write of that leader it is, from 1.
        after: all that its leader had when it was written, of every key.
        seen: what its author had seen of this key.
        key: what was written to.
        value: what was written.
        at: its time stamp, in microseconds; only ``latest.py`` asks for it.
    """

    leader: NodeId
    number: int
    after: Vector
    seen: Vector
    key: str
    value: str
    at: int


def count(vector: Vector, leader: NodeId) -> int:
    """How many writes of ``leader`` the vector has heard of; 0 where it does not name it."""
    return dict(vector).get(leader, 0)


def covers(vector: Vector, other: Vector) -> bool:
    """Whether ``vector`` has heard of all that ``other`` has heard of."""
    heard = dict(vector)
    return all(heard.get(leader, 0) >= number for leader, number in other)


def merged(vectors: Iterable[Vector]) -> Vector:
    """The least vector that covers all these; () for none of them."""
    most: dict[NodeId, int] = {}
    for vector in vectors:
        for leader, number in vector:
            most[leader] = max(most.get(leader, 0), number)
    return tuple(sorted(most.items()))


def replaces(new: Write, old: Write) -> bool:
    """Whether the author of ``new`` had seen ``old``. (No write has seen itself.)"""
    return count(new.seen, old.leader) >= old.number


def concurrent(one: Write, other: Write) -> bool:
    """Whether these are two writes, and neither author had seen the other's."""
    if (one.leader, one.number) == (other.leader, other.number):
        return False
    return not replaces(one, other) and not replaces(other, one)


def kept(siblings: tuple[Write, ...], write: Write) -> tuple[Write, ...]:
    """What is left of the writes of a key when one more arrives, in order of leader and number.

    Whatever the new one replaces goes. If one that is there replaces the new one, or is the same,
    the new one has nothing to say. So what is kept is concurrent, each write with each other one;
    and it does not depend on the order in which writes arrive.
    """
    if any(replaces(old, write) or old == write for old in siblings):
        return siblings
    left = [old for old in siblings if not replaces(write, old)]
    return tuple(sorted([*left, write], key=lambda each: (each.leader, each.number)))
