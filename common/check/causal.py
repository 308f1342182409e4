"""Causal consistency: nobody sees an effect without its causes.

Bouajjani, Enea, Guerraoui and Hamza 2017, "On verifying causal consistency", section 5: where no
value is written twice to a key, a history is causally consistent exactly when it shows none of a
few *bad patterns*. With the causal order CO, which is the order of each process and the step from
each write to the reads that saw it, taken together and closed transitively, they are:

* *CyclicCO*: an operation comes before itself;
* *ThinAirRead*: a read saw what nobody wrote;
* *WriteCOInitRead*: a read saw the initial value, though a write to its key comes before it;
* *WriteCORead*: a read saw a write, though another write to its key comes between them.

Causal *convergence* also asks that all processes agree how conflicting writes are ordered:

* *CyclicCF*: if w2 comes before a read that saw w1, w1 must be ordered after w2; these demands and
  CO have a cycle.

A write of unknown outcome comes after what its process did before, and before nothing but the reads
that saw it.
"""

from collections.abc import Hashable, Iterable

from common.check.cycles import shortest_cycle
from common.check.verdict import Answer, Budget, OutOfBudget, Verdict, count_ok, out_of_budget
from common.check.versions import Access, Accesses, accesses
from common.values.history import Operation

_Edges = dict[tuple[int, int], str]
"""From one access to another, by number, and why."""


def check_causal(
    history: Iterable[Operation], budget: Budget | None = None, convergent: bool = False
) -> Verdict:
    """Decide whether a history is causally consistent.

    Args:
        history: reads and writes of one value for each key, no value written twice to a key.
        budget: one step is taken for each pair of a read and a write that comes before it.
        convergent: whether to ask for causal convergence.

    Raises:
        BadInput: the history holds something else.
    """
    budget = budget or Budget()
    found = accesses(history, "causal consistency")
    try:
        verdict = _bad_pattern(found, budget, convergent)
    except OutOfBudget:
        return out_of_budget(f"causal consistency of {len(found.all)} operations", budget)
    if verdict is not None:
        return verdict
    what = "Causally convergent" if convergent else "Causally consistent"
    sentence = f"{what}: all {len(found.all)} operations saw what came before what they saw."
    ok = count_ok(each.operation for each in found.all)
    return Verdict(Answer.YES, sentence, steps=budget.spent, rests_on=ok)


def _bad_pattern(found: Accesses, budget: Budget, convergent: bool) -> Verdict | None:
    budget.spend(len(found.all))
    if found.thin_air is not None:
        read = found.thin_air
        sentence = f"ThinAirRead: {read.operation} saw a value that nobody wrote."
        return _no("ThinAirRead", sentence, [read], budget)
    edges = _causal_edges(found)
    if cycle := shortest_cycle({pair: (pair, why) for pair, why in edges.items()}):
        members = [found.all[pair[0]] for pair, _ in cycle]
        story = ", ".join(_told(found, pair, why) for pair, why in cycle)
        return _no("CyclicCO", f"CyclicCO: {story}.", members, budget)
    past = _pasts(found, edges)
    masks: dict[Hashable, int] = {}
    for access in found.all:
        masks[access.key] = masks.get(access.key, 0) | access.is_write << access.number
    conflicts: _Edges = {}
    for read in found.all:
        if read.is_write:
            continue
        for write in _writes_before(read, past, masks, found, budget):
            if read.source is None:
                sentence = (
                    f"WriteCOInitRead: {read.operation} saw the initial value, though "
                    f"{write.operation} comes before it in causal order."
                )
                return _no("WriteCOInitRead", sentence, [write, read], budget)
            if past[write.number] >> read.source.number & 1:
                sentence = (
                    f"WriteCORead: {read.operation} saw {read.source.operation}, though "
                    f"{write.operation} comes between them in causal order."
                )
                return _no("WriteCORead", sentence, [read.source, write, read], budget)
            conflicts[write.number, read.source.number] = f"{read.operation} saw the second"
    return _conflict(found, {**conflicts, **edges}, budget) if convergent else None


def _causal_edges(found: Accesses) -> _Edges:
    """The order of each process, and from each write to the reads that saw it."""
    edges: _Edges = {}
    last: dict[str, Access] = {}
    for access in found.all:
        process = access.operation.process
        if process in last:
            edges[last[process].number, access.number] = f"in the order of {process}"
        if access.certain:
            last[process] = access
        if access.source is not None:
            edges.setdefault((access.source.number, access.number), "which saw it")
    return edges


def _pasts(found: Accesses, edges: _Edges) -> list[int]:
    """For each access all that come before it in causal order, as bits. There is no cycle."""
    before: list[list[int]] = [[] for _ in found.all]
    after: list[list[int]] = [[] for _ in found.all]
    for earlier, later in edges:
        before[later].append(earlier)
        after[earlier].append(later)
    missing = [len(each) for each in before]
    ready = [number for number, count in enumerate(missing) if not count]
    past = [0] * len(found.all)
    for number in ready:  # the list grows while it is walked
        for earlier in before[number]:
            past[number] |= past[earlier] | 1 << earlier
        for later in after[number]:
            missing[later] -= 1
            if not missing[later]:
                ready.append(later)
    return past


def _writes_before(
    read: Access, past: list[int], masks: dict[Hashable, int], found: Accesses, budget: Budget
) -> Iterable[Access]:
    """The writes to the key of ``read`` that come before it, but for the one that it saw."""
    left = past[read.number] & masks[read.key]
    while left:
        number = (left & -left).bit_length() - 1
        left &= left - 1
        budget.spend()
        if found.all[number] is not read.source:
            yield found.all[number]


def _conflict(found: Accesses, edges: _Edges, budget: Budget) -> Verdict | None:
    cycle = shortest_cycle({pair: (pair, why) for pair, why in edges.items()})
    if not cycle:
        return None
    members = [found.all[pair[0]] for pair, _ in cycle]
    story = ", ".join(_told(found, pair, why) for pair, why in cycle)
    return _no("CyclicCF", f"CyclicCF: {story}.", members, budget)


def _told(found: Accesses, pair: tuple[int, int], why: str) -> str:
    earlier, later = (found.all[number].operation for number in pair)
    return f"{earlier} comes before {later} ({why})"


def _no(anomaly: str, sentence: str, members: list[Access], budget: Budget) -> Verdict:
    ordered = sorted(members, key=lambda access: access.number)
    window = tuple(access.operation for access in ordered)
    return Verdict(Answer.NO, sentence, window, budget.spent, anomaly)
