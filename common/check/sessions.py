"""Session guarantees: what one client may rely on although its requests reach different replicas.

Terry et al. 1994, "Session guarantees for weakly consistent replicated data", section 3, here for
each key by itself (across keys, all four together are causal consistency: see
:mod:`common.check.causal`). A session is a process. Each guarantee says of two operations of one
session on one key that one version is older than another:

* *read your writes*: what I wrote is not newer than what I read later;
* *monotonic reads*: what I read is not newer than what I read later;
* *monotonic writes*: what I wrote is older than what I write later;
* *writes follow reads*: what I read is older than what I write later.

A history alone does not say in which order the versions of a key came. So the question asked is:
*is there* an order of the versions that keeps the guarantees? There is exactly when "older than"
has no cycle. A cycle names the guarantees that cannot all have been kept. Where the true order is
known (from a replica's log, say), pass it, and each guarantee is judged by itself.
"""

import enum
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from common.check.cycles import shortest_cycle
from common.check.model import frozen, show
from common.check.verdict import Answer, Budget, OutOfBudget, Verdict, count_ok, out_of_budget
from common.check.versions import Access, accesses
from common.values.errors import BadInput
from common.values.history import Operation


class Guarantee(enum.Enum):
    """The four guarantees."""

    READ_YOUR_WRITES = "read your writes"
    MONOTONIC_READS = "monotonic reads"
    MONOTONIC_WRITES = "monotonic writes"
    WRITES_FOLLOW_READS = "writes follow reads"


ALL = tuple(Guarantee)

_BY_KINDS = {
    (True, False): Guarantee.READ_YOUR_WRITES,
    (False, False): Guarantee.MONOTONIC_READS,
    (True, True): Guarantee.MONOTONIC_WRITES,
    (False, True): Guarantee.WRITES_FOLLOW_READS,
}


@dataclass(frozen=True, slots=True)
class _Older:
    """That ``older`` is an older version than ``newer``, and who says so (None: it is given)."""

    older: Hashable
    newer: Hashable
    guarantee: Guarantee | None
    first: Operation | None = None
    second: Operation | None = None

    def __str__(self) -> str:
        if self.guarantee is None:
            return f"{show(self.older)} is older than {show(self.newer)}"
        return (
            f"{self.first} then {self.second} makes {show(self.older)} older than "
            f"{show(self.newer)} ({self.guarantee.value})"
        )


def check_sessions(
    history: Iterable[Operation],
    guarantees: Sequence[Guarantee] = ALL,
    version_order: Mapping[object, Sequence[object]] | None = None,
    budget: Budget | None = None,
) -> Verdict:
    """Decide whether the sessions of a history kept ``guarantees``, all of them together.

    Args:
        history: reads and writes of one value for each key, no value written twice to a key.
        guarantees: which to check.
        version_order: for keys whose versions' true order is known, the values, oldest first.
        budget: one step is taken for each pair of operations compared.

    Raises:
        BadInput: the history holds something else.
    """
    budget = budget or Budget()
    found = accesses(history, "sessions")
    if found.thin_air is not None:
        operation = found.thin_air.operation
        sentence = f"No session guarantee holds: {operation} saw a value that nobody wrote."
        return Verdict(Answer.NO, sentence, (operation,), len(found.all), "thin-air read")
    by_key: dict[Hashable, list[Access]] = {}
    for access in found.all:
        by_key.setdefault(access.key, []).append(access)
    given = {frozen(key): order for key, order in (version_order or {}).items()}
    try:
        for key, part in by_key.items():
            for asked in (*([each] for each in guarantees), guarantees):
                cycle = _find_cycle(part, asked, given.get(key, ()), budget)
                if cycle:
                    return _violation(key, cycle, budget)
    except OutOfBudget:
        return out_of_budget(f"sessions of {len(found.all)} operations", budget)
    names = ", ".join(guarantee.value for guarantee in guarantees)
    sentence = f"Kept by every session, {len(found.all)} operations in all: {names}."
    ok = count_ok(each.operation for each in found.all)
    return Verdict(Answer.YES, sentence, steps=budget.spent, rests_on=ok)


def _find_cycle(
    part: list[Access], guarantees: Sequence[Guarantee], order: Sequence[object], budget: Budget
) -> list[_Older]:
    """What cannot all be true of the versions of one key; empty if it can."""
    edges = [*_given(order), *_edges(part, guarantees, budget)]
    return _contradiction(edges, order) or shortest_cycle(
        {(edge.older, edge.newer): edge for edge in reversed(edges)}
    )


def _edges(part: list[Access], guarantees: Sequence[Guarantee], budget: Budget) -> Iterable[_Older]:
    """What each session says about the versions of one key.

    Where earlier reads (or writes) are in a chain already, the last of them speaks for all.
    """
    chained = {
        False: Guarantee.MONOTONIC_READS in guarantees,
        True: Guarantee.MONOTONIC_WRITES in guarantees,
    }
    earlier: dict[tuple[str, bool], list[Access]] = {}
    for access in part:
        if access.value is not None:
            yield _Older(None, access.value, None)
        for was_write in (True, False):
            guarantee = _BY_KINDS[was_write, access.is_write]
            if guarantee not in guarantees:
                continue
            before = earlier.get((access.operation.process, was_write), [])
            budget.spend(len(before) + 1)
            for each in before:
                if each.value != access.value or access.is_write:
                    yield _Older(
                        each.value, access.value, guarantee, each.operation, access.operation
                    )
        if access.certain:
            known = earlier.setdefault((access.operation.process, access.is_write), [])
            if chained[access.is_write]:
                known.clear()
            known.append(access)


def _given(order: Sequence[object]) -> list[_Older]:
    values = [frozen(value) for value in order]
    if len(set(values)) != len(values):
        raise BadInput(f"a version order names a value twice: {list(order)!r}")
    return [_Older(older, newer, None) for older, newer in pairwise(values)]


def _contradiction(edges: list[_Older], order: Sequence[object]) -> list[_Older]:
    """What the first session says that is against the given order, and what the order says."""
    rank = {frozen(value): place for place, value in enumerate(order)}
    for edge in edges:
        known = edge.older in rank and edge.newer in rank
        if edge.guarantee is not None and known and rank[edge.older] > rank[edge.newer]:
            return [edge, _Older(edge.newer, edge.older, None)]
    return []


def _violation(key: Hashable, cycle: list[_Older], budget: Budget) -> Verdict:
    names = list(dict.fromkeys(edge.guarantee.value for edge in cycle if edge.guarantee))
    where = "" if key is None else f" on key {key!r}"
    kept = ("not kept", "not both kept", "not all kept")[min(len(names), 3) - 1]
    reasons = ", but ".join(str(edge) for edge in cycle)
    operations = {
        id(each): each for edge in cycle for each in (edge.first, edge.second) if each is not None
    }
    window = tuple(sorted(operations.values(), key=lambda each: each.invoked_at))
    sentence = f"{' and '.join(names).capitalize()} {kept}{where}: {reasons}."
    return Verdict(Answer.NO, sentence, window, budget.spent, " + ".join(names))
