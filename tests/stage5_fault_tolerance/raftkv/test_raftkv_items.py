"""Graded suite of the lab ``raftkv``: items, revisions and ranges; no transactions yet."""

from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.stage5_fault_tolerance.raftkv.dumb import (
    DumbStore,
    filled,
    some_command,
)
from tests.stage5_fault_tolerance.raftkv.lab import RaftkvLab

LAB = "raftkv"


@graded(
    points=4,
    title="Single commands do what they say",
    requirement="the page, *The commands*: get, put, append, delete, compare-and-set, range",
)
def test_the_store_answers_like_a_plain_dictionary(lab: RaftkvLab, sweep: Sweep) -> None:
    for seed in sweep(20):
        random, store, dumb = Random(seed), lab.KeyValueStore(), DumbStore(lab)
        for _ in range(60):
            command = some_command(lab, random)
            assert store.apply(command) == dumb.apply(command), f"{command}"
            assert store.revision == dumb.revision, f"the revision after {command}"


@graded(
    points=2,
    title="Every change has a number",
    requirement="the page, *Revisions*: an item knows when it came, when it was changed last, and "
    "how often",
)
def test_an_item_knows_the_revisions_that_made_it(lab: RaftkvLab) -> None:
    store = filled(lab, a="1", b="1")
    assert store.apply(lab.Append("a", "2")) == 3
    (a, b) = store.apply(lab.Range("")).items
    assert a == lab.Item("a", "12", create_revision=1, mod_revision=3, version=2)
    assert b == lab.Item("b", "1", create_revision=2, mod_revision=2, version=1)
    store.apply(lab.Delete("a"))
    assert store.apply(lab.Put("a", "3")) == 5
    (a,) = store.apply(lab.Range("a", "b")).items
    assert a == lab.Item("a", "3", create_revision=5, mod_revision=5, version=1), "it came anew"


@graded(
    points=2,
    title="Ranges are in order",
    requirement="the page, *The commands*: from start up to but without end, in order, the first "
    "limit; the count is that of all",
)
def test_a_range_has_its_keys_in_order_and_its_end_outside(lab: RaftkvLab) -> None:
    store = lab.KeyValueStore()
    for key in ("m", "b", "z", "a", "é", "ab", "😀", "B"):
        store.apply(lab.Put(key, key.upper()))
    store.apply(lab.Delete("m"))

    def found(*asked: Any) -> Any:
        return store.apply(lab.Range(*asked))

    def keys(*asked: Any) -> list[str]:
        return [item.key for item in found(*asked).items]

    assert keys("") == ["B", "a", "ab", "b", "z", "é", "😀"]
    assert keys("a", "b") == ["a", "ab"]
    assert keys("a", "a") == keys("b", "a") == keys("m", "n") == []
    assert keys("a", None, 2) == ["a", "ab"]
    assert found("a", None, 2).count == 6


@graded(
    points=2,
    title="What a message cannot carry is refused",
    requirement="the page, *The commands*: bounds in bytes of values, commands and answers",
)
def test_the_bounds_are_in_bytes_and_a_limit_makes_a_range_small(lab: RaftkvLab) -> None:
    store = lab.KeyValueStore()
    assert isinstance(store.apply(lab.Put("a", "é" * (lab.MAX_VALUE // 2 + 1))), lab.Refused)
    for number in range(1, 41):
        assert store.apply(lab.Put(f"{number:02}", "é" * (lab.MAX_VALUE // 2))) == number
    assert isinstance(store.apply(lab.Range("")), lab.Refused)
    told: Any = store.apply(lab.Range("", None, 3))
    assert (len(told.items), told.count) == (3, 40)
