"""The conditions of transactions, and which steps follow from them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from stage5_fault_tolerance.etcd.commands import Compare, DeleteRange, Put, Range, Txn
from stage5_fault_tolerance.etcd.history import History
from stage5_fault_tolerance.etcd.results import KeyValue

NOTHING = KeyValue(b"", b"", 0, 0, 0, 0)
"""What comparisons see of a key that is not there."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A transaction whose conditions are answered, and those of the transactions within it.

    Attributes:
        succeeded: whether all conditions held.
        steps: those of the side taken; transactions among them are Chosen themselves.
    """

    succeeded: bool
    steps: "tuple[object | Chosen, ...]"


def choose(history: History, txn: Txn) -> Chosen:
    """Answer all conditions, inner ones too, before any step changes anything."""
    succeeded = all(holds(history, compare) for compare in txn.compares)
    steps = txn.success if succeeded else txn.failure
    chosen = [choose(history, step) if isinstance(step, Txn) else step for step in steps]
    return Chosen(succeeded, tuple(chosen))


def flat(chosen: Chosen) -> Iterator[object]:
    """The steps that will be taken, those of inner transactions in their places."""
    for step in chosen.steps:
        if isinstance(step, Chosen):
            yield from flat(step)
        else:
            yield step


def holds(history: History, compare: Compare) -> bool:
    """Whether a condition holds of each key of its span, or of one that is not there."""
    found = history.scan(compare.key, compare.range_end, history.revision)
    if not found:
        return compare.target != "value" and _is_true(compare, NOTHING)
    return all(_is_true(compare, kv) for kv in found)


def _is_true(compare: Compare, kv: KeyValue) -> bool:
    match _target(compare, kv), compare.wanted:
        case bytes(there), bytes(wanted):
            order = (there > wanted) - (there < wanted)
        case int(number), int(bound):
            order = (number > bound) - (number < bound)
        case _:
            return False
    return {"=": order == 0, "!=": order != 0, "<": order < 0, ">": order > 0}[compare.relation]


def _target(compare: Compare, kv: KeyValue) -> bytes | int:
    match compare.target:
        case "value":
            return kv.value
        case "version":
            return kv.version
        case "create":
            return kv.create_revision
        case "mod":
            return kv.mod_revision
    return kv.lease


def may_be_stale(txn: Txn) -> bool:
    """Whether each step of a transaction that only reads may read what is stale."""
    steps = (*txn.success, *txn.failure)
    return all(isinstance(step, Range) and step.serializable for step in steps)


def changes_something(txn: Txn) -> bool:
    """Whether any step of either side, or of an inner transaction, may change the store."""
    return any(
        isinstance(step, Put | DeleteRange) or (isinstance(step, Txn) and changes_something(step))
        for step in (*txn.success, *txn.failure)
    )
