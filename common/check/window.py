"""The smallest part of a history that proves it not linearizable.

Whatever is taken away has to leave a proof behind: had the whole history a legal order, the part
would have one too. These steps are safe in that sense.

* Cut the end: what was invoked after the operation that fits nowhere had returned goes; what
  returned after it is treated as unknown.
* Cut the beginning: what had returned before some time goes, what was under way then is treated as
  unknown, and the state at that time may be any state at all.
* Free an operation: treat it as unknown, as one that may take effect at any time or never. (A read
  that is freed is gone: it has no effect.)

The window is what is left and not freed. Freeing one operation never undoes the need for another,
so trying each once gives a window from which nothing more can be freed.
"""

from dataclasses import dataclass

from common.check.model import OTHER, Model, State, show
from common.check.problem import Problem
from common.check.search import search
from common.check.verdict import Budget, OutOfBudget
from common.values.history import Operation

MOST_STEPS = 40_000
"""Configurations that may be spent on a window, over and above those of the search."""

STEPS_PER_TRIAL = 4_000
"""Configurations after which a smaller window is given up: whether it is a proof stays open."""

_MOST_SHOWN = 3


@dataclass(slots=True)
class Window:
    """A small proof that a history is not linearizable.

    Attributes:
        operations: those that no order explains, by invocation.
        others: how many more may have taken effect, and cannot help.
        from_beginning: whether the proof needs the initial state; if not, it holds from any.
        culprit: the operation that fits nowhere once the others are put in order.
        states: the states that are possible where it would have to be; empty if not known.
    """

    operations: tuple[Operation, ...]
    others: int
    from_beginning: bool
    culprit: Operation
    states: list[State]


@dataclass(slots=True)
class _Proof:
    """Operations without a legal order, some of them freed (by ``id``)."""

    model: Model
    operations: list[Operation]
    freed: frozenset[int]
    from_beginning: bool = True

    def problem(self) -> Problem:
        starts = None if self.from_beginning else self.model.possible_starts(self.operations)
        return Problem(self.operations, self.model, self.freed, starts)

    def holds(self, budget: Budget) -> bool:
        """Whether there is certainly no legal order.

        Raises:
            OutOfBudget: nothing is left for any trial.
        """
        trial = budget.part(STEPS_PER_TRIAL)
        try:
            found = search(self.problem(), trial).found
        except OutOfBudget:
            found = True
        budget.spend(trial.spent)
        return not found


def offending_window(part: list[Operation], model: Model, budget: Budget) -> Window:
    """Find a small window in a part of a history that has no legal order.

    Args:
        part: the operations of one object, in the order of their invocations.
        model: its model.
        budget: that of the whole check. What the window takes is counted in it, but never refused:
            it is ``MOST_STEPS`` at most.
    """
    steps = Budget(MOST_STEPS)
    proof = _Proof(model, part, frozenset())
    culprit, states = proof.problem().required[-1], list[State]()
    try:
        proof = _cut_end(proof, steps)
        proof = _cut_beginning(proof, steps)
        proof = _free(proof, steps)
        culprit = max(proof.problem().required, key=lambda each: each.returned_at or 0)
        outcome = search(proof.problem(), steps, look_ahead=False)
        culprit, states = proof.problem().required[outcome.reached], outcome.states
    except OutOfBudget:
        pass
    budget.spent += steps.spent
    problem = proof.problem()
    kept = {id(each) for each in problem.required}
    operations = tuple(each for each in part if id(each) in kept)
    return Window(operations, len(problem.optional), proof.from_beginning, culprit, states)


def explain(key: object, window: Window, model: Model) -> str:
    """One sentence for a window that no order explains."""
    where = "" if key is None else f" on key {key!r}"
    several = len(window.operations) > 1
    these = f"these {len(window.operations)} operations" if several else "this operation"
    before = f", whatever {model.subject} was before" if several else ""
    if window.from_beginning:
        before = ""
    others = ""
    if window.others:
        plural = "s" if window.others > 1 else ""
        others = f", with or without {window.others} other{plural} that may have taken effect"
    sentence = f"Not linearizable: no order explains {these}{where}{before}{others}: "
    sentence += str(window.culprit)
    if not window.states:
        return sentence + " fits nowhere."
    shown = [show(state) for state in window.states if state is not OTHER]
    shown = shown or [repr(OTHER)]
    more = f" or one of {len(shown) - _MOST_SHOWN} more" if len(shown) > _MOST_SHOWN else ""
    states = " or ".join(shown[:_MOST_SHOWN]) + more
    return f"{sentence} cannot be, since by then {model.subject} is {states}."


def _cut_end(proof: _Proof, budget: Budget) -> _Proof:
    """Leave out as much of the end as can be done without."""
    ends = [each.returned_at or 0 for each in proof.problem().required]
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        shorter = _until(proof, ends[middle])
        if shorter.holds(budget):
            proof, high = shorter, middle
        else:
            low = middle + 1
    return proof


def _until(proof: _Proof, end: int) -> _Proof:
    """Leave out what was invoked after ``end``, and free what returned after it."""
    begun = [each for each in proof.operations if each.invoked_at <= end]
    late = (each for each in begun if each.returned_at is not None and each.returned_at > end)
    return _Proof(proof.model, begun, proof.freed | {id(each) for each in late})


def _cut_beginning(proof: _Proof, budget: Budget) -> _Proof:
    """Leave out as much of the beginning as can be done without: double, then halve."""
    if proof.model.possible_starts([]) is None:
        return proof
    invocations = sorted({each.invoked_at for each in proof.problem().required}, reverse=True)
    low, high = 0, 0
    while not _since(proof, invocations[high]).holds(budget):
        low = high + 1
        if low == len(invocations):
            return proof
        high = min(2 * low, len(invocations) - 1)
    while low < high:
        middle = (low + high) // 2
        if _since(proof, invocations[middle]).holds(budget):
            high = middle
        else:
            low = middle + 1
    return _since(proof, invocations[high])


def _since(proof: _Proof, start: int) -> _Proof:
    """Leave out what had returned before ``start``, and free what was under way then."""
    optional = {id(each) for each in proof.problem().optional}
    kept: list[Operation] = []
    freed: set[int] = set(proof.freed)
    for each in proof.operations:
        over = id(each) not in optional and (each.returned_at or 0) < start
        if each.invoked_at >= start:
            kept.append(each)
        elif not over:
            kept.append(each)
            freed.add(id(each))
    return _Proof(proof.model, kept, frozenset(freed), from_beginning=False)


def _free(proof: _Proof, budget: Budget) -> _Proof:
    """Free every operation that the proof does not need: by halves, quarters, one by one."""
    required = sorted(proof.problem().required, key=lambda each: each.invoked_at)
    size = len(required)
    while size > 1:
        size = (size + 1) // 2
        needed: list[Operation] = []
        for start in range(0, len(required), size):
            chunk = required[start : start + size]
            freer = _Proof(
                proof.model,
                proof.operations,
                proof.freed | {id(each) for each in chunk},
                proof.from_beginning,
            )
            if freer.holds(budget):
                proof = freer
            else:
                needed.extend(chunk)
        required = needed
    return proof
