"""What a node has on disk, and what nodes and clients say to each other."""

from collections.abc import Mapping
from typing import Any

from common.contract import Node, NodeId, message, operation, record
from stage3_partitioning.dynamo.ring import Ring
from stage3_partitioning.dynamo.versions import Version, Versions, context_of, joined
from stage3_partitioning.multileader.versions import Vector, count, merged

# What a person asks of a client.


@operation
class Put:
    """Write ``value``. Ends with Ok() when W nodes have it on disk."""

    key: str
    value: str


@operation
class Get:
    """What is there? Ends with Ok(values): all that nobody has replaced, by R nodes' word."""

    key: str


# What goes from a client to a node, and back.


@message
class PutRequest:
    """Write ``value`` in the place of what ``context`` has seen."""

    number: int
    key: str
    value: str
    context: Vector


@message
class PutDone:
    """It is on W disks. There is no context in this: see ``versions.py``."""

    number: int


@message
class GetRequest:
    """What is there?"""

    number: int
    key: str


@message
class Got:
    """These values, each once; hand ``context`` back with the next write of the key."""

    number: int
    values: tuple[str, ...]
    context: Vector


@message
class NotMine:
    """This node does not answer for the key: ask a home of it."""

    number: int


# What nodes say to each other.


@message
class Keep:
    """Keep these versions. ``home`` is whom they are for: you, or somebody you stand in for.

    Attributes:
        round: of the sender, to be repeated in the answer; 0 if no answer is wanted.
    """

    round: int
    key: str
    versions: Versions
    home: NodeId


@message
class Kept:
    """What came with this round is on my disk."""

    round: int


@message
class Ask:
    """Which versions have you got?"""

    round: int
    key: str


@message
class Found:
    """These; none, if I have none."""

    round: int
    versions: Versions


@record
class Held:
    """A key on disk: who this node is as an actor for it, and the versions."""

    actor: str
    versions: Versions


class Keeper(Node):
    """A node that keeps versions on disk; who should have them is up to subclasses.

    Args:
        id, peers: its name, and those of the others.
        n: how many homes a key has.
        inside: who is on the ring in the beginning; all nodes unless given.
    """

    def __init__(
        self, id: NodeId, peers: tuple[NodeId, ...], *, n: int = 3, inside: tuple[NodeId, ...] = ()
    ) -> None:
        super().__init__(id, peers)
        self.n = n
        self.ring = Ring(inside or (id, *peers))
        self.held: dict[str, Held] = {}
        """What is on disk here, by key."""
        self.births = 0
        """How often this node has begun to have a key. It only grows, over crashes too."""

    def status(self) -> Mapping[str, object]:
        """How many keys are here, and how many of them are not at home."""
        away = sum(self.id not in self.homes(key) for key in self.held)
        return {"keys": len(self.held), "standing in": away}

    def on_start(self) -> None:
        """Take from disk what is there."""
        saved: Mapping[Any, Any] = self.saved
        self.births = saved.get("births", 0)
        self.held = {key[1]: held for key, held in saved.items() if key[0] == "held"}

    def homes(self, key: str) -> tuple[NodeId, ...]:
        """The key's homes, by the ring that this node knows."""
        return self.ring.homes(key, self.n)

    def versions(self, key: str) -> Versions:
        """The versions that are here; none, if there are none."""
        return self.held[key].versions if key in self.held else ()

    def keep(self, key: str, versions: Versions) -> None:
        """Join ``versions`` with those that are here, and save them under ("held", key).

        Nothing is saved if nothing is new. A key that is not here begins with a new actor: the
        node's name and its next birth, which is saved under "births".
        """
        if key not in self.held:
            self.births += 1
            self.save("births", self.births)
            self.held[key] = Held(f"{self.id}/{self.births}", ())
        held = self.held[key]
        now = joined(held.versions, versions)
        if now != held.versions:
            self.held[key] = Held(held.actor, now)
            self.save(("held", key), self.held[key])

    def write(self, key: str, value: str, context: Vector) -> None:
        """Make a new version here, and keep it.

        Its number is one more than any that this actor has given: what is here has all of the
        actor's versions, or has seen them.
        """
        self.keep(key, ())
        held = self.held[key]
        known = merged([context_of(held.versions), context])
        version = Version(value, held.actor, count(known, held.actor) + 1, context)
        self.keep(key, (version,))

    def drop(self, key: str) -> None:
        """Have the key no more."""
        if key in self.held:
            del self.held[key]
            self.forget(("held", key))
