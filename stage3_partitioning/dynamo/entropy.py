"""Anti-entropy: two nodes find what they have differently, by trees of digests.

DeCandia et al. 2007, section 4.7, and Merkle 1987. Hints may be lost with the node that keeps them,
and a key that nobody reads is never repaired. So now and then a node compares with another one all
keys that both are homes of. To send them all would cost too much. A *tree* has a digest for each
part of the ring, made from the digests of the parts of that part. Where two digests are equal, so
is everything below, and nothing more is sent. Where they differ, the next level is compared; at a
leaf the versions themselves are exchanged. So a difference costs a few messages for each level,
however many keys there are.
"""

from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any

from common.contract import NodeId, message, on, timer
from common.values.units import MS
from stage3_partitioning.dynamo.handoff import Helper
from stage3_partitioning.dynamo.ring import place_of
from stage3_partitioning.dynamo.versions import Versions

DIGITS = "0123456789abcdef"
DEPTH = 3
"""Levels below the root: 16, 256, 4,096 parts of the ring."""

COMPARE_EVERY = 500 * MS
"""How long a node waits before it compares with somebody again."""


@message
class Compare:
    """These are my digests of the 16 parts of ``prefix``, of the keys that we both are homes of."""

    prefix: str
    digests: tuple[str, ...]


@message
class Exchange:
    """These are my keys in the leaf ``prefix``.

    Attributes:
        wants_answer: whether the sender wants to be sent what it has otherwise, or lacks.
    """

    prefix: str
    items: tuple[tuple[str, Versions], ...]
    wants_answer: bool


@timer
class CompareAgain:
    """It is time to compare with somebody."""


class Tree:
    """Digests of keys and their versions, for each part of the ring.

    A part is named by the first hexadecimal digits of the places in it: "" is the whole ring.

    Args:
        items: the versions of each key.
    """

    def __init__(self, items: Mapping[str, Versions]) -> None:
        self._items = dict(items)

    @cached_property
    def leaves(self) -> dict[str, list[str]]:
        """By leaf, its keys in order of the alphabet."""
        found: dict[str, list[str]] = {}
        for key in sorted(self._items):
            found.setdefault(f"{place_of(key):016x}"[:DEPTH], []).append(key)
        return found

    @cached_property
    def digests(self) -> dict[str, str]:
        """By part, its digest; a part without keys has none.

        A leaf's is made of its keys and of the actors and numbers of their versions, any other
        part's of the digests of the parts in it, in their order.
        """
        found: dict[str, str] = {}
        for leaf, keys in self.leaves.items():
            dots = [(key, [(v.actor, v.number) for v in self._items[key]]) for key in keys]
            found[leaf] = digest_of(repr(dots))
        for depth in reversed(range(DEPTH)):
            for prefix in sorted({leaf[:depth] for leaf in self.leaves}):
                below = [found.get(prefix + digit, "") for digit in DIGITS]
                found[prefix] = digest_of(" ".join(below))
        return found

    def digest(self, prefix: str) -> str:
        """The digest of a part; "" for one without keys."""
        return self.digests.get(prefix, "")

    def below(self, prefix: str) -> tuple[str, ...]:
        """The digests of the 16 parts of a part."""
        return tuple(self.digest(prefix + digit) for digit in DIGITS)

    def items(self, leaf: str) -> tuple[tuple[str, Versions], ...]:
        """The keys of a leaf with their versions."""
        return tuple((key, self._items[key]) for key in self.leaves.get(leaf, ()))


def digest_of(text: str) -> str:
    """16 hexadecimal digits that are hardly ever the same for two texts."""
    return sha256(text.encode()).hexdigest()[:16]


class Comparer(Helper):
    """A node that compares with others.

    Args:
        id, peers, options: as for :class:`~stage3_partitioning.dynamo.handoff.Helper`.
        compare_every: in microseconds, between two comparisons that this node begins.
    """

    def __init__(
        self,
        id: NodeId,
        peers: tuple[NodeId, ...],
        *,
        compare_every: int = COMPARE_EVERY,
        **options: Any,
    ) -> None:
        super().__init__(id, peers, **options)
        self.compare_every = compare_every

    def on_start(self) -> None:
        """Begin to compare, too."""
        super().on_start()
        self.set_timer(self.compare_every, CompareAgain())

    def shared(self, peer: NodeId) -> Tree:
        """The tree of all keys here of which this node and ``peer`` both are homes."""
        both = {self.id, peer}
        return Tree(
            {key: held.versions for key, held in self.held.items() if both <= {*self.homes(key)}}
        )

    @on(CompareAgain)
    def compare_again(self, timer: CompareAgain) -> None:
        """Send somebody, chosen by chance, the digests of the whole ring's parts."""
        peer = self.random.choice(self.peers)
        self.send(peer, Compare("", self.shared(peer).below("")))
        self.set_timer(self.compare_every, CompareAgain())

    @on(Compare)
    def compare_received(self, compare: Compare, sender: NodeId) -> None:
        """For each part whose digest is another one here: go on below it, or exchange a leaf."""
        tree = self.shared(sender)
        for digit, digest in zip(DIGITS, compare.digests, strict=False):
            part = compare.prefix + digit
            if tree.digest(part) == digest:
                continue
            if len(part) < DEPTH:
                self.send(sender, Compare(part, tree.below(part)))
            else:
                self.send(sender, Exchange(part, tree.items(part), wants_answer=True))

    @on(Exchange)
    def exchange_received(self, exchange: Exchange, sender: NodeId) -> None:
        """Keep what came, if this node is a home of it. Answer, if that is wanted, with what the
        sender lacks or has otherwise."""
        for key, versions in exchange.items:
            if self.id in self.homes(key):
                self.keep(key, versions)
        if exchange.wants_answer:
            theirs = dict(exchange.items)
            news = [
                (key, versions)
                for key, versions in self.shared(sender).items(exchange.prefix)
                if theirs.get(key) != versions
            ]
            if news:
                self.send(sender, Exchange(exchange.prefix, tuple(news), wants_answer=False))
