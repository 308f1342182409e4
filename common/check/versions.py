"""Reads and writes of single values, and which write each read saw.

The session and causal checkers work on *differentiated* histories (Bouajjani et al. 2017, section
2): no value is written twice to a key, so that a read names the write it saw.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from common.check.model import frozen
from common.values.errors import BadInput
from common.values.history import Failed, Ok, Operation

READS = frozenset({"read", "get"})
WRITES = frozenset({"write", "put"})


@dataclass(slots=True, eq=False)
class Access:
    """One read that returned, or one write that happened or may have.

    Attributes:
        operation: what it was in the history.
        number: its place in the order of invocations.
        key: of the value.
        value: written or seen; None is the initial one.
        is_write: whether it wrote.
        certain: whether it certainly happened, and before its process went on.
        source: for a read, the write that it saw; None for the initial value.
    """

    operation: Operation
    number: int
    key: Hashable
    value: Hashable
    is_write: bool
    certain: bool
    source: "Access | None" = None


@dataclass(slots=True)
class Accesses:
    """A history as reads and writes.

    Attributes:
        all: in the order of their invocations.
        writes: each write by key and value.
        thin_air: the first read of a value that nobody wrote, if there is one.
    """

    all: list[Access]
    writes: dict[tuple[Hashable, Hashable], Access]
    thin_air: Access | None = None


def accesses(history: Iterable[Operation], model: str) -> Accesses:
    """Take a history apart. Failed operations and reads without a result are left out.

    Args:
        history: reads and writes (``read``, ``get``, ``write``, ``put``).
        model: what is being checked, for errors.

    Raises:
        BadInput: another operation, or a value that is written twice to a key.
    """
    found = Accesses([], {})
    for operation in sorted(history, key=lambda each: each.invoked_at):
        is_write = operation.function in WRITES
        if not is_write and operation.function not in READS:
            raise BadInput(
                f"the check of {model} does not know {operation.function!r} (in {operation}); it "
                "knows read, write, get and put"
            )
        certain = isinstance(operation.outcome, Ok) and operation.returned_at is not None
        if isinstance(operation.outcome, Failed) or not (is_write or certain):
            continue
        held = operation.argument
        if not is_write and isinstance(operation.outcome, Ok):
            held = operation.outcome.value
        number = len(found.all)
        access = Access(operation, number, frozen(operation.key), frozen(held), is_write, certain)
        found.all.append(access)
        if is_write:
            _add_write(found, access, model)
    _find_sources(found)
    return found


def _add_write(found: Accesses, write: Access, model: str) -> None:
    if write.value is None:
        raise BadInput(f"{write.operation}: writing nothing cannot be told from the initial value")
    other = found.writes.setdefault((write.key, write.value), write)
    if other is not write:
        raise BadInput(
            f"the check of {model} needs every value to be written once to a key, but "
            f"{other.operation} and {write.operation} write the same"
        )


def _find_sources(found: Accesses) -> None:
    for access in found.all:
        if access.is_write or access.value is None:
            continue
        access.source = found.writes.get((access.key, access.value))
        if access.source is None:
            if access.value == "":
                access.value = None
            elif found.thin_air is None:
                found.thin_air = access
