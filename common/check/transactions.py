"""Transactions that append to lists and read them, and what their reads say by themselves.

Lists are what makes a history tell its own story (Kingsbury and Alvaro 2020, "Elle: inferring
isolation anomalies from experimental observations", section 4): each value is appended once to a
key, so a list names every transaction that wrote the key, in the order of its versions.

A transaction is an operation ``txn``. Its argument is a tuple of ``("append", key, value)`` and
``("r", key, None)``; its result is the same with the lists that were read filled in.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from common.check.model import frozen, show
from common.values.errors import BadInput
from common.values.history import Failed, Ok, Operation

Key: TypeAlias = Hashable
Value: TypeAlias = Hashable
Values: TypeAlias = tuple[Value, ...]


@dataclass(slots=True, eq=False)
class Transaction:
    """One transaction.

    Attributes:
        number: its place in the order of invocations, from 1.
        operation: what it was in the history.
        steps: ``append`` or ``r``, the key, and the value appended or the list read (None if the
            result is unknown), in order.
    """

    number: int
    operation: Operation
    steps: list[tuple[str, Key, Value]]

    @property
    def is_committed(self) -> bool:
        """Whether it certainly happened."""
        return isinstance(self.operation.outcome, Ok)

    @property
    def is_aborted(self) -> bool:
        """Whether it certainly did not happen."""
        return isinstance(self.operation.outcome, Failed)

    def appends(self, key: Key | None = None) -> Iterator[tuple[Key, Value]]:
        """What it appended (to ``key``), in order."""
        for function, own, value in self.steps:
            if function == "append" and (key is None or own == key):
                yield own, value

    def reads(self) -> Iterator[tuple[Key, Values]]:
        """What others had appended to each key, as each of its reads saw it."""
        own: dict[Key, int] = {}
        for function, key, value in self.steps:
            if function == "append":
                own[key] = own.get(key, 0) + 1
            elif isinstance(value, tuple):
                yield key, value[: len(value) - own.get(key, 0)]

    def __str__(self) -> str:
        return f"T{self.number}"


@dataclass(slots=True)
class Anomaly:
    """Something that cannot be, whatever the order of the transactions."""

    name: str
    sentence: str
    transactions: list[Transaction]


@dataclass(slots=True)
class Transactions:
    """A whole history.

    Attributes:
        all: in the order of their invocations.
        appended_by: the transaction that appended a value to a key.
        versions: the longest list read of each key.
    """

    all: list[Transaction] = field(default_factory=list)
    appended_by: dict[tuple[Key, Value], Transaction] = field(default_factory=dict)
    versions: dict[Key, Values] = field(default_factory=dict)


def transactions(history: Iterable[Operation]) -> Transactions:
    """Take a history of transactions apart.

    Raises:
        BadInput: an operation is no such transaction, or a value is appended twice to a key.
    """
    found = Transactions()
    for operation in sorted(history, key=lambda each: each.invoked_at):
        transaction = Transaction(len(found.all) + 1, operation, _steps(operation))
        found.all.append(transaction)
        own: set[tuple[Key, Value]] = set()
        for key, value in transaction.appends():
            other = found.appended_by.setdefault((key, value), transaction)
            if other is not transaction or (key, value) in own:
                raise BadInput(
                    f"{other} and {transaction} ({operation}) append {show(value)} to "
                    f"{show(key)}: every value must be appended once to a key"
                )
            own.add((key, value))
    return found


def _steps(operation: Operation) -> list[tuple[str, Key, Value]]:
    if operation.function != "txn":
        raise BadInput(
            f"list-append knows no {operation.function!r} (in {operation}); it knows txn"
        )
    asked = _parsed(operation.argument, operation)
    if not isinstance(operation.outcome, Ok):
        return [(name, key, value if name == "append" else None) for name, key, value in asked]
    told = _parsed(operation.outcome.value, operation)
    if [_shape(step) for step in told] != [_shape(step) for step in asked]:
        raise BadInput(f"{operation}: the result is not the argument with the reads filled in")
    return [
        (name, key, () if name == "r" and value is None else value) for name, key, value in told
    ]


def _shape(step: tuple[str, Key, Value]) -> tuple[object, ...]:
    return step if step[0] == "append" else step[:2]


def _parsed(steps: object, operation: Operation) -> list[tuple[str, Key, Value]]:
    if not isinstance(steps, tuple | list):
        raise BadInput(f"{operation}: a transaction is a list of steps, not {steps!r}")
    found: list[tuple[str, Key, Value]] = []
    for step in steps:
        match step:
            case ("append", key, value) | ["append", key, value]:
                found.append(("append", frozen(key), frozen(value)))
            case ("r", key, (tuple() | list() | None) as value) | [
                "r",
                key,
                (tuple() | list() | None) as value,
            ]:
                found.append(("r", frozen(key), frozen(value)))
            case _:
                raise BadInput(
                    f"{operation}: {step!r} is no step: write [append, key, value] or "
                    "[r, key, nothing or a list]"
                )
    return found


def find_versions(found: Transactions) -> Anomaly | None:
    """Fill in ``versions``; the first anomaly that reads show by themselves, if there is one."""
    longest: dict[Key, Transaction] = {}
    for reader in found.all:
        if not reader.is_committed:
            continue
        for anomaly in (_internal(reader), _unfounded(reader, found)):
            if anomaly is not None:
                return anomaly
        for function, key, seen in reader.steps:
            if function != "r" or not isinstance(seen, tuple):
                continue
            known = found.versions.get(key, ())
            short, long = sorted((known, seen), key=len)
            if long[: len(short)] != short:
                other = longest[key]
                sentence = (
                    f"{other} read {show(key)} as {show(known)} and {reader} as {show(seen)}, "
                    "neither of which begins with the other"
                )
                return Anomaly("incompatible-order", sentence, [other, reader])
            if len(seen) > len(known) or key not in longest:
                found.versions[key], longest[key] = seen, reader
    return None


def _internal(reader: Transaction) -> Anomaly | None:
    """Whether each read shows what the transaction itself had read and appended before."""
    known: dict[Key, Values] = {}
    own: dict[Key, Values] = {}
    for function, key, value in reader.steps:
        if function == "append":
            own[key] = (*own.get(key, ()), value)
            continue
        assert isinstance(value, tuple), "the reads of a committed transaction are known"
        mine = own.get(key, ())
        expected = (*known[key], *mine) if key in known else None
        if (expected is not None and value != expected) or value[len(value) - len(mine) :] != mine:
            wanted = show(expected) if expected is not None else f"a list that ends in {show(mine)}"
            sentence = (
                f"{reader} read {show(key)} as {show(value)}, but after its own earlier steps "
                f"it is {wanted}"
            )
            return Anomaly("internal", sentence, [reader])
        known[key], own[key] = value, ()
    return None


def _unfounded(reader: Transaction, found: Transactions) -> Anomaly | None:
    """Whether each value read was appended once, by a transaction that happened and was over."""
    for function, key, seen in reader.steps:
        if function != "r" or not isinstance(seen, tuple):
            continue
        what = f"{reader} read {show(key)} as {show(seen)}"
        if len(set(seen)) != len(seen):
            twice = next(value for place, value in enumerate(seen) if value in seen[:place])
            return Anomaly("duplicate-elements", f"{what}, with {show(twice)} twice", [reader])
        for value in seen:
            writer = found.appended_by.get((key, value))
            if writer is None:
                sentence = f"{what}, but nobody appended {show(value)}"
                return Anomaly("garbage-read", sentence, [reader])
            if writer.is_aborted:
                sentence = f"{what}, but {writer}, which appended {show(value)}, was aborted"
                return Anomaly("G1a", sentence, [writer, reader])
        writer = found.appended_by[key, seen[-1]] if seen else reader
        *_, last = (value for _, value in writer.appends(key)) if seen else (None,)
        if writer is not reader and last != seen[-1]:
            sentence = (
                f"{what}, a state in the middle of {writer}, which went on to append {show(last)}"
            )
            return Anomaly("G1b", sentence, [writer, reader])
    return None
