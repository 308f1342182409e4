"""What people do at their leaders, and what must be true of what they were shown."""

from random import Random

from common.check.causal import check_causal
from common.check.siblings import check_siblings
from common.check.verdict import Verdict
from common.values.history import History
from stage3_partitioning.multileader.shipping import Get, Put

KEYS = ("menu", "price", "table")


def put_or_get(random: Random, person: str, number: int) -> Put | Get:
    """Write or look, evenly; no value is written twice."""
    key = random.choice(KEYS)
    return Put(key, f"{person}.{number}") if random.random() < 0.5 else Get(key)


def causes_first(history: History) -> Verdict:
    """Nobody is shown a value without its causes, and all would agree on the order of values.

    That is causal convergence, of all keys together (see :mod:`common.check.causal`).
    """
    return check_causal(history, convergent=True)


def nothing_goes_unseen(history: History) -> Verdict:
    """A value that a person knows goes only if somebody has replaced it who was shown it."""
    return check_siblings(history)
