"""Linearizability: is there an order in which every operation takes effect at one instant?

Herlihy and Wing 1990, "Linearizability: a correctness condition for concurrent objects": a history
is linearizable if its completed operations, and some of the pending ones, can be put in one order
that the object's sequential specification allows, and in which an operation that returned before
another was invoked comes first.

Operations at equal times count as concurrent, except those of one process. The history is split by
key where the model allows it, and each part is searched (:mod:`common.check.search`).
"""

from collections.abc import Iterable
from contextlib import suppress

from common.check.model import Model
from common.check.problem import Problem
from common.check.search import search
from common.check.verdict import Answer, Budget, OutOfBudget, Verdict, count_ok, out_of_budget
from common.check.window import explain, offending_window
from common.values.history import Operation

FIRST_TRY = 20_000
"""Configurations that each key gets before those that need more get all that is left."""


def check_linearizability(
    history: Iterable[Operation], model: Model, budget: Budget | None = None
) -> Verdict:
    """Decide whether ``history`` is linearizable.

    Args:
        history: operations in the order of their invocations.
        model: what the object does (:mod:`common.check.models`).
        budget: one step is taken for each configuration of the search. Making the window of a no
            small takes some more (``MOST_STEPS`` in :mod:`common.check.window`).

    Raises:
        BadInput: the model does not know an operation of the history.
    """
    budget = budget or Budget()
    parts = model.partition(history)
    operations = sum(map(len, parts.values()))
    try:
        left = list(parts)
        for most in (FIRST_TRY, budget.steps):
            hard: list[object] = []
            for key in left:
                found = _has_order(parts[key], model, budget, most)
                if found is None:
                    hard.append(key)
                elif not found:
                    window = offending_window(parts[key], model, budget)
                    sentence = explain(key, window, model)
                    return Verdict(Answer.NO, sentence, window.operations, budget.spent)
            left = hard
    except OutOfBudget:
        return out_of_budget(f"linearizability of {operations} operations", budget)
    objects = f"{len(parts)} keys" if len(parts) > 1 else "one object"
    sentence = f"Linearizable: an order explains all {operations} operations on {objects}."
    ok = sum(map(count_ok, parts.values()))
    return Verdict(Answer.YES, sentence, steps=budget.spent, rests_on=ok)


def _has_order(part: list[Operation], model: Model, budget: Budget, most: int) -> bool | None:
    """Whether a part has a legal order; None if ``most`` steps do not tell.

    Raises:
        OutOfBudget: nothing is left of ``budget``.
    """
    own = budget.part(most)
    found = None
    with suppress(OutOfBudget):
        found = search(Problem(part, model), own).found
    budget.spend(own.spent)
    return found
