"""Graded suite of the lab ``kademlia``, part topologies: what it costs who knows whom."""

from math import log2
from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from common.course.suites.kit import STEADY, Wire, ask_ok, crash
from common.values.units import SECOND
from tests.bonus_overlays.kademlia.lab import KademliaLab

LAB = "kademlia"


def topologies(lab: KademliaLab, seed: int, nodes: int) -> dict[str, Any]:
    """One of each kind."""
    return {
        "ring": lab.ring(nodes),
        "double ring": lab.ring(nodes, 2),
        "tree": lab.tree(nodes),
        "mesh": lab.mesh(nodes),
        "gossip": lab.gossip(nodes, 2, Random(f"gossip/{seed}")),
        "chord": lab.chord(nodes),
    }


def far(graph: Any) -> dict[tuple[int, int], int]:
    """The distances of all pairs, by the dumbest way there is (Floyd and Warshall)."""
    far = {(a, b): 1 for a in graph for b in graph[a]} | {(a, a): 0 for a in graph}
    for middle in graph:
        for a in graph:
            for b in graph:
                if (a, middle) in far and (middle, b) in far:
                    way = far[a, middle] + far[middle, b]
                    far[a, b] = min(way, far.get((a, b), way))
    return far


@graded(points=1, title="Who knows whom", requirement="ring, tree, mesh, gossip, Chord's fingers")
def test_each_topology_has_the_links_that_it_says(lab: KademliaLab, sweep: Sweep) -> None:
    assert lab.ring(4) == {0: [1, 3], 1: [0, 2], 2: [1, 3], 3: [0, 2]}
    assert lab.ring(6, 2)[0] == [1, 2, 4, 5]
    assert lab.tree(6) == {0: [1, 2], 1: [0, 3, 4], 2: [0, 5], 3: [1], 4: [1], 5: [2]}
    assert lab.mesh(3) == {0: [1, 2], 1: [0, 2], 2: [0, 1]}
    assert lab.chord(16)[0] == [1, 2, 4, 8, 12, 14, 15], "1, 2, 4 and 8 after it, and before it"
    assert lab.chord(2) == {0: [1], 1: [0]}
    assert lab.ring(2) == {0: [1], 1: [0]}
    assert lab.chord(9)[0] == [1, 2, 4, 5, 7, 8]
    assert lab.chord(11)[0] == [1, 2, 3, 4, 7, 8, 9, 10], "16 is more than a round"
    for seed in sweep(3):
        graph = lab.gossip(20, 3, Random(seed))
        assert all(node not in known for node, known in graph.items()), "a link to itself"
        assert all(node in graph[other] for node in graph for other in graph[node])
        assert all(len(known) >= 3 for known in graph.values())
        assert sum(len(known) for known in graph.values()) <= 2 * 3 * 20


@graded(points=2, title="Diameters", requirement="n / 2, 2 log2 n, 1, log n, log2 n / 2")
def test_distances_and_diameters_are_those_of_the_shortest_ways(
    lab: KademliaLab, sweep: Sweep
) -> None:
    for seed in sweep(2):
        for name, graph in topologies(lab, seed, 17).items():
            expected = far(graph)
            for start in (0, 5):
                found = lab.distances(graph, start)
                assert found == {b: way for (a, b), way in expected.items() if a == start}, name
            connected = len(expected) == 17 * 17
            assert lab.diameter(graph) == (max(expected.values()) if connected else None), name
    assert [lab.diameter(lab.ring(n)) for n in (2, 9, 64)] == [1, 4, 32]
    assert [lab.diameter(lab.tree(n)) for n in (7, 15, 63)] == [4, 6, 10]
    assert lab.diameter(lab.mesh(20)) == 1
    assert [lab.diameter(lab.chord(n)) for n in (16, 64)] == [2, 3]
    assert lab.diameter({0: [1], 1: [0], 2: []}) is None


