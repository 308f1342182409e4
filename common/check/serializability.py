"""Serializability of list-append histories: cycles in the graph of who must come before whom.

Adya 1999 ("Weak consistency", section 3) defines isolation by such cycles; Kingsbury and Alvaro
2020 ("Elle") infer the graph from what clients saw. From the lists that were read
(:mod:`common.check.transactions`) follow three kinds of edges:

* *ww*: one transaction appended the version after another's;
* *wr*: one read the version that another appended last;
* *rw*: one read a version, and another appended the next one.

A value that was appended for certain but that no read shows comes after all that were read, because
lists only grow. With that, a history without anomaly and cycle is serializable: any order that the
graph allows explains all reads.

The cycles have names: only ww, *G0* (dirty write); ww and wr, *G1c* (circular information flow);
one rw, *G-single* (read skew); more, *G2-item* (write skew). Strict serializability adds edges from
each transaction to those invoked after it had returned; a cycle that needs one is called
*-realtime*.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from common.check.cycles import MOST_VISITS, components, path_between, shortest_cycle
from common.check.model import show
from common.check.transactions import (
    Anomaly,
    Transaction,
    Transactions,
    find_versions,
    transactions,
)
from common.check.verdict import Answer, Budget, OutOfBudget, Verdict, count_ok, out_of_budget
from common.values.history import Operation

MOST_TOLD = 8
"""Steps of a cycle, and transactions, that a sentence tells of; the window has all of them."""

WW, WR, RW, RT = "ww", "wr", "rw", "realtime"


@dataclass(slots=True)
class _Graph:
    """Why one transaction must come before another, by their numbers and the kind of edge."""

    reasons: dict[str, dict[tuple[int, int], str]] = field(
        default_factory=lambda: {WW: {}, WR: {}, RW: {}, RT: {}}
    )

    def add(self, kind: str, before: Transaction, after: Transaction, reason: str) -> None:
        if before is not after:
            self.reasons[kind].setdefault((before.number, after.number), reason)

    def edges(self, kinds: Iterable[str]) -> dict[tuple[int, int], tuple[int, str, str]]:
        """All edges of these kinds; of two between the same transactions, the first kind's."""
        found: dict[tuple[int, int], tuple[int, str, str]] = {}
        for kind in kinds:
            for pair, reason in self.reasons[kind].items():
                found.setdefault(pair, (pair[0], kind, reason))
        return found


def check_serializability(
    history: Iterable[Operation], budget: Budget | None = None, strict: bool = False
) -> Verdict:
    """Decide whether a history of list-append transactions shows no anomaly.

    Args:
        history: operations ``txn`` (:mod:`common.check.transactions`).
        budget: one step is taken for each edge of the graph, and for each transaction visited in
            the search for a short cycle.
        strict: whether the order must also agree with real time.

    Raises:
        BadInput: the history holds something else.
    """
    budget = budget or Budget()
    found = transactions(history)
    name = "strict serializability" if strict else "serializability"
    try:
        budget.spend(len(found.all))
        anomaly = find_versions(found)
        if anomaly is None:
            graph = _dependencies(found, budget)
            if strict:
                _add_real_time(found, graph, budget)
            anomaly = _find_cycle(found, graph, strict, budget)
    except OutOfBudget:
        return out_of_budget(f"{name} of {len(found.all)} transactions", budget)
    if anomaly is None:
        sentence = f"No anomaly: {len(found.all)} transactions show none against {name}."
        ok = count_ok(each.operation for each in found.all)
        return Verdict(Answer.YES, sentence, steps=budget.spent, rests_on=ok)
    members = sorted(anomaly.transactions, key=lambda each: each.number)
    shown = members[:MOST_TOLD]
    who = ", ".join(f"{each} is by process {each.operation.process}" for each in shown)
    sentence = f"{anomaly.name}: {anomaly.sentence} ({who})."
    window = tuple(each.operation for each in members)
    return Verdict(Answer.NO, sentence, window, budget.spent, anomaly.name)


