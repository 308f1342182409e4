"""Graded suite of the lab ``raftkv``, the store by itself: transactions and snapshots."""

from itertools import product
from random import Random
from typing import Any

from common.contract.kinds import check_value
from common.course.suites.grading import Sweep, graded
from tests.stage5_fault_tolerance.raftkv.dumb import (
    RELATIONS,
    DumbStore,
    filled,
    some_command,
    some_transaction,
)
from tests.stage5_fault_tolerance.raftkv.lab import RaftkvLab

LAB = "raftkv"


@graded(
    points=4,
    title="Transactions do what they say",
    requirement="the page, *The commands*: compares first, then one side's steps, one by one",
)
def test_the_store_carries_out_transactions_like_a_plain_dictionary(
    lab: RaftkvLab, sweep: Sweep
) -> None:
    for seed in sweep(20):
        random, store, dumb = Random(seed), lab.KeyValueStore(), DumbStore(lab)
        sides = set()
        for _ in range(40):
            command = some_transaction(lab, random)
            told: Any = store.apply(command)
            assert told == dumb.apply(command), f"{command}"
            assert store.revision == dumb.revision, f"the revision after {command}"
            sides.add(told.succeeded)
        assert sides == {True, False}


@graded(
    points=2,
    title="Nothing changed, nothing counted",
    requirement="the page, *Revisions*: what changes nothing has no revision",
)
def test_what_changes_nothing_leaves_the_revision_as_it_is(lab: RaftkvLab) -> None:
    store = filled(lab, a="1")
    before = store.snapshot()
    assert store.apply(lab.Delete("b")) is False
    assert store.apply(lab.CompareAndSet("a", "2", "3")) is False
    assert store.apply(lab.CompareAndSet("b", "", "3")) is False, "a key that is not there"
    assert store.apply(lab.Get("b")) is None
    assert store.apply(lab.Transaction((), (lab.Delete("b"), lab.Get("a")))).revision == 1
    assert store.snapshot() == before
    assert store.apply(lab.Put("a", "1")) == 2, "a put counts, also of the same value"


@graded(
    points=3,
    title="One transaction, one revision",
    requirement="the page, *Revisions*: all changes of one command have one revision",
)
def test_all_changes_of_a_transaction_share_one_revision(lab: RaftkvLab) -> None:
    store = filled(lab, a="1", b="1")
    steps = (lab.Put("a", "2"), lab.Append("c", "2"), lab.Delete("b"), lab.Put("a", "3"))
    told = store.apply(lab.Transaction((), (*steps, lab.Range(""))))
    assert told.results[:4] == (3, 3, True, 3)
    assert [item.mod_revision for item in told.results[4].items] == [3, 3]
    assert (told.revision, told.results[4].revision, store.revision) == (3, 3, 3)
    (a, c) = told.results[4].items
    assert a == lab.Item("a", "3", create_revision=1, mod_revision=3, version=3), "put twice more"
    assert c == lab.Item("c", "2", create_revision=3, mod_revision=3, version=1)
    assert store.apply(lab.Get("b")) is None
    assert store.apply(lab.Put("d", "4")) == 4
    anew = (lab.Delete("a"), lab.Append("a", "5"), lab.Put("e", "6"), lab.Append("e", "7"))
    (a, _, _, e) = store.apply(lab.Transaction((), (*anew, lab.Range("")))).results[4].items
    assert a == lab.Item("a", "5", create_revision=5, mod_revision=5, version=1), "it came anew"
    assert e == lab.Item("e", "67", create_revision=5, mod_revision=5, version=2), "put, then more"


@graded(
    points=2,
    title="A range in a transaction",
    requirement="the page, *The commands*: each step sees what the steps before it did",
)
def test_a_range_has_what_the_steps_before_it_put_and_deleted_within_its_bounds(
    lab: RaftkvLab,
) -> None:
    store = filled(lab, b="1", c="1", e="1")
    steps = (lab.Put("a", "2"), lab.Put("d", "2"), lab.Delete("c"), lab.Put("f", "2"))
    whole, bounds = ["a", "b", "d", "e", "f"], ("", "a", "b", "c", "d", "e", "f", "g", None)
    for start, end in product(bounds[:-1], bounds):
        for limit in (0, 1, 2):
            asked = lab.Range(start, end, limit)
            told = store.apply(lab.Transaction((), (*steps, asked))).results[-1]
            expected = [key for key in whole if start <= key and (end is None or key < end)]
            assert [item.key for item in told.items] == expected[: limit or None], f"{asked}"
            assert told.count == len(expected), f"{asked}: the count is that of all"
            store.apply(lab.Transaction((), (lab.Put("c", "1"), *map(lab.Delete, "adf"))))


