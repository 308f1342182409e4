"""What a Range returns of the versions found: bounds, order, limit, in that order. Pure."""

from collections.abc import Callable
from typing import Any

from stage5_fault_tolerance.etcd.commands import Range
from stage5_fault_tolerance.etcd.history import History
from stage5_fault_tolerance.etcd.results import KeyValue, RangeResult, Refused
from stage5_fault_tolerance.etcd.texts import COMPACTED, FUTURE_REVISION

SORT_KEYS: dict[str, Callable[[KeyValue], Any]] = {
    "key": lambda kv: kv.key,
    "version": lambda kv: kv.version,
    "create": lambda kv: kv.create_revision,
    "mod": lambda kv: kv.mod_revision,
    "value": lambda kv: kv.value,
}


def problem_of_revision(history: History, revision: int) -> str | None:
    """Why nothing can be read as of ``revision``; None if it can. 0 and below stand for now."""
    if revision > history.revision:
        return FUTURE_REVISION
    if 0 < revision < history.compacted:
        return COMPACTED
    return None


def problem_of_step(history: History, revision: int) -> str | None:
    """Likewise within a transaction, where 0 alone stands for now, as in etcd."""
    if revision < 0 and revision < history.compacted:
        return COMPACTED
    return problem_of_revision(history, revision)


def read(history: History, asked: Range, revision_now: int) -> RangeResult | Refused:
    """Carry out a Range.

    Args:
        history: where to look.
        asked: what to look for.
        revision_now: the revision to tell; within a transaction that has changed something it is
            that of the change, which ``history`` holds already but does not count yet.
    """
    if problem := problem_of_revision(history, asked.revision):
        return Refused(problem)
    found = history.scan(
        asked.key, asked.range_end, asked.revision if asked.revision > 0 else revision_now
    )
    count = len(found)
    if asked.count_only:
        return RangeResult(revision_now, (), count)
    kvs, more = select(asked, found)
    if asked.keys_only:
        kvs = [without_value(kv) for kv in kvs]
    return RangeResult(revision_now, tuple(kvs), count, more)


def select(asked: Range, found: list[KeyValue]) -> tuple[list[KeyValue], bool]:
    """Which of those found to return, in which order; and whether the limit leaves out some.

    What is equal in the target stays in the order of keys, upwards and downwards (in etcd it is in
    no order at all). Without an order, but with a target other than the key, the order is
    ascending; and the limit then counts before sorting (so it is in etcd: it reads no more than it
    needs).
    """
    bounds = bounds_of(asked)
    if asked.limit > 0 and asked.sort_order == "none" and not bounds:
        found = found[: asked.limit + 1]
    for low, high, revision_of in bounds:
        found = [
            kv for kv in found if low <= revision_of(kv) and (not high or revision_of(kv) <= high)
        ]
    if asked.sort_order != "none" or asked.sort_target != "key":
        descend = asked.sort_order == "descend"
        found = sorted(found, key=SORT_KEYS[asked.sort_target], reverse=descend)
    more = 0 < asked.limit < len(found)
    return (found[: asked.limit] if more else found), more


def bounds_of(asked: Range) -> list[tuple[int, int, Callable[[KeyValue], int]]]:
    """The bounds that are asked for: least, greatest or 0, and of which number."""
    bounds: list[tuple[int, int, Callable[[KeyValue], int]]] = [
        (asked.min_mod_revision, asked.max_mod_revision, lambda kv: kv.mod_revision),
        (asked.min_create_revision, asked.max_create_revision, lambda kv: kv.create_revision),
    ]
    return [bound for bound in bounds if bound[0] or bound[1]]


def without_value(kv: KeyValue) -> KeyValue:
    """The same version with an empty value."""
    return KeyValue(kv.key, b"", kv.create_revision, kv.mod_revision, kv.version, kv.lease)
