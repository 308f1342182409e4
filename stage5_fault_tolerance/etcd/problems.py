"""What is wrong with a request whatever the store holds; it never reaches the log. Pure.

The order of the checks is etcd's, so that a request with two faults is refused for the same one.
"""

from stage5_fault_tolerance.etcd.commands import FROM_KEY_ON, Compare, DeleteRange, Put, Range, Txn
from stage5_fault_tolerance.etcd.history import span
from stage5_fault_tolerance.etcd.texts import (
    DUPLICATE_KEY,
    EMPTY_KEY,
    KEY_NOT_FOUND,
    LEASE_PROVIDED,
    TOO_LARGE,
    TOO_MANY_OPS,
    VALUE_PROVIDED,
)

MOST_STEPS = 128
"""Most conditions, and most steps on either side, of a transaction and those within it."""


BYTES_BESIDE = 64
"""Counted for each part of a request beside its keys and values."""

MOST_BYTES = 1_572_864
"""Most bytes of a request, 1.5 MiB as in etcd; two entries of that size fit into a frame."""


def problem_of(request: object) -> str | None:
    """The text with which to refuse a request; None if there is nothing wrong with it."""
    if size_of(request) > MOST_BYTES:
        return TOO_LARGE
    match request:
        case Put(key, value, lease):
            if not key:
                return EMPTY_KEY
            if request.ignore_value and value:
                return VALUE_PROVIDED
            return LEASE_PROVIDED if request.ignore_lease and lease else None
        case Range(key) | DeleteRange(key):
            return None if key else EMPTY_KEY
        case Txn():
            return _too_much(request, MOST_STEPS) or _twice(request)
    return None


def size_of(request: object) -> int:
    """About how many bytes a request takes in a message."""
    match request:
        case Put(key, value):
            return len(key) + len(value) + BYTES_BESIDE
        case Range(key, range_end) | DeleteRange(key, range_end):
            return len(key) + len(range_end) + BYTES_BESIDE
        case Txn():
            parts = (*request.compares, *request.success, *request.failure)
            return sum(map(size_of, parts)) + BYTES_BESIDE
        case Compare(key, _, _, wanted):
            return len(key) + (len(wanted) if isinstance(wanted, bytes) else 0) + BYTES_BESIDE
    return BYTES_BESIDE


def _too_much(txn: Txn, most: int) -> str | None:
    """Count steps, and look at each; an inner transaction has what the outer one leaves."""
    count = max(len(txn.compares), len(txn.success), len(txn.failure))
    if count > most:
        return TOO_MANY_OPS
    if any(not compare.key for compare in txn.compares):
        return EMPTY_KEY
    for step in (*txn.success, *txn.failure):
        if isinstance(step, Txn):
            problem = _too_much(step, most - count)
        elif isinstance(step, Put | Range | DeleteRange):
            problem = problem_of(step)
        else:
            problem = KEY_NOT_FOUND
        if problem:
            return problem
    return None


def _twice(txn: Txn) -> str | None:
    sides = (_touched(txn.success), _touched(txn.failure))
    return None if all(side is not None for side in sides) else DUPLICATE_KEY


def _touched(steps: tuple[object, ...]) -> tuple[set[bytes], list[DeleteRange]] | None:
    """What steps put and what they delete; None if a key is put twice, or put and deleted.

    Only one side of an inner transaction is taken, so its sides may put the same key. Deletions
    without an end are not looked at, as in etcd; the steps are simply taken in their order.
    """
    puts: set[bytes] = set()
    deletes = [step for step in steps if isinstance(step, DeleteRange)]
    deletes = [delete for delete in deletes if delete.range_end != FROM_KEY_ON]
    inner_deletes: list[DeleteRange] = []
    for step in steps:
        if isinstance(step, Txn):
            then, otherwise = _touched(step.success), _touched(step.failure)
            if then is None or otherwise is None:
                return None
            both = then[0] | otherwise[0]
            if both & puts or _any_deleted(both, deletes + inner_deletes):
                return None
            puts |= both
            inner_deletes += then[1] + otherwise[1]
    deletes += inner_deletes
    for step in steps:
        if isinstance(step, Put):
            if step.key in puts or _any_deleted({step.key}, deletes):
                return None
            puts.add(step.key)
    return puts, deletes


def _any_deleted(keys: set[bytes], deletes: list[DeleteRange]) -> bool:
    return any(span([key], each.key, each.range_end) for key in sorted(keys) for each in deletes)
