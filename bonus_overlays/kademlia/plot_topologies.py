"""Topologies side by side: drawn, computed, and measured by flooding in the simulator.

python -m bonus_overlays.kademlia.plot_topologies kademlia-topologies.svg
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import cos, pi, sin
from pathlib import Path
from random import Random

from bonus_overlays.kademlia.flooding import Flooder, News, Tell
from bonus_overlays.kademlia.topologies import (
    Graph,
    chord,
    cut_by,
    diameter,
    distances,
    flooding_messages,
    gossip,
    mesh,
    ring,
    tree,
)
from common.charts.style import STYLE
from common.contract import NodeId
from common.contract.observer import Observer
from common.sim import LinkModel, Simulation
from common.values.units import MS, SECOND

SAME = LinkModel(latency=(1 * MS, 1 * MS))
"""All links are as fast, so the first word that comes has taken a shortest way."""
FANOUT = 2
DRAWN = 16
SIDE, MARGIN = 190, 30


def topologies(nodes: int, seed: int) -> Mapping[str, Graph]:
    """One of each kind, by name."""
    return {
        "ring": ring(nodes),
        "tree": tree(nodes),
        "gossip, 2 by chance": gossip(nodes, FANOUT, Random(f"gossip/{seed}")),
        "Chord's fingers": chord(nodes),
        "mesh": mesh(nodes),
    }


@dataclass(frozen=True, slots=True)
class Costs:
    """What a topology costs; node 0 begins what is measured.

    Attributes:
        links: a node has, on average.
        diameter: computed.
        farthest: computed: the links from node 0 to the node that is farthest from it.
        hops: measured: those over which news of node 0 came to the last node.
        messages: computed, of flooding.
        sent: measured.
        cut: of all pairs, the part that one failure cuts, on average over all nodes.
        worst: and for the worst one.
    """

    links: float
    diameter: int
    farthest: int
    hops: int
    messages: int
    sent: int
    cut: float
    worst: float


class _Counted(Observer):
    """Counts messages."""

    def __init__(self) -> None:
        self.count = 0

    def sent(self, at: int, node: NodeId, to: NodeId, message: object, number: int) -> None:
        """A message leaves."""
        self.count += isinstance(message, News)


def measure(graph: Graph, seed: int) -> Costs:
    """Compute what a topology costs, and let news go round in it."""
    counted = _Counted()
    nodes = {
        f"n{node}": partial(Flooder, neighbours=tuple(f"n{other}" for other in known))
        for node, known in graph.items()
    }
    simulation = Simulation(nodes, seed=seed, link=SAME, observers=[counted])
    simulation.call("n0", Tell("hello"))
    simulation.run(10 * SECOND)
    flooders = [node for node in simulation.nodes.values() if isinstance(node, Flooder)]
    cuts = [cut_by(graph, [gone]) for gone in graph]
    return Costs(
        sum(map(len, graph.values())) / len(graph),
        diameter(graph) or 0,
        max(distances(graph, 0).values()),
        max(flooder.hops["hello"] for flooder in flooders if flooder.hops),
        flooding_messages(graph, 0),
        counted.count,
        sum(cuts) / len(cuts),
        max(cuts),
    )


def drawing(seed: int, nodes: int = DRAWN) -> str:
    """All topologies of so many nodes beside each other, as SVG."""
    parts = []
    for place, (name, graph) in enumerate(topologies(nodes, seed).items()):
        costs = measure(graph, seed)
        told = f"diameter {costs.diameter}, {costs.sent} messages, one failure cuts {costs.cut:.0%}"
        parts.append(f'<g transform="translate({place * (SIDE + MARGIN)} 0)">')
        parts.append(_text(SIDE / 2 + MARGIN / 2, 18, name, 15))
        parts.append(_text(SIDE / 2 + MARGIN / 2, SIDE + 62, told.partition(", one")[0], 11))
        parts.append(_text(SIDE / 2 + MARGIN / 2, SIDE + 78, "one" + told.partition("one")[2], 11))
        parts += _graph(graph)
        parts.append("</g>")
    width, height = 5 * (SIDE + MARGIN), SIDE + 90
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif">{STYLE}<rect class="paper" width="100%" '
        f'height="100%"/>{"".join(parts)}</svg>'
    )


def _graph(graph: Graph) -> list[str]:
    is_tree = sum(map(len, graph.values())) == 2 * (len(graph) - 1)
    spots = _levels(graph) if is_tree else {node: _spot(node, len(graph)) for node in graph}
    lines = [
        f'<line x1="{spots[a][0]:.1f}" y1="{spots[a][1]:.1f}" x2="{spots[b][0]:.1f}" '
        f'y2="{spots[b][1]:.1f}" stroke="var(--c0)" stroke-width="1" opacity="0.7"/>'
        for a in graph
        for b in graph[a]
        if a < b
    ]
    dots = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="var(--c1)"/>' for x, y in spots.values()
    ]
    return lines + dots


def _levels(graph: Graph) -> dict[int, tuple[float, float]]:
    """Where the nodes of a tree are drawn: node 0 at the top, and the others by their distance."""
    away = distances(graph, 0)
    spots: dict[int, tuple[float, float]] = {}
    for level in range(max(away.values()) + 1):
        row = [node for node in graph if away[node] == level]
        for place, node in enumerate(row):
            x = MARGIN / 2 + SIDE * (place + 0.5) / 2**level
            spots[node] = x, 30 + (SIDE - 14) * level / max(away.values())
    return spots


def _spot(node: int, nodes: int) -> tuple[float, float]:
    """Where a node is drawn: all are on a circle, the first one at the top."""
    angle = 2 * pi * node / nodes - pi / 2
    middle, radius = SIDE / 2 + MARGIN / 2, SIDE / 2 - 6
    return middle + radius * cos(angle), middle + 22 + radius * sin(angle)


def _text(x: float, y: float, text: str, size: int) -> str:
    look = f'font-size="{size}" text-anchor="middle" fill="var(--ink)"'
    return f'<text x="{x}" y="{y}" {look}>{text}</text>'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(drawing(7), encoding="utf-8")
