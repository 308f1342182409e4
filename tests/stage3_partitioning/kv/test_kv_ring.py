"""Graded suite of the lab ``kv``, first part: a ring, and what moves when a node comes."""

from typing import Any

from common.course.suites.grading import graded
from tests.stage3_partitioning.kv.lab import KvLab

LAB = "kv"

NODES = ("n1", "n2", "n3", "n4", "n5")
KEYS = [b"user:%d" % number for number in range(3000)]


@graded(
    points=2,
    title="Hash mod n moves nearly everything, and a ring does not",
    requirement="the page, *By hash*: of ten nodes and an eleventh, ten keys in eleven move",
)
def test_modulo_moves_nearly_all_keys_where_a_ring_moves_few(lab: KvLab) -> None:
    ten = lab.ModuloPartitioner([f"n{number}" for number in range(10)])
    held = lab.shares(ten, KEYS)
    assert lab.imbalance(held) < 1.25
    moved = lab.movement(ten, ten.with_node("n10"), KEYS)
    assert moved.total == len(KEYS)
    assert moved.moved > 0.85 * len(KEYS), "nearly all keys move"
    assert moved.needless > 0.75 * len(KEYS), "most of them between nodes that were there before"
    ring = lab.RingPartitioner([f"n{number}" for number in range(10)])
    few = lab.movement(ring, ring.with_node("n10"), KEYS)
    assert 0 < few.moved < 0.2 * len(KEYS), "a ring moves about one key in eleven"


@graded(
    points=3,
    title="A node that comes takes from the others and from nobody else",
    requirement="Karger and others 1997, section 4: monotonicity",
)
def test_on_a_ring_keys_move_to_the_new_node_and_nowhere_else(lab: KvLab) -> None:
    ring = lab.RingPartitioner(NODES)
    come = lab.movement(ring, ring.with_node("n6"), KEYS)
    assert come.moved > 0
    assert come.needless == 0, "a key moved between two nodes that were there before"
    gone = lab.movement(ring, ring.without_node("n2"), KEYS)
    assert gone.needless == 0, "a key moved though its owner stays"
    assert gone.moved == lab.shares(ring, KEYS)["n2"], "just the keys of the node that goes"
    assert lab.movement(ring, lab.RingPartitioner(NODES[::-1]), KEYS).moved == 0, (
        "where points lie depends on the nodes' names, not on the order in which they came"
    )


@graded(
    points=3,
    title="About 1/n moves, and shares are even",
    requirement="issue: movement equal to the ideal within 15% at 100 virtual nodes",
)
def test_a_ring_with_100_virtual_nodes_moves_the_ideal_within_15_percent(lab: KvLab) -> None:
    keys = [b"%d" % number for number in range(4000)]
    ring: Any = lab.RingPartitioner([f"n{number}" for number in range(10)], 100)
    moved = ideal = 0.0
    for number in range(10, 16):
        grown = ring.with_node(f"n{number}")
        change = lab.movement(ring, grown, keys)
        moved, ideal = moved + change.moved, ideal + change.ideal
        assert lab.imbalance(lab.shares(grown, keys)) < 1.4
        ring = grown
    assert 0.85 * ideal <= moved <= 1.15 * ideal
    few = lab.RingPartitioner([f"n{number}" for number in range(10)], 1)
    assert lab.imbalance(lab.shares(few, keys)) > 1.6, "one point for each node is not enough"


@graded(
    points=3,
    title="The owner is the first point after the key, round and round",
    requirement="Karger and others 1997, section 4; Dynamo, section 4.2 and 4.3",
)
def test_a_ring_agrees_with_one_that_walks_around(lab: KvLab) -> None:
    ring = lab.RingPartitioner(NODES, 3)
    points = sorted(point for node in NODES for point in lab.points_of(node, 3))
    assert len(points) == 15
    places = {place for place, _ in points}
    assert len(places) == 15, "each point has a place of its own"
    for key in KEYS[:200]:
        place = lab.stable_hash(key)
        behind = [node for at, node in points if at > place]
        walk = list(dict.fromkeys([*behind, *(node for _, node in points)]))
        assert ring.owner(key) == walk[0]
        assert ring.successors(key, 3) == tuple(walk[:3]), "the next three different nodes"
    assert sorted(ring.successors(b"k", 9)) == sorted(NODES), "there are no more than there are"
    one_point_each = lab.RingPartitioner(NODES, 1)
    for key in KEYS[:20]:
        assert sorted(one_point_each.successors(key, 5)) == sorted(NODES), "once round meets all"
