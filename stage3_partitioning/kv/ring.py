"""Consistent hashing with virtual nodes.

Karger, Lehman, Leighton, Panigrahy, Levine, Lewin 1997, "Consistent hashing and random trees",
section 4: put the nodes on a circle by their hashes, put a key on it by its own hash, and walk on
to the first node. A node that comes takes keys from its one neighbour and from nobody else; a node
that goes leaves them to that neighbour. With one point for each node the shares differ a lot: the
largest is about log n times the mean. So each node has many points, *virtual nodes* (section 4 has
m log n copies; DeCandia and others 2007, "Dynamo", section 4.2, calls them tokens). With v points
each, a share differs from the mean by about 1 in the square root of v.

``owner`` is called for each key of each request, so the circle is a sorted row of hashes: one hash
and one binary search, nothing else.
"""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b

from common.contract import NodeId
from common.values.errors import BadInput
from stage3_partitioning.kv.partitioners import HASH_BYTES, Partitioner, stable_hash

VIRTUAL_NODES = 100
"""Points on the circle for each node, unless told otherwise."""

Point = tuple[bytes, NodeId]
"""A place on the circle, and whose it is. Points are compared as tuples: should two nodes hash to
one place, all machines still agree on their order."""


class RingPartitioner(Partitioner):
    """The circle.

    Args:
        nodes: the nodes.
        virtual_nodes: how many points each of them has.

    Attributes:
        points: all points in the order of the circle.
    """

    def __init__(self, nodes: Sequence[NodeId], virtual_nodes: int = VIRTUAL_NODES) -> None:
        super().__init__(nodes)
        if virtual_nodes < 1:
            raise BadInput(f"a node needs a point on the circle, not {virtual_nodes}")
        self.virtual_nodes = virtual_nodes
        self.points = sorted(
            point for node in self.nodes for point in points_of(node, virtual_nodes)
        )
        self._places = [place for place, _ in self.points]
        self._owners = [node for _, node in self.points]
        self._owners.append(self._owners[0])  # beyond the last point comes the first: a circle

    def owner(self, key: bytes) -> NodeId:
        """The node of the first point after the key's place on the circle."""
        place = blake2b(key, digest_size=HASH_BYTES).digest()  # stable_hash, without the call
        return self._owners[bisect_right(self._places, place)]

    def successors(self, key: bytes, count: int) -> tuple[NodeId, ...]:
        """The first ``count`` different nodes after the key's place, its owner first.

        Dynamo's *preference list* (section 4.3): where the copies of a key go. Points of a node
        that is in the list already are passed over. Fewer where there are fewer nodes.
        """
        start = bisect_right(self._places, stable_hash(key))
        found: list[NodeId] = []
        for step in range(len(self.points)):
            if len(found) >= min(count, len(self.nodes)):
                break
            node = self._owners[(start + step) % len(self.points)]
            if node not in found:
                found.append(node)
        return tuple(found)

    def with_node(self, node: NodeId) -> "RingPartitioner":
        """The circle with the points of one more node; all others stay where they are."""
        return RingPartitioner(self.nodes_with(node), self.virtual_nodes)

    def without_node(self, node: NodeId) -> "RingPartitioner":
        """The circle without the points of a node."""
        return RingPartitioner(self.nodes_without(node), self.virtual_nodes)


def points_of(node: NodeId, count: int) -> list[Point]:
    """The points of a node: they depend on its name alone, so that nobody else's ever move."""
    return [(stable_hash(f"{node}#{number}".encode()), node) for number in range(count)]
