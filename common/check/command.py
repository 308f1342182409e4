"""What ``lab check-history`` does, apart from talking to a person."""

from collections.abc import Callable

from common.check.causal import check_causal
from common.check.linearizability import check_linearizability
from common.check.models import CAS_REGISTER, KEY_VALUE, LOCK, QUEUE, REGISTER
from common.check.readers import read_history
from common.check.serializability import check_serializability
from common.check.sessions import check_sessions
from common.check.verdict import DEFAULT_STEPS, Budget, Verdict, weighed
from common.values.errors import BadInput
from common.values.history import History

_SEQUENTIAL = {model.name: model for model in (REGISTER, CAS_REGISTER, KEY_VALUE, QUEUE, LOCK)}
_CHECKS: dict[str, Callable[[History, Budget], Verdict]] = {
    "list-append": lambda history, budget: check_serializability(history, budget),
    "list-append-strict": lambda history, budget: check_serializability(
        history, budget, strict=True
    ),
    "sessions": lambda history, budget: check_sessions(history, budget=budget),
    "causal": lambda history, budget: check_causal(history, budget),
    "causal-convergent": lambda history, budget: check_causal(history, budget, convergent=True),
}

MODELS: tuple[str, ...] = (*_SEQUENTIAL, *_CHECKS)
"""The names of all models.

Up to ``lock`` they are objects, checked for linearizability; ``list-append`` is checked for
serializability, ``list-append-strict`` for strict serializability.
"""


def check_history(
    text: str,
    name: str,
    model: str,
    steps: int | None = None,
    deadline: Callable[[], bool] | None = None,
) -> Verdict:
    """Read a history and check it; where nothing in it ended ok the verdict is unknown.

    Args:
        text: the history, in any form that :mod:`common.check.readers` knows.
        name: of the file, for errors.
        model: one of ``MODELS``.
        steps: the budget; None for the default one.
        deadline: true when the time is up; None for no deadline.

    Raises:
        BadInput: there is no such model, or the history cannot be read or does not suit the model.
    """
    if model not in MODELS:
        raise BadInput(f"there is no model {model!r}; there are {', '.join(MODELS)}")
    history = read_history(text, name)
    budget = Budget(DEFAULT_STEPS if steps is None else steps, deadline)
    if model in _SEQUENTIAL:
        verdict = check_linearizability(history, _SEQUENTIAL[model], budget)
    else:
        verdict = _CHECKS[model](history, budget)
    return weighed(verdict, history)
