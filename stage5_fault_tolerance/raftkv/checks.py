"""What clients of the live store ask for, and how their histories are judged."""

from random import Random

from common.check.linearizability import check_linearizability
from common.check.models import KEY_VALUE
from common.check.verdict import Verdict
from common.values.history import History
from stage5_fault_tolerance.raftkv.commands import Append, CompareAndSet, Delete, Get, Put

KEYS = ("x", "y", "z")


def some_command(random: Random, client: str, number: int) -> object:
    """Half questions, half changes; no text is written twice, and texts stay short."""
    key, text = random.choice(KEYS), f"{client}.{number};"
    drawn = random.randrange(20)
    if drawn < 10:
        return Get(key)
    if drawn < 16:
        return Append(key, text)
    if drawn < 18:
        return CompareAndSet(key, None, text)
    return Put(key, text) if drawn == 18 else Delete(key)


def linearizable(history: History) -> Verdict:
    """Whether each key behaved like one register that never stops.

    Ranges and transactions are about more than one key; the graded suite judges those.
    """
    asked = [each for each in history if each.function in KEY_VALUE.functions]
    return check_linearizability(History(asked), KEY_VALUE)
