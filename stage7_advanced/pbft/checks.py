"""What clients of the store ask for, and how their histories are judged."""

from random import Random

from common.check.linearizability import check_linearizability
from common.check.models import KeyValue
from common.check.verdict import Verdict
from common.contract.registers import Append, Get, Put
from common.values.history import History

KEYS = ("x", "y")
PUT_EVERY = 6
"""Of the changes one in so many is a Put: it keeps the texts short."""


def some_change_or_query(random: Random, client: str, number: int) -> Get | Put | Append:
    """Half queries, half changes; no text is written twice."""
    key, text = random.choice(KEYS), f"{client}.{number};"
    if random.random() < 0.5:
        return Get(key)
    return Put(key, text) if random.randrange(PUT_EVERY) == 0 else Append(key, text)


def linearizable(history: History) -> Verdict:
    """Whether the replicas together behaved like one copy of the store that does not lie."""
    return check_linearizability(history, KeyValue())
