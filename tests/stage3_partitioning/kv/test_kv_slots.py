"""Graded suite of the lab ``kv``, second part: slots, and a table of who holds which."""

from random import Random

import pytest

from common.course.suites.grading import Sweep, graded
from tests.stage3_partitioning.kv.lab import KvLab

LAB = "kv"

NODES = ("n1", "n2", "n3", "n4", "n5")


@graded(
    points=2,
    title="Slots are Redis' slots",
    requirement="Redis Cluster specification, *Key distribution model* and *Hash tags*",
)
def test_slots_and_hash_tags_are_those_of_redis(lab: KvLab) -> None:
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
        b"a}b": b"a}b",
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
    lab: KvLab, sweep: Sweep
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
        assert lab.rebalanced(after, nodes) == tuple(after), "what is even already stays"


@graded(
    points=1,
    title="What movement means",
    requirement="the page, *The balance report*: moved, needless, and the ideal 1/n",
)
def test_movement_counts_what_moved_and_what_needed_not(lab: KvLab) -> None:
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
