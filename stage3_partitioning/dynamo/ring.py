"""The ring: which nodes keep a key, and who comes after them.

DeCandia et al. 2007, "Dynamo: Amazon's highly available key-value store", sections 4.2 and 4.3. The
hash of a key is a place on a ring, and each node has many places on it. A walk clockwise from the
key's place meets all nodes, in an order of the key's own: its *preference list*. The first N of
them are the key's *homes*. The others stand in where a home does not answer.

A node has many places, so two places that follow each other may be of one node. A list of places
would then have the same machine twice, and what was to be three copies is two. So the walk skips
every node that it has met.
"""

from bisect import bisect_left
from collections.abc import Iterable
from hashlib import sha256

from common.contract import NodeId

POINTS = 32
"""Places of each node on the ring. The more, the more evenly keys are spread."""


def place_of(text: str) -> int:
    """The place of a key, or of a node's point, on the ring: a number of 64 bits."""
    return int.from_bytes(sha256(text.encode()).digest()[:8])


class Ring:
    """Nodes on a ring.

    Args:
        nodes: who is on it; their order does not matter.
        points: places of each.
    """

    def __init__(self, nodes: Iterable[NodeId], points: int = POINTS) -> None:
        self._nodes = sorted(set(nodes))
        self._places = sorted(
            (place_of(f"{node}/{number}"), node) for node in self._nodes for number in range(points)
        )

    def walk(self, key: str) -> tuple[NodeId, ...]:
        """All nodes, each once, in the order in which a walk clockwise from the key meets them.

        A place that is just the key's own is met first.
        """
        begin = bisect_left(self._places, (place_of(key), ""))
        met: dict[NodeId, None] = {}
        for _, node in [*self._places[begin:], *self._places[:begin]]:
            met.setdefault(node)
            if len(met) == len(self._nodes):
                break
        return tuple(met)

    def homes(self, key: str, count: int) -> tuple[NodeId, ...]:
        """The first ``count`` nodes of the walk; all of them, if there are fewer."""
        return self.walk(key)[:count]