@graded(points=2, title="What one failure costs", requirement="a tree is cut, a mesh is not")
def test_a_failure_cuts_a_tree_and_two_a_ring_but_not_what_has_more_links(
    lab: KademliaLab,
) -> None:
    assert lab.without(lab.ring(4), [0]) == {1: [2], 2: [1, 3], 3: [2]}
    assert lab.cut_by(lab.ring(20), [3]) == 0.0, "a line is left"
    assert lab.cut_by(lab.ring(20), [3, 4]) == 0.0, "of two next to each other as well"
    assert lab.cut_by(lab.ring(21), [0, 10]) > 0.45, "two at two places split it"
    double = lab.ring(20, 2)
    assert lab.cut_by(double, [3, 13]) == 0.0, "who knows two after itself can bear it"
    assert lab.cut_by(double, [3, 4, 13]) == 0.0
    assert lab.cut_by(double, [3, 4, 13, 14]) > 0.4, "but not two neighbours, twice"
    assert lab.cut_by(lab.tree(7), [0]) == 1 - 12 / 30
    assert lab.cut_by(lab.tree(7), [6]) == 0.0, "a leaf holds nothing together"
    for graph in lab.mesh(12), lab.chord(12):
        assert all(lab.cut_by(graph, [gone]) == 0.0 for gone in graph)


@graded(points=1, title="Fingers", requirement="Chord 4.3: O(log n) hops")
def test_fingers_halve_the_way_and_a_ring_goes_all_of_it(lab: KademliaLab) -> None:
    ring, chord = lab.ring(64), lab.chord(64)
    assert lab.greedy_hops(ring, 0, 40) == 40, "forward, step by step"
    assert lab.greedy_hops(chord, 5, 5) == 0
    assert lab.greedy_hops(chord, 0, 32) == 1
    assert lab.greedy_hops(chord, 60, 3) == 3, "4, 2 and 1, over the end of the circle"
    hops: list[Any] = [lab.greedy_hops(chord, 0, goal) for goal in range(64)]
    assert max(hops) <= log2(64)
    assert hops[21] == 3, "21 is 16 + 4 + 1"
    assert lab.greedy_hops({0: [], 1: [0], 2: [1]}, 0, 2) is None


@graded(points=2, title="Flooding", requirement="everybody hears once, over the shortest way")
def test_everybody_hears_of_it_over_the_shortest_way_and_for_the_computed_messages(
    lab: KademliaLab, sweep: Sweep
) -> None:
    halves = {0: [1, 2], 1: [0, 2], 2: [0, 1], 3: [4, 5], 4: [3, 5], 5: [3, 4]}
    assert lab.flooding_messages(halves, 0) == 4, "what is not reached sends nothing"
    for seed in sweep(1):
        for name, graph in topologies(lab, seed, 13).items():
            wire = Wire()
            nodes = {
                f"n{node}": lambda id, peers, known=tuple(graph[node]): lab.Flooder(
                    id, peers, neighbours=tuple(f"n{other}" for other in known)
                )
                for node in graph
            }
            simulation = lab.simulation(nodes, seed=seed, link=STEADY, observers=[wire])
            ask_ok(simulation, "n4", lab.Tell("hello"))
            simulation.run(simulation.now + SECOND)
            assert len(wire.of(lab.News)) == lab.flooding_messages(graph, 4), name
            for node, way in lab.distances(graph, 4).items():
                heard = ask_ok(simulation, f"n{node}", lab.Heard())
                assert heard == (("hello", way),), f"{name}: n{node}"
            crash(simulation, "n0")
            ask_ok(simulation, "n4", lab.Tell("again"))
            simulation.run(simulation.now + SECOND)
            reached = lab.distances(lab.without(graph, [0]), 4)
            for node in range(1, 13):
                texts = [text for text, _ in ask_ok(simulation, f"n{node}", lab.Heard())]
                assert ("again" in texts) == (node in reached), f"{name}: n{node} after n0 died"
