"""Who holds which key? One interface, and its two oldest answers: by hash, and by range.

A *partitioner* maps each key to one of several nodes. It is a value: adding or removing a node
gives another partitioner, and what lies between the two is what has to move over the network.
Three things are asked of it:

* *balance*: each node gets about its share of the keys;
* *little movement*: when the n-th node comes, about 1/n of the keys move, and all of them to it;
* *agreement*: everybody who computes it gets the same answer. So there is no ``hash()``: its values
  for text differ from process to process.

The others are in ``ring.py`` (consistent hashing) and ``slots.py`` (hash slots).
"""

from abc import ABC, abstractmethod
from bisect import bisect_right, insort
from collections.abc import Sequence
from hashlib import blake2b

from common.contract import NodeId
from common.values.errors import BadInput

HASH_BYTES = 8
"""64 bits: of a billion keys, the chance that any two share a hash is about one in forty."""


def stable_hash(key: bytes) -> bytes:
    """The hash of a key, the same on every machine and in every process; compare it as bytes.

    BLAKE2b spreads keys evenly whatever they look like, as Karger's analysis demands of a hash. A
    cheap checksum does not: keys that differ in one digit would be neighbours.
    """
    return blake2b(key, digest_size=HASH_BYTES).digest()


class Partitioner(ABC):
    """Maps keys to nodes.

    Attributes:
        nodes: the nodes, in the order in which they came; never empty, none twice.
    """

    def __init__(self, nodes: Sequence[NodeId]) -> None:
        self.nodes = tuple(nodes)
        if not self.nodes:
            raise BadInput("somebody has to hold the keys: name at least one node")
        if len(set(self.nodes)) < len(self.nodes):
            raise BadInput(f"a node is named twice in {', '.join(self.nodes)}")

    @abstractmethod
    def owner(self, key: bytes) -> NodeId:
        """The node that holds ``key``."""

    @abstractmethod
    def with_node(self, node: NodeId) -> "Partitioner":
        """The partitioner once ``node`` has come.

        Raises:
            BadInput: it is there already.
        """

    @abstractmethod
    def without_node(self, node: NodeId) -> "Partitioner":
        """The partitioner once ``node`` has gone.

        Raises:
            BadInput: it is not there, or it is the last: nobody would hold the keys.
        """

    def nodes_with(self, node: NodeId) -> tuple[NodeId, ...]:
        """The nodes and ``node``; raises BadInput if it is there already."""
        if node in self.nodes:
            raise BadInput(f"{node} holds keys already")
        return (*self.nodes, node)

    def nodes_without(self, node: NodeId) -> tuple[NodeId, ...]:
        """The nodes but ``node``; raises BadInput if it is not there, or alone."""
        if node not in self.nodes:
            raise BadInput(f"{node} holds no keys: {', '.join(self.nodes)} do")
        if len(self.nodes) == 1:
            raise BadInput(f"{node} is the only owner: its keys would have nowhere to go")
        return tuple(other for other in self.nodes if other != node)


class ModuloPartitioner(Partitioner):
    """``hash(key) mod n``: perfectly balanced, and nearly nothing stays where it was.

    A key stays when the n-th node comes only if its hash has the same remainder for both numbers of
    nodes, which one in n does: of ten nodes and an eleventh, ten keys in eleven move.
    """

    def owner(self, key: bytes) -> NodeId:
        """The node whose place is the remainder of the key's hash."""
        return self.nodes[int.from_bytes(stable_hash(key), "big") % len(self.nodes)]

    def with_node(self, node: NodeId) -> "ModuloPartitioner":
        """One more node, at the end."""
        return ModuloPartitioner(self.nodes_with(node))

    def without_node(self, node: NodeId) -> "ModuloPartitioner":
        """One node less; those behind it move up."""
        return ModuloPartitioner(self.nodes_without(node))


class RangePartitioner(Partitioner):
    """By range: each node holds the keys from one bound up to the next, in the keys' own order.

    Neighbouring keys are on one node, so a question about a range asks few nodes; BigTable, HBase
    and MongoDB's ranged sharding do this. The price: bounds have to follow the keys. Keys that
    come in order (times, counters) all go to the last range.

    Args:
        nodes: by range, who holds it, in order; a node may hold several.
        bounds: the first key of each range but the first, strictly increasing.
    """

    def __init__(self, nodes: Sequence[NodeId], bounds: Sequence[bytes]) -> None:
        super().__init__(tuple(dict.fromkeys(nodes)))
        self.holders = tuple(nodes)
        self.bounds = tuple(bounds)
        if len(self.bounds) != len(self.holders) - 1:
            raise BadInput(f"{len(self.holders)} ranges have {len(self.holders) - 1} bounds")
        if any(one >= other for one, other in zip(self.bounds, self.bounds[1:], strict=False)):
            raise BadInput("the bounds of ranges have to increase")

    def owner(self, key: bytes) -> NodeId:
        """The node of the range that the key is in; a bound belongs to the range that it opens."""
        return self.holders[bisect_right(self.bounds, key)]

    def split(self, bound: bytes, node: NodeId) -> "RangePartitioner":
        """Cut a range in two at ``bound``: what is from there on to its end goes to ``node``.

        Raises:
            BadInput: there is such a bound already.
        """
        if bound in self.bounds:
            raise BadInput(f"a range begins at {bound!r} already")
        bounds = list(self.bounds)
        insort(bounds, bound)
        place = bounds.index(bound) + 1
        return RangePartitioner((*self.holders[:place], node, *self.holders[place:]), bounds)

    def with_node(self, node: NodeId) -> "RangePartitioner":
        """The new node takes the upper half of the last range, as far as bounds tell.

        Where the keys are, a partitioner cannot know: with a sample of them, use :meth:`split` at
        the median of the fullest range.
        """
        self.nodes_with(node)
        last = self.bounds[-1] if self.bounds else b""
        return self.split(last + b"\x80", node)

    def without_node(self, node: NodeId) -> "RangePartitioner":
        """Each range of the node goes to the one before it, the first to the one after it.

        Two ranges of one node that meet become one.
        """
        self.nodes_without(node)
        kept = [each for each in self.holders if each != node]
        heirs, last = [], kept[0]
        for holder in self.holders:
            last = last if holder == node else holder
            heirs.append(last)
        nodes, bounds = [heirs[0]], []
        for heir, bound in zip(heirs[1:], self.bounds, strict=True):
            if heir != nodes[-1]:
                nodes.append(heir)
                bounds.append(bound)
        return RangePartitioner(nodes, bounds)


def fitted_ranges(nodes: Sequence[NodeId], sample: Sequence[bytes]) -> RangePartitioner:
    """Ranges that share a sample of the keys evenly, one for each node.

    Raises:
        BadInput: the sample has fewer different keys than there are nodes.
    """
    keys = sorted(set(sample))
    if len(keys) < len(nodes):
        raise BadInput(f"{len(keys)} keys cannot be cut into {len(nodes)} ranges")
    cuts = [keys[len(keys) * number // len(nodes)] for number in range(1, len(nodes))]
    return RangePartitioner(nodes, cuts)
