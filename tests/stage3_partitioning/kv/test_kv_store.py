"""Graded suite of the lab ``kv``, fourth part: what one node holds, and what commands do to it."""

from random import Random

from common.course.suites.grading import Sweep, graded
from tests.stage3_partitioning.kv.dumb import DumbStore, some_command
from tests.stage3_partitioning.kv.lab import KvLab

LAB = "kv"


@graded(
    points=4,
    title="The store is a dictionary whose keys may die",
    requirement="the docstrings of the commands, compared with a second store that is dumb",
)
def test_the_store_answers_like_a_plain_dictionary(lab: KvLab, sweep: Sweep) -> None:
    for seed in sweep(6):
        random, dumb, store, now = Random(seed), DumbStore(), lab.Store(16), 0
        for _ in range(120):
            command = some_command(lab, random)
            told, expected = lab.carry_out(store, command, now), dumb.apply(command, now)
            assert told == expected, f"{command} at {now}: {told}, and it should be {expected}"
            now += random.choice((0, 0, 5, 20))


@graded(
    points=2,
    title="What is no number stays as it is",
    requirement="64-bit integers as in Redis; a problem changes nothing",
)
def test_only_numbers_of_64_bits_are_counted_up(lab: KvLab) -> None:
    largest = 2**63 - 1
    held = {
        b"1a": None,
        b"": None,
        b" 1": None,
        b"+1": None,
        b"01": None,
        b"1.0": None,
        b"-0": None,
        b"9223372036854775808": None,
        b"-9223372036854775808": -(2**63) + 1,
        b"9223372036854775806": largest,
        b"-1": 0,
        b"41": 42,
    }
    store = lab.Store(4)
    lab.carry_out(store, lab.Put(b"k", b"-9223372036854775807"), 0)
    assert lab.carry_out(store, lab.Increment(b"k", -1), 0) == -(2**63), "the least one is one"
    assert isinstance(lab.carry_out(store, lab.Increment(b"k", -1), 0), lab.Problem)
    for text, expected in held.items():
        store = lab.Store(4)
        lab.carry_out(store, lab.Put(b"k", text), 0)
        told = lab.carry_out(store, lab.Increment(b"k", 1), 0)
        after = lab.carry_out(store, lab.Get(b"k"), 0)
        if expected is None:
            assert isinstance(told, lab.Problem), f"{text!r} is no number to count up: {told}"
            assert after == text
        else:
            assert (told, after) == (expected, b"%d" % expected)
    store = lab.Store(4)
    lab.carry_out(store, lab.Put(b"k", b"%d" % largest), 0)
    assert isinstance(lab.carry_out(store, lab.Increment(b"k", 1), 0), lab.Problem)
    assert lab.carry_out(store, lab.Get(b"k"), 0) == b"%d" % largest


@graded(
    points=2,
    title="What is over is gone, and is thrown away once",
    requirement="the docstrings of Store.find and Store.due",
)
def test_a_key_whose_time_is_over_is_gone_and_comes_up_for_removal(lab: KvLab) -> None:
    store = lab.Store(4)
    for number in range(5):
        lab.carry_out(store, lab.PutIf(b"%d" % number, b"x", "always", 10 * (number + 1)), 0)
    lab.carry_out(store, lab.Put(b"0", b"back for ever"), 5)
    lab.carry_out(store, lab.Expire(b"1", 1000), 5)
    lab.carry_out(store, lab.Delete(b"2"), 5)
    assert list(store.due(39, 9)) == [], "no time is over that still counts"
    assert lab.carry_out(store, lab.Get(b"3"), 39) == b"x"
    assert list(store.due(40, 9)) == [b"3"], "its time is over now"
    assert list(store.due(40, 9)) == [], "and it was named"
    before = len(store)
    assert lab.carry_out(store, lab.Get(b"3"), 40) is None
    assert len(store) == before - 1, "who looks for it throws it away"
    assert lab.carry_out(store, lab.Expire(b"1", 0), 40) is True
    assert len(store) == before - 2, "a life of no time is over at once"
    assert lab.carry_out(store, lab.TimeToLive(b"3"), 40) == -2
    for number in range(10, 20):
        lab.carry_out(store, lab.PutIf(b"%d" % number, b"x", "always", number), 40)
    assert len(list(store.due(100, 4))) == 4, "no more at once than was asked for"


@graded(
    points=1,
    title="What is too long is not put",
    requirement="bounds on keys and values, kept by the node whatever a client does",
)
def test_keys_and_values_have_bounds(lab: KvLab) -> None:
    store = lab.Store(4)
    key, value = b"k" * lab.MAX_KEY, b"v" * lab.MAX_VALUE
    assert lab.carry_out(store, lab.Put(key, value), 0) is None
    for command in (
        lab.Put(key + b"k", b""),
        lab.Put(b"k", value + b"v"),
        lab.Append(key, b"v"),
        lab.PutIf(b"k", value + b"v", "always", None),
        lab.CompareAndSet(b"k", None, value + b"v"),
    ):
        told = lab.carry_out(store, command, 0)
        assert isinstance(told, lab.Problem), f"{type(command).__name__} is too long, but: {told}"
    assert lab.carry_out(store, lab.Get(b"k"), 0) is None
