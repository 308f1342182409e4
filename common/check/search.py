"""The search for a legal order: Wing and Gong's, with Lowe's caching, made short.

Wing and Gong 1993 ("Testing and verifying concurrent objects", section 4) try, again and again,
each operation that no unfinished other one must precede, and go back where the model refuses. Lowe
2017 ("Testing for linearizability", section 3) remembers the configurations that were tried: the
set of operations that are done, and the state.

Here a configuration is ``(first, done, used, state)``. The *required* operations, those that are
known to have happened, are numbered in the order of their returns; ``first`` is the first that is
not done, and bit ``i`` of the integer ``done`` says whether number ``first + i`` is. The *optional*
ones, whose outcome is unknown, are numbered in the order of their invocations, and ``used`` is the
set of those that took effect. An operation may come next if it was invoked before ``first``
returned. The rest is pruning; none of it changes the answer:

* A read that fits the state is done at once: it changes nothing, so doing it now cannot hurt.
* Of operations that no model can tell apart, the one that must return first is done first.
* A configuration is not tried if an earlier one had the same ``done`` and ``state`` and had used a
  subset of ``used``: whatever this one can still do, that one could too.
* An optional operation that would change nothing is left for later.
* A configuration is left if the next observation to return cannot be made from its state any more,
  because the model says so and nothing that could set the state to something else is left to do;
  or if the model foresees as much from the state alone.
"""

from dataclasses import dataclass, field

from common.check.model import State
from common.check.problem import Problem
from common.check.verdict import Budget


@dataclass(slots=True)
class Outcome:
    """How a search ended.

    Attributes:
        found: whether there is a legal order.
        reached: how many required operations, in the order of their returns, some legal order gets
            past; where there is no legal order, number ``reached`` is the one that does not fit.
        states: the states in which the orders that got that far were stuck.
    """

    found: bool
    reached: int = 0
    states: list[State] = field(default_factory=list)


def search(problem: Problem, budget: Budget, look_ahead: bool = True) -> Outcome:
    """Look for a legal order of all required and some optional operations of ``problem``.

    Args:
        problem: the operations of one object, arranged.
        budget: one step is taken for each configuration.
        look_ahead: whether to leave configurations that cannot meet the next observation. Without
            it ``reached`` and ``states`` of the outcome are exact.

    Raises:
        OutOfBudget: the budget ended first.
    """
    total = len(problem.required)
    tried: dict[tuple[int, int, int], list[int]] = {}
    reached, stuck = -1, dict[int, None]()
    stack = [(0, 0, 0, state) for state in problem.starts]
    while stack:
        budget.spend()
        first, done, used, state = stack.pop()
        first, done = _settle(problem, first, done, state)
        if first == total:
            return Outcome(found=True, reached=total)
        if first >= reached:
            if first > reached:
                reached, stuck = first, {}
            stuck[state] = None
        before = tried.setdefault((first, done, state), [])
        if any(less & used == less for less in before):
            continue
        before.append(used)
        if look_ahead and _is_lost(problem, first, done, used, state):
            continue
        stack.extend(reversed(_next(problem, first, done, used, state)))
    return Outcome(found=False, reached=reached, states=[problem.state(each) for each in stuck])


def _settle(problem: Problem, first: int, done: int, state: int) -> tuple[int, int]:
    """Do every read that fits the state, and move ``first`` past what is done."""
    reads, after, total = problem.reads, problem.after, len(problem.required)
    while True:
        while done & 1:
            done >>= 1
            first += 1
        if first == total:
            return first, done
        for bit, kind, needs in reads[first]:
            if not done & bit and not needs & ~done and after(kind, state) >= 0:
                done |= bit
        if not done & 1:
            return first, done


def _next(
    problem: Problem, first: int, done: int, used: int, state: int
) -> list[tuple[int, int, int, int]]:
    """The configurations that one more operation leads to, the most promising first."""
    found: list[tuple[int, int, int, int]] = []
    after = problem.after
    kinds = 0
    for bit, kind, needs in problem.updates[first]:
        if done & bit or kinds >> kind & 1 or needs & ~done:
            continue
        kinds |= 1 << kind
        state_after = after(kind, state)
        if state_after >= 0:
            found.append((first, done | bit, used, state_after))
    for members, kind, needs in problem.options[first]:
        free = members & ~used
        if free and not needs & ~done:
            state_after = after(kind, state)
            if state_after >= 0 and state_after != state:
                found.append((first, done, used | free & -free, state_after))
    return found


def _is_lost(problem: Problem, first: int, done: int, used: int, state: int) -> bool:
    """Whether the required operations cannot all happen any more."""
    if problem.is_lost(state):
        return True
    goal = problem.next_goal[first]
    while goal >= 0 and done >> (goal - first) & 1:
        goal = problem.next_goal[goal + 1]
    if goal < 0:
        return False
    rescuers, options = problem.rescuers[goal]
    if rescuers >> first & ~done or options & ~used:
        return False
    return problem.is_hopeless(state, goal)
