"""A second checker of linearizability, dumb on purpose: it tries every order.

It shares the models with the real one and nothing else.
"""

from collections.abc import Sequence

from common.check.model import Model, State
from common.values.history import Failed, Ok, Operation


def is_linearizable(history: Sequence[Operation], model: Model) -> bool:
    """Try every order of every choice of operations; for some eight operations at most."""
    happened = [each for each in history if not isinstance(each.outcome, Failed)]
    return _can_finish(happened, model.initial, model)


def must_precede(earlier: Operation, later: Operation, history: Sequence[Operation]) -> bool:
    """Whether ``earlier`` had returned when ``later`` was invoked; equal times leave it open."""
    if not isinstance(earlier.outcome, Ok) or earlier.returned_at is None:
        return False
    if earlier.returned_at < later.invoked_at:
        return True
    same_process = earlier.process == later.process
    tie = earlier.returned_at == later.invoked_at
    return tie and same_process and _position(earlier, history) < _position(later, history)


def _position(operation: Operation, history: Sequence[Operation]) -> int:
    return next(i for i, each in enumerate(history) if each is operation)


def _can_finish(left: list[Operation], state: State, model: Model) -> bool:
    if not any(isinstance(each.outcome, Ok) and each.returned_at is not None for each in left):
        return True
    for chosen in left:
        if any(must_precede(each, chosen, left) for each in left if each is not chosen):
            continue
        possible, after = model.apply(state, chosen)
        rest = [each for each in left if each is not chosen]
        if possible and _can_finish(rest, after, model):
            return True
    return False
