"""Graded suite of the lab ``etcd``, part 2: snapshots of the store, and what comes back of them."""

from random import Random
from typing import Any

from common.course.suites.grading import Sweep, graded
from tests.stage5_fault_tolerance.etcd.dumb import Commands
from tests.stage5_fault_tolerance.etcd.lab import EtcdLab

LAB = "etcd"


@graded(
    points=4,
    title="Snapshots hold everything",
    requirement="Application.snapshot: the whole state; equal for equal states",
)
def test_a_store_restored_from_a_snapshot_goes_on_like_the_first(
    lab: EtcdLab, sweep: Sweep
) -> None:
    for seed in sweep(10):
        commands, first = Commands(lab, Random(seed)), lab.Store()
        first.apply(lab.LeaseGrant(60, 9))
        first.apply(lab.Put(b"A", b"held", 9))
        first.apply(lab.Put(b"S", b"held by nobody"))
        for _ in range(60):
            first.apply(commands.any(first.history.revision))
        second = lab.Store()
        second.apply(lab.LeaseGrant(60, 77))
        second.apply(lab.Put(b"what was here", b"before", 77))
        second.apply(lab.LeaseGrant(60, 9))
        second.apply(lab.Put(b"S", b"held here before", 9))
        before = second.leases.version
        second.apply(lab.Arm(5))
        second.restore(first.snapshot())
        assert second.leases.held[9].version > before, "the lease of this id is another one now"
        assert second.snapshot() == first.snapshot()
        for number in range(60):
            command = commands.any(first.history.revision)
            expected = first.apply(command)
            assert second.apply(command) == expected, f"command {number}: {command}"
        assert second.apply(lab.LeaseRevoke(9)) == first.apply(lab.LeaseRevoke(9))
        assert second.snapshot() == first.snapshot()
        compacted = max(first.history.compacted, 1)
        assert second.query(lab.Changes(compacted)) == first.query(lab.Changes(compacted))


@graded(
    points=2,
    title="Who holds a key after a snapshot",
    requirement="Store.restore: the leases, and which key is attached to which now",
)
def test_after_a_snapshot_a_key_goes_only_with_the_lease_that_held_it_last(lab: EtcdLab) -> None:
    first, second = lab.Store(), lab.Store()
    for id in (7, 8):
        first.apply(lab.LeaseGrant(60, id))
    for key, leases in {b"moved": (7, 8), b"free": (7, 0), b"held": (0, 7)}.items():
        for lease in leases:
            first.apply(lab.Put(key, b"", lease))
    for change in (lab.Put(b"anew", b"", 7), lab.DeleteRange(b"anew"), lab.Put(b"anew")):
        first.apply(change)
    second.restore(first.snapshot())
    for id, left in ((7, [b"anew", b"free", b"moved"]), (8, [b"anew", b"free"])):
        for store in (first, second):
            store.apply(lab.LeaseRevoke(id))
            found: Any = store.query(lab.Range(b"\0", b"\0"))
            assert [kv.key for kv in found.kvs] == left
    assert second.snapshot() == first.snapshot()


def parts_of(lab: EtcdLab, snapshot: object) -> list[Any]:
    """The parts of the history that a snapshot has, wherever they stand in it."""
    if isinstance(snapshot, tuple):
        return [part for each in snapshot for part in parts_of(lab, each)]
    return [snapshot] if isinstance(snapshot, lab.HistoryPart) else []


@graded(
    points=2,
    title="A long history is kept in parts",
    requirement="Store.snapshot: parts of about CHUNK bytes, each small enough to be sent",
)
def test_a_long_history_is_kept_in_parts_and_comes_back_whole(lab: EtcdLab) -> None:
    chunk: int = lab.CHUNK
    value = b"x" * (chunk // 4)
    store: Any = lab.Store()
    for number in range(11):
        store.apply(lab.Put(b"%d" % number, value))
    parts = parts_of(lab, store.snapshot())
    sizes = [sum(len(kv.value) for kv in part.log) for part in parts]
    assert sum(sizes) == 11 * len(value), "each version once"
    assert max(sizes) <= 2 * chunk
    assert all(size >= chunk // 2 for size in sizes[:-1]), f"many small parts: {sizes}"
    restored: Any = lab.Store()
    restored.restore(store.snapshot())
    assert restored.query(lab.Changes(1)) == store.query(lab.Changes(1))