@graded(
    points=3,
    title="All or nothing",
    requirement="the page, *The commands*: a command is carried out wholly, or refused and leaves "
    "nothing behind",
)
def test_a_transaction_that_is_refused_half_way_leaves_nothing_behind(lab: RaftkvLab) -> None:
    long = "x" * lab.MAX_VALUE
    store = filled(lab, a="1", long=long)
    before = store.snapshot()
    first = (lab.Put("a", "2"), lab.Put("b", "2"), lab.Delete("long"))
    refused: list[Any] = [
        (*first, lab.Put("long", "x" + long)),
        (*first[:2], lab.Append("long", "x")),
        (*first, "no command"),
        (*first, lab.Range("", None, -1)),
        (*first, lab.Transaction()),
        (*first, lab.CompareAndSet("a", "2", "3")),
        (*first, *[lab.Get("a")] * lab.MAX_STEPS),
    ]
    for steps in refused:
        assert isinstance(store.apply(lab.Transaction((), steps)), lab.Refused), steps[-1]
        assert store.snapshot() == before
    most: Any = store.apply(lab.Transaction((), (lab.Get("a"),) * lab.MAX_STEPS))
    assert most.results == ("1",) * lab.MAX_STEPS, "so many steps it may have"
    compares = (lab.Compare("a", "version", "=", 1),) * (lab.MAX_STEPS + 1)
    told = [store.apply(lab.Transaction(compares[extra:])) for extra in range(2)]
    assert [isinstance(each, lab.Refused) for each in told] == [True, False], "and so many compares"
    many = (*first[:2], *[lab.Range("long")] * 2)
    assert isinstance(store.apply(lab.Transaction((), many)), lab.Refused), "a huge answer"
    assert isinstance(store.apply("no command"), lab.Refused), "a server must not stop at it"
    assert isinstance(store.apply(lab.Append("long", "x")), lab.Refused)
    assert store.snapshot() == before


@graded(
    points=3,
    title="What compares compare",
    requirement="the page, *The commands*: value, version, create_revision, mod_revision; "
    "=, !=, <, >; a key that is not there",
)
def test_a_compare_holds_of_what_is_there_before_the_transaction(lab: RaftkvLab) -> None:
    store = filled(lab, other="-", k="m")
    store.apply(lab.Put("k", "n"))

    def holds(key: str, target: Any, relation: Any, wanted: Any) -> Any:
        compare = lab.Compare(key, target, relation, wanted)
        told = store.apply(lab.Transaction((compare,)))
        return told.succeeded if isinstance(told, lab.TransactionResult) else told

    numbers = {"create_revision": 2, "mod_revision": 3, "version": 2}
    for relation, compare in RELATIONS.items():
        for text in ("m", "n", "o", ""):
            assert holds("k", "value", relation, text) == compare("n", text)
            assert holds("none", "value", relation, text) is False, "it has no value"
        for target, found in numbers.items():
            for number in range(5):
                assert holds("k", target, relation, number) == compare(found, number)
                assert holds("none", target, relation, number) == compare(0, number)
    for wrong in (("k", "value", "=", 1), ("k", "version", "<", "1"), ("k", "key", "=", "k")):
        assert isinstance(holds(*wrong), lab.Refused), wrong
        for first in (lab.Compare("k", "value", "=", "no"), lab.Compare("k", "value", "=", "n")):
            told = store.apply(lab.Transaction((first, lab.Compare(*wrong))))
            assert isinstance(told, lab.Refused), f"{wrong}, whatever is said before it"
    assert isinstance(holds("k", "version", "~", 2), lab.Refused)


@graded(
    points=3,
    title="A snapshot is the state, and stands still",
    requirement="the contract of applications: an immutable value, equal for equal states",
)
def test_a_store_restored_from_a_snapshot_goes_on_as_the_first(
    lab: RaftkvLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        random, store, other = Random(seed), lab.KeyValueStore(), filled(lab, rest="of before")
        for number in range(40):
            store.apply(some_command(lab, random))
            if number % 20 == 10:
                taken = store.snapshot()
                check_value(taken)
                assert taken == store.snapshot()
                other.restore(taken)
        assert other.snapshot() == taken, "the first went on, its snapshot must not"
        assert filled(lab, rest="x").snapshot() != filled(lab, rest="y").snapshot()
        again = lab.KeyValueStore()
        again.restore(store.snapshot())
        for _ in range(20):
            command = random.choice([some_command, some_transaction])(lab, random)
            assert again.apply(command) == store.apply(command), f"{command}"
        assert again.snapshot() == store.snapshot()
