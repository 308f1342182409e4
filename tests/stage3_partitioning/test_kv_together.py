"""Commands of a front that are carried out together: what they handle, and how long keys are."""

from typing import Any

import pytest

from stage3_partitioning.kv import fronted
from stage3_partitioning.kv.commands import (
    MAX_KEY,
    MAX_VALUE,
    Append,
    Delete,
    Expire,
    Get,
    Look,
    Put,
    TimeToLive,
)
from stage3_partitioning.kv.front_commands import IncrementFloat, Rename
from stage3_partitioning.kv.fronted import TOO_MUCH, carry_out_together
from stage3_partitioning.kv.store import TOO_LONG, Item, Store

KEYS = [b"{a}%d" % number for number in range(80)]


def filled() -> Store:
    """A store with values that are too large to be handled all together."""
    store = Store(16)
    for key in KEYS:
        store.put(key, Item(b"x" * MAX_VALUE))
    store.changed.clear()
    return store


@pytest.mark.parametrize(
    "make",
    [
        Get,
        Look,
        lambda key: Expire(key, 1_000),
        lambda key: Append(key, b""),
        lambda key: Put(key, b"y" * MAX_VALUE),
        lambda key: Rename(key, key + b"2"),
    ],
)
def test_what_is_too_much_for_one_record_is_refused_as_a_whole(make: Any) -> None:
    store = filled()
    assert carry_out_together(store, [make(key) for key in KEYS], 0) == (TOO_MUCH,)
    assert not store.changed
    assert len(carry_out_together(store, [make(key) for key in KEYS[:48]], 0)) == 48


@pytest.mark.parametrize("make", [Delete, TimeToLive, lambda key: Put(key, b"y")])
def test_values_that_are_neither_saved_nor_told_count_for_nothing(make: Any) -> None:
    store = filled()
    assert len(carry_out_together(store, [make(key) for key in KEYS], 0)) == len(KEYS)


def test_long_keys_count_as_long_as_they_are_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fronted, "MOST_TOGETHER", 10_000)
    for count, fits in ((3, True), (4, False)):
        puts = [Put(b"%d" % number + b"k" * 1_000, b"") for number in range(count)]
        assert (carry_out_together(Store(16), puts, 0) != (TOO_MUCH,)) is fits


def test_no_command_makes_a_key_that_is_too_long() -> None:
    store = Store(16)
    store.put(b"a", Item(b"1"))
    long, longest = b"k" * (MAX_KEY + 1), b"k" * MAX_KEY
    for command in (Rename(b"a", long), IncrementFloat(long, b"1")):
        assert carry_out_together(store, [command], 0) == (TOO_LONG,)
    assert store.find(b"a", 0) == Item(b"1"), "and what would move stays"
    assert carry_out_together(store, [Rename(b"a", longest)], 0) == (True,)
