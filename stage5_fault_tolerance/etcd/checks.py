"""What clients of the lab ask for, and how histories of requests about single keys are judged."""

from random import Random
from typing import Any

from common.check.linearizability import check_linearizability
from common.check.models import KEY_VALUE
from common.check.verdict import Verdict
from common.contract.events import NodeId
from common.values.history import Failed, History, Ok, Operation
from stage5_fault_tolerance.etcd.commands import Compare, DeleteRange, Put, Range, Txn

KEYS = (b"lab/x", b"lab/y", b"lab/z")


def some_request(random: Random, client: NodeId, number: int) -> object:
    """Half questions, half changes; no value is put twice."""
    key, value = random.choice(KEYS), f"{client}.{number}".encode()
    drawn = random.randrange(10)
    if drawn < 5:
        return Range(key)
    if drawn < 7:
        return Put(key, value)
    if drawn < 9:
        return Txn((Compare(key, "version", "=", 0),), (Put(key, value),))
    return DeleteRange(key)


def as_key_value(operation: Operation) -> Operation:
    """A request about one key as an operation on a plain map of keys to values.

    A Put, a DeleteRange or a Range of one key, or a Txn that puts a key if its condition holds.
    """
    argument: Any = operation.argument
    outcome = operation.outcome
    value: Any = outcome.value if isinstance(outcome, Ok) else None
    key = operation.key
    match operation.function:
        case "put":
            function, argument, value = "put", argument[0], None
        case "delete-range":
            function, argument, value = "delete", None, value and bool(value.deleted)
        case "range":
            function, argument = "get", None
            value = value.kvs[0].value if value and value.kvs else None
            outcome = outcome if isinstance(outcome, Ok) else Failed()
        case _:
            compare, put = argument[0][0], argument[1][0]
            key, function, argument = compare.key, "compare-and-set", (None, put.value)
            value = value and value.succeeded
    if isinstance(outcome, Ok):
        outcome = Ok(value)
    times = (operation.invoked_at, operation.returned_at)
    return Operation(operation.process, function, key, argument, *times, outcome)


def linearizable(history: History) -> Verdict:
    """Whether each key behaved like one register that never stops."""
    return check_linearizability(History([as_key_value(each) for each in history]), KEY_VALUE)
