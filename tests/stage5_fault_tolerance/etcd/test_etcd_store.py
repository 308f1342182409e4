"""Graded suite of the lab ``etcd``, part 2: the store by itself."""

from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.stage5_fault_tolerance.etcd.dumb import Commands, DumbStore
from tests.stage5_fault_tolerance.etcd.lab import EtcdLab

LAB = "etcd"


def filled(lab: EtcdLab, *commands: object, quota: int | None = None) -> Any:
    """A store that has carried out these commands."""
    store: Any = lab.Store() if quota is None else lab.Store(quota)
    for command in commands:
        store.apply(command)
    return store


@graded(
    points=6,
    title="The store answers like one that is dumb",
    requirement="the docstrings of commands.py: every command, with all it can carry",
)
def test_the_store_answers_like_a_store_that_keeps_every_state(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(25):
        random = Random(seed)
        commands, dumb, store = Commands(lab, random), DumbStore(lab), lab.Store()
        for number in range(80):
            command = commands.any(dumb.revision)
            expected = dumb.change(command)
            assert store.apply(command) == expected, f"command {number}: {command}"


@graded(
    points=4,
    title="A revision for each change, and for nothing else",
    requirement="the page, *Revisions*: what changes nothing has none; all changes of a "
    "transaction share one",
)
def test_what_changes_nothing_has_no_revision_and_a_transaction_has_one(lab: EtcdLab) -> None:
    store: Any = lab.Store()
    assert store.apply(lab.Range(b"a")).revision == 1, "the first revision is the empty store's"
    assert store.apply(lab.Put(b"a", b"1")).revision == 2
    assert store.apply(lab.DeleteRange(b"b")) == lab.DeleteResult(2, 0)
    assert store.apply(lab.Txn((), (lab.DeleteRange(b"x"), lab.Range(b"a")))).revision == 2
    assert store.apply(lab.LeaseGrant(60, 7)).revision == 2
    assert store.apply(lab.Put(b"a", b"1")).revision == 3, "the same value again is a change"
    puts = tuple(lab.Put(key, b"2") for key in (b"x", b"y", b"a"))
    told = store.apply(lab.Txn((), (*puts, lab.DeleteRange(b"nothing"))))
    assert told.revision == 4
    assert [step.revision for step in told.results] == [4, 4, 4, 4]
    found = store.apply(lab.Range(b"a", b"\0")).kvs
    assert [(kv.key, kv.create_revision, kv.mod_revision, kv.version) for kv in found] == [
        (b"a", 2, 4, 3),
        (b"x", 4, 4, 1),
        (b"y", 4, 4, 1),
    ]
    store.apply(lab.DeleteRange(b"a"))
    store.apply(lab.Put(b"a", b"new"))
    (kv,) = store.apply(lab.Range(b"a")).kvs
    assert (kv.create_revision, kv.version) == (6, 1), "a key that comes again begins anew"


@graded(
    points=3,
    title="Any revision can be read",
    requirement="commands.py, Range: as of which revision",
)
def test_each_revision_can_be_read_as_it_was(lab: EtcdLab, sweep: Sweep) -> None:
    for seed in sweep(10):
        random = Random(seed)
        commands, dumb, store = Commands(lab, random), DumbStore(lab), lab.Store()
        for _ in range(60):
            command = commands.any(dumb.revision)
            if type(command).__name__ != "Compact":
                dumb.change(command)
                store.apply(command)
        for revision in range(1, dumb.revision + 1):
            asked = lab.Range(b"\0", b"\0", revision=revision)
            expected = tuple(kv for _, kv in sorted(dumb.states[revision].items()))
            told: Any = store.apply(asked)
            assert told.kvs == expected, f"as of revision {revision}"


@graded(
    points=2,
    title="Bounds, order, limit",
    requirement="ranges.py: in that order; the count is that of the whole span",
)
def test_a_range_has_bounds_then_an_order_then_a_limit(lab: EtcdLab) -> None:
    store = filled(lab, *(lab.Put(key) for key in (b"d", b"a", b"c", b"b", b"e", b"a")))

    def keys(**asked: Any) -> tuple[str, bool, int]:
        found = store.query(lab.Range(b"\0", b"\0", **asked))
        return b"".join(kv.key for kv in found.kvs).decode(), found.more, found.count

    assert keys(limit=2) == ("ab", True, 5)
    assert keys(limit=5) == ("abcde", False, 5)
    assert keys(limit=2, sort_order="descend") == ("ed", True, 5)
    assert keys(limit=2, sort_order="ascend", sort_target="mod") == ("dc", True, 5)
    assert keys(limit=2, sort_order="descend", sort_target="mod") == ("ae", True, 5)
    assert keys(limit=2, sort_target="mod") == ("cb", True, 5), "cut, with one more, then sorted"
    assert keys(limit=1, sort_order="descend", sort_target="version") == ("a", True, 5)
    for target, found in (("version", "abcde"), ("value", "abcde"), ("create", "ebcad")):
        told = keys(sort_order="descend", sort_target=target)
        assert told == (found, False, 5), "what is equal stays in the order of the keys"
    assert keys(limit=1, min_mod_revision=5) == ("a", True, 5)
    assert keys(max_mod_revision=5) == ("bcd", False, 5)
    assert keys(min_create_revision=3, max_create_revision=4) == ("ac", False, 5)
    assert keys(limit=1, min_mod_revision=7) == ("a", False, 5)


@graded(
    points=3,
    title="Within a transaction, an old revision is the old one",
    requirement="commands.py, Txn and Range: each step sees what those before it did, now",
)
def test_a_range_within_a_transaction_sees_its_puts_only_as_of_now(lab: EtcdLab) -> None:
    store = filled(lab, lab.Put(b"a", b"old"))
    steps = (lab.Put(b"a", b"new"), lab.Range(b"a"), lab.Range(b"a", revision=2))
    told = store.apply(lab.Txn((), steps)).results
    assert told[1].kvs[0].value == b"new"
    assert told[2].kvs[0].value == b"old"
    refused = store.apply(lab.Txn((), (lab.Put(b"b"), lab.Range(b"a", revision=4))))
    assert refused == lab.Refused("etcdserver: mvcc: required revision is a future revision")
    assert store.apply(lab.Range(b"b")).count == 0, "what is refused leaves nothing behind"
    assert store.apply(lab.Range(b"a", revision=-3)).count == 1, "below 0 is now, by itself"
    below = store.apply(lab.Txn((), (lab.Range(b"a", revision=-3),)))
    assert below == lab.Refused("etcdserver: mvcc: required revision has been compacted")


@graded(
    points=3,
    title="Compaction forgets what nobody can ask for any more, and no more than that",
    requirement="commands.py, Compact",
)
def test_compaction_forgets_old_versions_and_keeps_what_was_still_there(lab: EtcdLab) -> None:
    store = filled(lab, *(lab.Put(b"a", b"%d" % number) for number in range(2, 6)))
    store.apply(lab.Put(b"gone"))
    store.apply(lab.DeleteRange(b"gone"))
    store.apply(lab.Put(b"b", b"8"))
    before = len(store.history.log), store.size()
    assert store.apply(lab.Compact(7)) == lab.Done(8)
    assert len(store.history.log) == 3, "the latest a, b, and that a key went at this revision"
    assert store.size() < before[1]
    compacted = lab.Refused("etcdserver: mvcc: required revision has been compacted")
    assert store.apply(lab.Range(b"a", revision=6)) == compacted
    assert store.apply(lab.Range(b"a", revision=7)).kvs[0].value == b"5"
    assert store.apply(lab.Compact(7)) == compacted
    future = lab.Refused("etcdserver: mvcc: required revision is a future revision")
    assert store.apply(lab.Compact(9)) == future
    assert store.apply(lab.Put(b"a", b"9")).revision == 9
    (kv,) = store.apply(lab.Range(b"a")).kvs
    assert (kv.create_revision, kv.version) == (2, 5), "its past counts, though it is forgotten"
    store.apply(lab.Compact(9))
    assert len(store.history.log) == 2, "a and b; nothing of what went before"


@graded(
    points=4,
    title="Conditions come first",
    requirement="commands.py, Txn and Compare: all conditions are answered before the first step",
)
def test_conditions_are_answered_before_any_step_those_of_inner_transactions_too(
    lab: EtcdLab,
) -> None:
    first: Any = lab.Store()
    done = first.apply(lab.Txn((), (lab.Txn((), (lab.Put(b"within"),)),)))
    assert done.results[0].results == (lab.PutResult(2),), "without conditions all of them hold"
    store: Any = lab.Store()
    is_new = lab.Compare(b"a", "version", "=", 0)
    inner = lab.Txn((is_new,), (lab.Put(b"inner", b"new"),), (lab.Put(b"inner", b"old"),))
    told = store.apply(lab.Txn((is_new,), (lab.Put(b"a"), inner)))
    assert told.succeeded
    assert told.results[1].succeeded, "when the conditions were answered, a was not there yet"
    again = store.apply(lab.Txn((is_new,), (lab.Put(b"a"),), (lab.Range(b"inner"),)))
    assert not again.succeeded
    assert again.results[0].kvs[0].value == b"new"
    relations: list[Any] = [("=", b""), ("!=", b"x"), ("<", b"x"), (">", b"")]
    for relation, wanted in relations:
        nothing = lab.Compare(b"nothing", "value", relation, wanted)
        assert not store.apply(lab.Txn((nothing,))).succeeded, "of no value nothing is true"
    for compare in (
        lab.Compare(b"a", "version", ">", 0, b"\0"),
        lab.Compare(b"a", "mod", "=", 2, b"\0"),
    ):
        assert store.apply(lab.Txn((compare,))).succeeded, "of each key of the span"
    assert not store.apply(lab.Txn((lab.Compare(b"a", "value", "=", b"", b"\0"),))).succeeded


@graded(
    points=4,
    title="Keys go with their lease",
    requirement="commands.py, LeaseRevoke and Put: a key is attached to the lease of its last put",
)
def test_a_lease_takes_its_keys_with_it_in_one_revision(lab: EtcdLab) -> None:
    store = filled(lab, lab.LeaseGrant(60, 1), lab.LeaseGrant(60, 2))
    for key in (b"c", b"a", b"b"):
        store.apply(lab.Put(key, b"x", 1))
    store.apply(lab.Put(b"moved", b"x", 1))
    store.apply(lab.Put(b"moved", b"x", 2))
    store.apply(lab.Put(b"freed", b"x", 1))
    store.apply(lab.Put(b"freed", b"x"))
    store.apply(lab.Put(b"kept", b"x", 1))
    store.apply(lab.Put(b"kept", b"y", ignore_lease=True))
    store.apply(lab.Put(b"again", b"x", 1))
    store.apply(lab.DeleteRange(b"again"))
    store.apply(lab.Put(b"again", b"x"))
    revision = store.apply(lab.Range(b"a")).revision
    assert store.apply(lab.LeaseRevoke(1)) == lab.Done(revision + 1)
    told = store.query(lab.Changes(revision + 1)).events
    assert [(kv.key, kv.is_deletion(), kv.mod_revision) for kv in told] == [
        (key, True, revision + 1) for key in (b"a", b"b", b"c", b"kept")
    ]
    left = store.apply(lab.Range(b"a", b"\0")).kvs
    assert [(kv.key, kv.lease) for kv in left] == [(b"again", 0), (b"freed", 0), (b"moved", 2)]
    gone = lab.Refused("etcdserver: requested lease not found")
    assert store.apply(lab.Put(b"a", b"x", 1)) == gone
    assert store.apply(lab.LeaseRevoke(1)) == gone
    assert store.query(lab.LeaseList()).ids == (2,)
    assert store.apply(lab.LeaseGrant(1, 3)).ttl == 2, "the least time to live"


@graded(
    points=4,
    title="The history tells every change, in order",
    requirement="commands.py, Changes: from a revision on; events of one revision stay together",
)
def test_changes_are_told_from_any_revision_on_in_pieces_that_miss_nothing(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        random = Random(seed)
        commands, dumb, store = Commands(lab, random), DumbStore(lab), lab.Store()
        for _ in range(60):
            command = commands.any(dumb.revision)
            if type(command).__name__ != "Compact":
                dumb.change(command)
                store.apply(command)
        start = random.randrange(1, dumb.revision + 1)
        told: list[Any] = []
        revision = start
        while revision <= dumb.revision:
            piece: Any = store.query(lab.Changes(revision, limit=random.randrange(1, 5)))
            assert all(revision <= kv.mod_revision <= piece.revision for kv in piece.events)
            for kv, previous in zip(piece.events, piece.previous, strict=True):
                assert previous == dumb.states[kv.mod_revision - 1].get(kv.key), f"before {kv}"
            told += piece.events
            revision = piece.revision + 1
        assert told == [kv for kv in dumb.events if kv.mod_revision >= start]


@graded(
    points=1,
    title="Changes tell up to which revision they are whole",
    requirement="commands.py, Events: where to go on from",
)
def test_changes_say_up_to_which_revision_they_are_whole(lab: EtcdLab) -> None:
    both = lab.Txn((), (lab.Put(b"b", b"3"), lab.Put(b"c", b"3")))
    store = filled(lab, lab.Put(b"a", b"2"), both, lab.Put(b"a", b"4"))
    for start, limit, upto in ((2, 1, 2), (2, 2, 3), (2, 3, 3), (2, 9, 4), (4, 1, 4), (5, 1, 4)):
        told = store.query(lab.Changes(start, limit=limit))
        assert told.revision == upto, f"at most {limit} from revision {start} on"
    assert store.query(lab.Changes(5)).events == ()
    assert filled(lab).query(lab.Changes(1)).revision == 1


@graded(
    points=1,
    title="A limit counts what is within the bounds",
    requirement="commands.py, Range: the bounds of revisions, all of them, and the limit",
)
def test_a_limit_counts_what_is_within_all_bounds(lab: EtcdLab) -> None:
    store = filled(lab, *(lab.Put(key, b"") for key in (b"a", b"b", b"c", b"d", b"a")))
    cases: list[tuple[dict[str, Any], list[bytes]]] = [
        ({"min_mod_revision": 4, "limit": 1}, [b"a"]),
        ({"min_mod_revision": 4, "max_mod_revision": 5, "limit": 1}, [b"c"]),
        ({"min_create_revision": 4, "limit": 5}, [b"c", b"d"]),
        ({"min_mod_revision": 4, "max_create_revision": 4}, [b"a", b"c"]),
        ({"max_mod_revision": 3, "min_create_revision": 1}, [b"b"]),
    ]
    for bounds, keys in cases:
        found = store.apply(lab.Range(b"a", b"\0", **bounds))
        assert [kv.key for kv in found.kvs] == keys, f"{bounds}"


@graded(
    points=2,
    title="Who asks for changes that are forgotten hears so",
    requirement="commands.py, Changes and Events",
)
def test_changes_before_the_compacted_revision_are_refused(lab: EtcdLab) -> None:
    store = filled(lab, *(lab.Put(b"a", b"%d" % number) for number in range(2, 8)))
    store.apply(lab.Compact(5))
    forgotten = store.query(lab.Changes(4))
    assert (forgotten.compacted, forgotten.events) == (5, ())
    told = store.query(lab.Changes(5))
    assert told.compacted <= 0
    assert [kv.value for kv in told.events] == [b"5", b"6", b"7"]
    assert told.previous[0] is None, "what was before is forgotten"
    deleted = store.apply(lab.DeleteRange(b"a")).revision
    store.apply(lab.Compact(deleted))
    (event,) = store.query(lab.Changes(deleted)).events
    assert event.is_deletion(), "who watches from the compacted revision on hears of a deletion"


@graded(
    points=3,
    title="What is wrong by itself never reaches the log",
    requirement="problems.py: etcd's texts, in etcd's order",
)
def test_requests_that_are_wrong_by_themselves_are_refused(lab: EtcdLab) -> None:
    put, look, drop = lab.Put(b"a"), lab.Range(b"a"), lab.DeleteRange(b"a", b"c")
    inner = lab.Txn((), (look,) * 100)
    twice = "etcdserver: duplicate key given in txn request"
    for request, problem in (
        (put, None),
        (lab.Put(b""), "etcdserver: key is not provided"),
        (lab.Range(b""), "etcdserver: key is not provided"),
        (lab.Put(b"a", b"x", ignore_value=True), "etcdserver: value is provided"),
        (lab.Put(b"a", lease=1, ignore_lease=True), "etcdserver: lease is provided"),
        (lab.Txn((), (look,) * 128), None),
        (lab.Txn((), (look,) * 129), "etcdserver: too many operations in txn request"),
        (lab.Txn((), (look,) * 27 + (inner,)), None),
        (lab.Txn((), (look,) * 28 + (inner,)), "etcdserver: too many operations in txn request"),
        (lab.Txn((), (put, put)), twice),
        (lab.Txn((), (drop, put)), twice),
        (lab.Txn((), (lab.DeleteRange(b"a", b"\0"), put)), None),
        (lab.Txn((), (lab.Txn((), (drop,)), put)), twice),
        (lab.Txn((), (put,), (put,)), None),
        (lab.Txn((), (lab.Txn((), (put,), (put,)),)), None),
        (lab.Txn((), (lab.Txn((), (put,)), put)), twice),
        (lab.Txn((), (lab.Txn((), (put, put), ()),)), twice),
        (lab.Txn((), (lab.Txn((), (), (drop, put)),)), twice),
        (lab.Txn((), (lab.Txn((), (put,)), lab.Txn((), (put,)))), twice),
        (lab.Txn((), (lab.Txn((), (), (put,)), lab.Txn((), (put,)))), twice),
        (lab.Txn((), (lab.Txn((), (drop,)), lab.Txn((), (put,)))), twice),
        (lab.Txn((), (drop, lab.Txn((), (put,)))), twice),
        (lab.Txn((), (None,)), "etcdserver: key not found"),
        (lab.Put(b"a", b"x" * 2_000_000), "etcdserver: request is too large"),
    ):
        assert lab.problem_of(request) == problem, f"{request}"[:200]


@graded(
    points=3,
    title="A full store takes nothing in, and can be emptied",
    requirement="store.py: the quota, and the alarm that stays on until somebody ends it",
)
def test_a_full_store_refuses_puts_until_it_is_compacted_and_the_alarm_ended(lab: EtcdLab) -> None:
    store = filled(lab, lab.LeaseGrant(60, 1), quota=4000)
    full = lab.Refused("etcdserver: mvcc: database space exceeded")
    results = [store.apply(lab.Put(b"a", b"x" * 500)) for _ in range(10)]
    assert full in results
    taken = results.index(full)
    assert taken >= 5
    assert results[taken:] == [full] * (10 - taken)
    small = lab.Put(b"a", b"x")
    assert store.apply(small) == full, "small ones too: the alarm is on"
    assert store.apply(lab.LeaseGrant(60, 2)) == full
    assert store.apply(lab.Txn((), (), (small,))) == full, "whichever side it would take"
    assert store.apply(lab.Txn((), (lab.Range(b"a"),))).succeeded
    assert store.apply(lab.DeleteRange(b"a")).deleted == 1, "what frees space is taken"
    restored = lab.Store(4000)
    restored.restore(store.snapshot())
    assert restored.apply(small) == full, "the alarm is part of the state"
    store.apply(lab.Compact(store.apply(lab.Range(b"a")).revision))
    assert store.apply(small) == full
    store.apply(lab.Arm(5))
    store.apply(lab.Disarm())
    assert store.apply(small) == full, "a member has raised it as well"
    store.apply(lab.Disarm(5))
    assert isinstance(store.apply(small), lab.PutResult)
