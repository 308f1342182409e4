"""What people ask the members of the lab ``swim``, and what must be true of what they are told.

Nobody tells the checks who was killed: they read off the history who has answered, and when
(:func:`common.check.membership.spans_of`). So they judge processes as they judge a simulation.
"""

from collections.abc import Callable
from random import Random
from typing import TypeAlias

from common.check.membership import View, check_accuracy, check_completeness, spans_of
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok
from stage5_fault_tolerance.swim.messages import ALIVE, DEAD, Members

Check: TypeAlias = Callable[[History], Verdict]
"""Judges a history."""


def ask_for_members(_random: Random, _member: str, _number: int) -> Members:
    """Everybody is asked for the same, again and again."""
    return Members()


def views_of(history: History) -> list[View]:
    """What members believed, as they said themselves."""
    return [
        View(
            asked.process.partition("/")[0],
            asked.invoked_at,
            asked.returned_at,
            tuple(name for name, state, _ in asked.outcome.value if state == DEAD),
            tuple(name for name, state, _ in asked.outcome.value if state != ALIVE),
        )
        for asked in history
        if isinstance(asked.outcome, Ok)
        and isinstance(asked.outcome.value, tuple)
        and asked.returned_at is not None
    ]


def i_am_alive(history: History) -> Verdict:
    """Nobody believes of itself that it is dead, or suspects itself."""
    views = views_of(history)
    for view in views:
        if view.observer in view.doubted:
            return Verdict(Answer.NO, f"{view.observer} does not believe that it is alive itself.")
    sentence = f"Each of {len(views)} answers says that who answers is alive."
    return Verdict(Answer.YES, sentence, rests_on=len(views))


def accurate(gap: int, settle: int) -> Check:
    """Who has answered again and again is dead to nobody.

    At the beginning everybody is believed to be alive, so who answers then was never dead.

    Args:
        gap: who answers nothing for so long may have been suspected, in microseconds.
        settle: so long it may be dead to some after it is back.
    """

    def check(history: History) -> Verdict:
        up, _ = spans_of(history, gap)
        began = min((asked.invoked_at for asked in history), default=0)
        for spans in up.values():
            if spans[0][0] <= began + gap:
                spans[0] = (began - settle, spans[0][1])
        return check_accuracy(views_of(history), up, settle)

    return check


def complete(gap: int, bound: int) -> Check:
    """A member that is silent for long is dead to all that are not.

    Args:
        gap: a member that is silent for so long may have begun a new life, in microseconds.
        bound: how long detection and dissemination may take.
    """

    def check(history: History) -> Verdict:
        up, down = spans_of(history, gap)
        return check_completeness(views_of(history), up, down, bound)

    return check
