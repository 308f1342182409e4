"""Topologies: which nodes have links, and what that costs.

An overlay is a network on top of a network: every node could send to every other one by its
address, but it knows only a few. Which ones it knows decides everything. This file has five ways to
choose, and four questions to ask of each:

* the **diameter**: how many links lie between the two nodes that are farthest from each other;
* the **messages** of a broadcast in which each node tells all its neighbours once (flooding);
* the **hops** of a message that is handed on to the neighbour closest to its goal;
* what **one failure** costs: which part of the others can no longer reach each other.

==========  ==============  ==============  ====================  =====================
topology    links a node    diameter        flooding, messages    one failure
==========  ==============  ==============  ====================  =====================
ring        2               n / 2           n + 1                 a line is left
tree        3 at most       2 log2 n        n - 1                 cuts it, in the middle
mesh        n - 1           1               (n - 1)^2             nothing
gossip      2 f on average  log n / log 2f  some 2 f n            nothing, nearly always
Chord       some 2 log2 n   log2 n / 2      some 2 n log2 n       nothing
==========  ==============  ==============  ====================  =====================

Stoica, Morris, Karger, Kaashoek and Balakrishnan 2001, "Chord", section 4.3 (fingers); Kademlia has
the same idea with another distance.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import TypeAlias

Graph: TypeAlias = Mapping[int, Sequence[int]]
"""The neighbours of each node, in order, without itself and each one once. Links go both ways."""


def ring(nodes: int, successors: int = 1) -> Graph:
    """Each node has links to the next ones after it, so many, round and round. With one, two
    failures at two places split the ring; with r, it takes r next to each other, twice."""
    steps = range(1, successors + 1)
    return linked({node: [(node + step) % nodes for step in steps] for node in range(nodes)})


def tree(nodes: int) -> Graph:
    """A binary tree: node i has a link to its parent (i - 1) // 2; node 0 has none."""
    return linked({node: [(node - 1) // 2] if node else [] for node in range(nodes)})


def mesh(nodes: int) -> Graph:
    """Everybody has a link to everybody."""
    return linked({node: range(nodes) for node in range(nodes)})


def gossip(nodes: int, fanout: int, random: Random) -> Graph:
    """Each node chooses ``fanout`` others by chance; the link goes both ways."""
    return linked(
        {
            node: random.sample([other for other in range(nodes) if other != node], fanout)
            for node in range(nodes)
        }
    )


def chord(nodes: int) -> Graph:
    """Nodes on a circle. Each has links to those 1, 2, 4, 8 ... after it, up to less than a round:
    its *fingers* (Chord, 4.3)."""
    steps = [1 << power for power in range((nodes - 1).bit_length())]
    return linked({node: [(node + step) % nodes for step in steps] for node in range(nodes)})


def linked(chosen: Mapping[int, Sequence[int]]) -> Graph:
    """A graph of links that go both ways, out of the links that each node has chosen."""
    neighbours: dict[int, set[int]] = {node: set() for node in chosen}
    for node, others in chosen.items():
        for other in others:
            if other != node:
                neighbours[node].add(other)
                neighbours[other].add(node)
    return {node: sorted(known) for node, known in neighbours.items()}


def without(graph: Graph, gone: Collection[int]) -> Graph:
    """The graph after the nodes ``gone`` have failed, with all their links."""
    return {
        node: [other for other in known if other not in gone]
        for node, known in graph.items()
        if node not in gone
    }


def distances(graph: Graph, start: int) -> dict[int, int]:
    """How many links lie between ``start`` and each node that can be reached, itself at 0."""
    found = {start: 0}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for other in graph[node]:
            if other not in found:
                found[other] = found[node] + 1
                waiting.append(other)
    return found


def diameter(graph: Graph) -> int | None:
    """The greatest distance of any two nodes; None where some two cannot reach each other."""
    farthest = 0
    for node in graph:
        found = distances(graph, node)
        if len(found) < len(graph):
            return None
        farthest = max(farthest, *found.values())
    return farthest


def flooding_messages(graph: Graph, start: int) -> int:
    """The messages of a broadcast: each node that hears it for the first time tells all its
    neighbours, but for the one from which it heard. ``start`` tells all of its."""
    reached = distances(graph, start)
    return sum(len(graph[node]) for node in reached) - (len(reached) - 1)


def cut_by(graph: Graph, gone: Collection[int]) -> float:
    """Of all pairs of the others, the part that can no longer reach each other once these nodes
    have failed: 0.0 for none. There are at least two others."""
    left = without(graph, gone)
    reached = sum(len(distances(left, node)) - 1 for node in left)
    pairs = len(left) * (len(left) - 1)
    return (pairs - reached) / pairs


def greedy_hops(graph: Graph, start: int, goal: int) -> int | None:
    """The hops of a message on a circle of all nodes: each node hands it on to the neighbour that
    is the fewest steps before the goal, forward round the circle, itself counted.

    None where no neighbour is closer than the node that has it.
    """
    nodes, at, hops = len(graph), start, 0
    while at != goal:
        best = min([at, *graph[at]], key=lambda node: (goal - node) % nodes)
        if best == at:
            return None
        at, hops = best, hops + 1
    return hops