def _dependencies(found: Transactions, budget: Budget) -> _Graph:
    """The edges that follow from the lists that were read."""
    graph = _Graph()
    unread: dict[object, list[tuple[object, Transaction]]] = {}
    place: dict[tuple[object, object], int] = {}
    for key, versions in found.versions.items():
        budget.spend(len(versions) + 1)
        for number, value in enumerate(versions):
            place[key, value] = number
    seen_writers = (found.appended_by[each] for each in place)
    happened = {*seen_writers, *(each for each in found.all if each.is_committed)}
    for (key, value), writer in found.appended_by.items():
        if key in found.versions and (key, value) not in place and writer in happened:
            unread.setdefault(key, []).append((value, writer))
    for key, versions in found.versions.items():
        for value, following in pairwise(versions):
            before, after = found.appended_by[key, value], found.appended_by[key, following]
            graph.add(WW, before, after, _wrote(before, value, after, following, key))
        for following, after in unread.get(key, ()) if versions else ():
            budget.spend()
            before = found.appended_by[key, versions[-1]]
            graph.add(WW, before, after, _wrote(before, versions[-1], after, following, key))
    for reader in found.all:
        if not reader.is_committed:
            continue
        for key, seen in reader.reads():
            if seen:
                writer = found.appended_by[key, seen[-1]]
                reason = f"{reader} read {show(seen[-1])} in {show(key)}, which {writer} appended"
                graph.add(WR, writer, reader, reason)
            versions = found.versions[key]
            nexts = unread.get(key, [])
            if len(seen) < len(versions):
                following = versions[len(seen)]
                nexts = [(following, found.appended_by[key, following])]
            budget.spend(len(nexts) + 1)
            for following, after in nexts:
                reason = (
                    f"{reader} read {show(key)} without {show(following)}, which {after} appended"
                )
                graph.add(RW, reader, after, reason)
    return graph


def _wrote(
    before: Transaction, value: object, after: Transaction, following: object, key: object
) -> str:
    first = f"{before} appended {value!r} to {key!r}"
    return f"{first} before {after} appended {following!r}"


def _add_real_time(found: Transactions, graph: _Graph, budget: Budget) -> None:
    """Add an edge where one transaction returned before another was invoked.

    Only where no third fits in between: the rest follows from those. At equal times invocations
    come first, so that such transactions are concurrent unless they are of one process.
    """
    events: list[tuple[int, int, Transaction]] = []
    for each in found.all:
        if not each.is_aborted:
            events.append((each.operation.invoked_at, 0, each))
            if each.is_committed and each.operation.returned_at is not None:
                events.append((each.operation.returned_at, 1, each))
    events.sort(key=lambda event: (event[0], event[1], event[2].number))
    latest: list[Transaction] = []
    last_of: dict[str, Transaction] = {}
    for _, is_return, each in events:
        process = each.operation.process
        if is_return:
            known = graph.reasons[RT]
            latest = [other for other in latest if (other.number, each.number) not in known]
            latest.append(each)
            continue
        own = [last_of[process]] if process in last_of else []
        budget.spend(len(latest) + 1)
        for before in (*latest, *own):
            graph.add(RT, before, each, f"{before} returned before {each} was invoked")
        if each.is_committed:
            last_of[process] = each


def _find_cycle(found: Transactions, graph: _Graph, strict: bool, budget: Budget) -> Anomaly | None:
    """The worst kind of cycle that there is, as short as possible."""
    for suffix, more in (("", ()), ("-realtime", (RT,))) if strict else (("", ()),):
        for name, kinds, crucial in (
            ("G0", (WW,), None),
            ("G1c", (WW, WR), None),
            ("G-single", (WW, WR), RW),
            ("G2-item", (WW, WR, RW), None),
        ):
            edges = graph.edges((*kinds, *more))
            budget.spend(len(edges))
            if crucial is None:
                cycle = shortest_cycle(edges)
            else:
                cycle = _cycle_with_one(graph.reasons[crucial], crucial, edges, budget)
            if cycle:
                return _describe(f"{name}{suffix}", cycle, found)
    return None


def _cycle_with_one(
    crucial: dict[tuple[int, int], str],
    kind: str,
    edges: dict[tuple[int, int], tuple[int, str, str]],
    budget: Budget,
) -> list[tuple[int, str, str]]:
    """A shortest cycle of one edge of ``crucial`` and otherwise of ``edges``."""
    successors: dict[int, list[int]] = {}
    for source, target in (*edges, *crucial):
        successors.setdefault(source, []).append(target)
    part_of: dict[int, int] = {}
    for number, component in enumerate(components(successors)):
        part_of.update(dict.fromkeys(component, number))
    successors = {}
    for source, target in edges:
        if source in part_of and part_of.get(target) == part_of[source]:
            successors.setdefault(source, []).append(target)
    best: list[tuple[int, str, str]] = []
    enough = budget.spent + MOST_VISITS
    for (source, target), reason in crucial.items():
        if len(best) == 2 or (best and budget.spent > enough):
            break
        if source not in part_of or part_of.get(target) != part_of[source]:
            continue
        path = path_between(target, source, successors, set(part_of), budget.spend)
        if path and (not best or len(path) < len(best)):
            best = [(source, kind, reason)]
            best += [edges[pair] for pair in pairwise(path)]
    return best


def _describe(name: str, cycle: list[tuple[int, str, str]], found: Transactions) -> Anomaly:
    members = [found.all[number - 1] for number, _, _ in cycle]
    told = [f"{reason} ({kind})" for _, kind, reason in cycle]
    if len(told) > MOST_TOLD:
        told[MOST_TOLD:] = [f"so on, {len(told) - MOST_TOLD} more, back to {members[0]}"]
    story = ", but ".join(told)
    return Anomaly(name, story, members)
