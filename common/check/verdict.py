"""What a checker answers: yes, no, or unknown, with the reason in one sentence.

A checker is handed a :class:`Budget` of steps. A step is one unit of the checker's own work (one
configuration of a search, one operation read), so a verdict is a function of the history, the model
and the budget alone: the same on every machine, however slow. A caller that lives in real time adds
a deadline; only then can two runs differ, and only by one of them saying unknown.

A checker judges a history, and a history in which nothing happened breaks no promise: yes. A
verdict on a *run* has to show something, and that yes shows nothing. So what judges a run lets each
verdict be :func:`weighed`: a yes that rests on no answer at all becomes unknown.
"""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from common.values.history import Ok, Operation

DEFAULT_STEPS = 2_000_000
"""Steps that a checker takes when its caller names no budget; some ten to thirty seconds."""

_STEPS_BETWEEN_LOOKS = 1_024
"""How many steps pass between two looks at the deadline."""


class Answer(enum.Enum):
    """The three things a checker can say."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a checker found.

    Attributes:
        answer: yes, no, or unknown (the budget ran out before the answer was found, or the run
            shows nothing).
        sentence: one sentence for people: which operations and keys, what was expected and what
            found.
        window: for a no, the operations that prove it, in the order of their invocations: as few
            as could be found.
        steps: how much of the budget was used.
        anomaly: for a no, the literature's name of what is wrong (``G1c``, ``ThinAirRead``), where
            it has one.
        at: for a no that operations do not show, when it was first seen, in microseconds.
        node: where it was seen, if it is about one node.
        rests_on: for a yes, how many answers, or deliveries, it rests on; None where the checker
            does not count.
    """

    answer: Answer
    sentence: str
    window: tuple[Operation, ...] = ()
    steps: int = 0
    anomaly: str | None = None
    at: int | None = None
    node: str | None = None
    rests_on: int | None = None

    @property
    def exit_code(self) -> int:
        """What ``lab check-history`` and ``lab run`` return to the shell."""
        return EXIT_CODES[self.answer]


EXIT_CODES = {Answer.YES: 0, Answer.NO: 1, Answer.UNKNOWN: 2}
"""What the shell is told."""


def worst(answers: Iterable[Answer]) -> Answer:
    """One answer for several: no if one is no, else unknown if one is; yes where there is none."""
    found = set(answers)
    return next((one for one in (Answer.NO, Answer.UNKNOWN) if one in found), Answer.YES)


def count_ok(history: Iterable[Operation]) -> int:
    """How many operations ended ok: what a yes about a history can rest on."""
    return sum(isinstance(each.outcome, Ok) for each in history)


def weighed(verdict: Verdict, history: Iterable[Operation] | None = None) -> Verdict:
    """The verdict on a run, which is unknown where a yes would rest on nothing.

    Args:
        verdict: what a checker said.
        history: what it was said of, for checkers that do not count what their yes rests on; None
            if it was said of something else.
    """
    if verdict.answer is not Answer.YES:
        return verdict
    asked = None if history is None else list(history)
    ok = None if asked is None else count_ok(asked)
    if asked is not None and not ok:
        done = f"none of {len(asked)} operations ended ok" if asked else "nobody asked for anything"
    elif verdict.rests_on == 0:
        done = f"of {ok} operations that ended ok it is about none" if ok else "nothing was done"
    else:
        return verdict
    sentence = f"This shows nothing: {done}. {verdict.sentence if ok else ''}".rstrip()
    return replace(verdict, answer=Answer.UNKNOWN, sentence=sentence)


class OutOfBudget(Exception):
    """The budget is used up. Checkers turn it into the verdict unknown; nobody else sees it."""


class Budget:
    """How much work a checker may do.

    Args:
        steps: the most steps to take, at least 1.
        deadline: called now and then; true ends the work. None for no deadline.
    """

    def __init__(
        self, steps: int = DEFAULT_STEPS, deadline: Callable[[], bool] | None = None
    ) -> None:
        self.steps = steps
        self.spent = 0
        self._deadline = deadline
        self._next_look = _STEPS_BETWEEN_LOOKS if deadline else steps + 1

    def spend(self, steps: int = 1) -> None:
        """Count ``steps`` steps.

        Raises:
            OutOfBudget: there were not that many left, or the deadline has passed.
        """
        self.spent += steps
        if self.spent > self.steps:
            raise OutOfBudget
        if self.spent >= self._next_look and self._deadline is not None:
            self._next_look = self.spent + _STEPS_BETWEEN_LOOKS
            if self._deadline():
                raise OutOfBudget

    def part(self, steps: int) -> "Budget":
        """A budget of at most ``steps`` out of what is left of this one, same deadline.

        What the part spends is not taken from the whole: add it with ``spend`` when it is done.
        """
        return Budget(max(0, min(steps, self.steps - self.spent)), self._deadline)


def out_of_budget(what: str, budget: Budget) -> Verdict:
    """The verdict unknown, for a check of ``what``."""
    why = (
        f"after all {budget.steps} steps of its budget"
        if budget.spent > budget.steps
        else f"at its deadline, after {budget.spent} steps"
    )
    sentence = f"The check of {what} stopped {why} without an answer"
    return Verdict(
        Answer.UNKNOWN, f"{sentence}: give it more, or less to check.", steps=budget.spent
    )
