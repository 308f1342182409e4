"""Versions of a value: which one replaces which, and what a client has to bring back.

DeCandia et al. 2007, section 4.4. A read returns all values that nobody has replaced, and a
*context*. The client hands the context back with its next write, untouched. It says what the client
had been shown: those values are replaced, and no others.

A version has a *dot* of its own (Preguiça et al. 2010): the actor that made it, and that actor's
number. Two clients that were shown the same, and write at the same node, make two versions, and
neither replaces the other. The paper's vector clocks cannot tell these two apart. For the same
reason a write returns no context. "Up to number 5" would name the other client's number 4 too, and
the writer was never shown that. To replace what is there, look first.

**Actors.** A context says "all of this actor's versions up to number 5". So the versions of an
actor must never be apart: a node that has its fifth has its fourth, or knows what has replaced it.
A node therefore sends all versions that it has of a key, never one alone. And an actor is not a
node. It is a node *since it has the key*: a node that has given a key away, and gets it again, has
forgotten its earlier versions, and begins as another actor. Riak learned this the hard way (riak_kv
issue 679): a node came back empty, gave the same dots again, and new values vanished.
"""

from collections.abc import Sequence
from typing import TypeAlias

from common.contract import record
from stage3_partitioning.multileader.versions import Vector, count, merged


@record
class Version:
    """One value of a key.

    Attributes:
        value: what was written.
        actor: who has made the version: a node, since it has the key.
        number: the how-manieth version of this actor, from 1.
        seen: the context that came with the write.
    """

    value: str
    actor: str
    number: int
    seen: Vector


Versions: TypeAlias = tuple[Version, ...]
"""Versions of one key that do not replace each other, in order of actor and number."""


def replaces(new: Version, old: Version) -> bool:
    """Whether the author of ``new`` had been shown ``old``, or what has replaced it."""
    return count(new.seen, old.actor) >= old.number


def joined(one: Versions, other: Versions) -> Versions:
    """What two nodes have together: all versions that none of the others replaces, each once.

    It does not matter which of the two comes first, and joining the same again changes nothing.
    """
    found = {(each.actor, each.number): each for each in (*one, *other)}
    left = [
        each for each in found.values() if not any(replaces(new, each) for new in found.values())
    ]
    return tuple(sorted(left, key=lambda each: (each.actor, each.number)))


def context_of(versions: Sequence[Version]) -> Vector:
    """What a client has seen that was shown these versions: each of them, and all they had seen."""
    dots: list[Vector] = [((each.actor, each.number),) for each in versions]
    return merged([*dots, *(each.seen for each in versions)])
