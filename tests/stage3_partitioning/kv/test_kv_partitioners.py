"""Graded suite of the lab ``kv``, first part: who holds which key, and what a change moves."""

from random import Random
from typing import Any

import pytest

from common.course.suites.grading import graded
from common.values.errors import BadInput

LAB = "kv"

NODES = ("n1", "n2", "n3", "n4", "n5")
KEYS = [b"user:%d" % number for number in range(3000)]


def all_kinds(lab: Any) -> dict[str, Any]:
    """One partitioner of each kind, over the same nodes."""
    return {
        "modulo": lab.ModuloPartitioner(NODES),
        "range": lab.fitted_ranges(NODES, KEYS[::7]),
        "ring": lab.RingPartitioner(NODES),
        "slots": lab.SlotPartitioner(NODES),
    }


@graded(
    points=2,
    title="Everybody computes the same owner",
    requirement="the page, *Agreement*: no hash() that differs from process to process",
)
def test_owners_are_the_same_on_every_machine(lab: Any) -> None:
    """The owners were computed once, elsewhere, and written down here."""
    keys = (b"", b"a", b"user:1000", b"\x00\xff", "é".encode())
    owners = {name: tuple(made.owner(key) for key in keys) for name, made in all_kinds(lab).items()}
    assert owners == {
        "modulo": ("n2", "n4", "n3", "n1", "n4"),
        "range": ("n1", "n1", "n1", "n1", "n5"),
        "ring": ("n4", "n3", "n2", "n2", "n4"),
        "slots": ("n1", "n5", "n1", "n3", "n4"),
    }


@graded(
    points=1,
    title="The last node cannot go",
    requirement="removing the only owner is refused with the reason; so is adding a node twice",
)
def test_the_only_owner_cannot_be_removed_and_no_node_comes_twice(lab: Any) -> None:
    for name, made in all_kinds(lab).items():
        with pytest.raises(BadInput):
            made.with_node("n3")
        with pytest.raises(BadInput):
            made.without_node("n9")
        for node in NODES[1:]:
            made = made.without_node(node)
        assert made.owner(b"k") == "n1", f"{name}: all is with the last"
        with pytest.raises(BadInput, match="only owner"):
            made.without_node("n1")


@graded(
    points=2,
    title="Hash mod n is balanced and moves nearly everything",
    requirement="the page, *By hash*: of ten nodes and an eleventh, ten keys in eleven move",
)
def test_modulo_shares_evenly_and_moves_nearly_all_keys(lab: Any) -> None:
    ten = lab.ModuloPartitioner([f"n{number}" for number in range(10)])
    held = lab.shares(ten, KEYS)
    assert lab.imbalance(held) < 1.25
    moved = lab.movement(ten, ten.with_node("n10"), KEYS)
    assert moved.total == len(KEYS)
    assert moved.moved > 0.85 * len(KEYS), "nearly all keys move"
    assert moved.needless > 0.75 * len(KEYS), "most of them between nodes that were there before"


@graded(
    points=2,
    title="Ranges are cut by the order of keys",
    requirement="the page, *By range*: a bound belongs to the range that it opens",
)
def test_a_range_holds_the_keys_from_its_bound_up_to_the_next(lab: Any) -> None:
    made = lab.RangePartitioner(("n1", "n2", "n1"), (b"g", b"p"))
    expected = {b"": "n1", b"fz": "n1", b"g": "n2", b"ozz": "n2", b"p": "n1", b"\xff": "n1"}
    assert {key: made.owner(key) for key in expected} == expected
    for bounds in ((b"p", b"g"), (b"g", b"g"), (b"g",)):
        with pytest.raises(BadInput):
            lab.RangePartitioner(("n1", "n2", "n1"), bounds)


