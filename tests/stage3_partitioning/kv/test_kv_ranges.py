"""Graded suite of the lab ``kv``, third part: by range, and what all kinds have in common."""

from typing import Any

import pytest

from common.course.suites.grading import graded
from common.values.errors import BadInput
from tests.stage3_partitioning.kv.lab import KvLab

LAB = "kv"

NODES = ("n1", "n2", "n3", "n4", "n5")
KEYS = [b"user:%d" % number for number in range(3000)]


def all_kinds(lab: KvLab) -> dict[str, Any]:
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
def test_owners_are_the_same_on_every_machine(lab: KvLab) -> None:
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
def test_the_only_owner_cannot_be_removed_and_no_node_comes_twice(lab: KvLab) -> None:
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
    title="Ranges are cut by the order of keys",
    requirement="the page, *By range*: a bound belongs to the range that it opens",
)
def test_a_range_holds_the_keys_from_its_bound_up_to_the_next(lab: KvLab) -> None:
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
def test_ranges_fit_a_sample_and_a_split_moves_the_upper_half_only(lab: KvLab) -> None:
    fitted = lab.fitted_ranges(NODES, KEYS)
    assert set(lab.shares(fitted, KEYS).values()) == {len(KEYS) // 5}
    mine = sorted(key for key in KEYS if fitted.owner(key) == "n2")
    middle = mine[len(mine) // 2]
    moved = lab.movement(fitted, fitted.split(middle, "n6"), KEYS)
    assert (moved.moved, moved.needless) == (len(mine) - len(mine) // 2, 0)
    assert fitted.split(middle, "n6").owner(middle) == "n6"
    gone = fitted.without_node("n3")
    assert lab.shares(gone, KEYS)["n2"] == 2 * len(KEYS) // 5, "the range before takes it over"
    assert set(lab.shares(lab.fitted_ranges(NODES, KEYS[:5]), KEYS[:5]).values()) == {1}
    with pytest.raises(BadInput):
        lab.fitted_ranges(NODES, [b"a", b"b", b"c", b"d"] * 9)
    with pytest.raises(BadInput):
        fitted.split(middle, "n6").split(middle, "n7")
    fitted = lab.fitted_ranges(("n1", "n2"), [b"a"] * 9 + [b"b", b"c", b"d"])
    assert fitted.owner(b"b") == "n1", "a key counts once, however often it is in the sample"
    assert fitted.owner(b"c") == "n2"