@graded(
    points=2,
    title="Ranges follow the keys",
    requirement="the page, *By range*: bounds from a sample; a split moves one half and no more",
)
def test_ranges_fit_a_sample_and_a_split_moves_the_upper_half_only(lab: Any) -> None:
    fitted = lab.fitted_ranges(NODES, KEYS)
    assert set(lab.shares(fitted, KEYS).values()) == {len(KEYS) // 5}
    mine = sorted(key for key in KEYS if fitted.owner(key) == "n2")
    middle = mine[len(mine) // 2]
    moved = lab.movement(fitted, fitted.split(middle, "n6"), KEYS)
    assert (moved.moved, moved.needless) == (len(mine) - len(mine) // 2, 0)
    assert fitted.split(middle, "n6").owner(middle) == "n6"
    gone = fitted.without_node("n3")
    assert lab.shares(gone, KEYS)["n2"] == 2 * len(KEYS) // 5, "the range before takes it over"
    with pytest.raises(BadInput):
        lab.fitted_ranges(NODES, [b"a", b"a", b"b"])


@graded(
    points=3,
    title="A node that comes takes from the others and from nobody else",
    requirement="Karger and others 1997, section 4: monotonicity",
)
def test_on_a_ring_keys_move_to_the_new_node_and_nowhere_else(lab: Any) -> None:
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
def test_a_ring_with_100_virtual_nodes_moves_the_ideal_within_15_percent(lab: Any) -> None:
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
def test_a_ring_agrees_with_one_that_walks_around(lab: Any) -> None:
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


@graded(
    points=2,
    title="Slots are Redis' slots",
    requirement="Redis Cluster specification, *Key distribution model* and *Hash tags*",
)
def test_slots_and_hash_tags_are_those_of_redis(lab: Any) -> None:
    assert lab.key_slot(b"123456789") == 0x31C3
    slots = {b"foo": 12182, b"bar": 5061, b"{user1000}.following": 3443, b"": 0}
    assert {key: lab.key_slot(key) for key in slots} == slots
    tags = {
        b"{user1000}.followers": b"user1000",
        b"foo{}{bar}": b"foo{}{bar}",
        b"foo{{bar}}zap": b"{bar",
        b"foo{bar}{zap}": b"bar",
        b"foo{bar": b"foo{bar",
        b"}a{b}": b"b",
        b"no tag": b"no tag",
    }
    assert {key: lab.hash_tag(key) for key in tags} == tags
    assert lab.key_slot(b"{user1000}.a", 16) == lab.key_slot(b"b.{user1000}", 16)


@graded(
    points=4,
    title="Even shares, fewest moves",
    requirement="the page, *By slots*: no share differs by more than one slot, no slot moves "
    "that need not",
)
def test_rebalancing_shares_evenly_and_moves_no_slot_more_than_it_must(
    lab: Any, sweep: Any
) -> None:
    for seed in sweep(20):
        random = Random(seed)
        count = random.choice((7, 16, 100))
        owners = tuple(random.choice(NODES) for _ in range(count))
        nodes = tuple(random.sample((*NODES, "n6", "n7"), random.randint(1, 6)))
        after = lab.rebalanced(owners, nodes)
        held = [after.count(node) for node in nodes]
        assert sum(held) == count, "every slot has an owner among the nodes"
        assert max(held) - min(held) <= 1, f"shares of {held} are not even"
        least, extra = divmod(count, len(nodes))
        had = sorted((owners.count(node) for node in nodes), reverse=True)
        stay = sum(min(slots, least + (place < extra)) for place, slots in enumerate(had))
        moved = sum(one != other for one, other in zip(owners, after, strict=True))
        assert moved == count - stay, "more slots moved than had to"
        assert lab.rebalanced(after, nodes) == after, "what is even already stays"


@graded(
    points=1,
    title="What movement means",
    requirement="the page, *The balance report*: moved, needless, and the ideal 1/n",
)
def test_movement_counts_what_moved_and_what_needed_not(lab: Any) -> None:
    keys = [b"%d" % number for number in range(8)]
    slots = {key: lab.key_slot(key, 4) for key in keys}
    before = lab.SlotPartitioner(("n1", "n2"), ("n1", "n1", "n2", "n2"))
    after = lab.SlotPartitioner(("n1", "n2", "n3"), ("n1", "n2", "n2", "n3"))
    told = lab.movement(before, after, keys)
    in_one = sum(slot == 1 for slot in slots.values())
    in_three = sum(slot == 3 for slot in slots.values())
    assert (told.moved, told.needless, told.total) == (in_one + in_three, in_one, 8)
    assert told.ideal == pytest.approx(8 / 3)
    assert lab.movement(after, before, keys).ideal == pytest.approx(8 / 3)
    assert lab.imbalance({"n1": 6, "n2": 2, "n3": 1}) == 2
