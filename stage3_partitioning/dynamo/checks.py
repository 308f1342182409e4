"""What clients ask for, and what must be true of what they were told."""

from random import Random

from common.check.siblings import check_reads_see_writes
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok
from stage3_partitioning.dynamo.keeping import Get, Put

KEYS = ("cart", "list", "wish")


def put_or_get(random: Random, client: str, number: int) -> Put | Get:
    """Write or look, evenly; no value is written twice."""
    key = random.choice(KEYS)
    return Put(key, f"{client}.{number}") if random.random() < 0.5 else Get(key)


def reads_see_writes(history: History) -> Verdict:
    """A look shows each value whose write had ended before, unless somebody has replaced it."""
    return check_reads_see_writes(history)


def every_write_is_taken(history: History) -> Verdict:
    """Every write that ended, ended with Ok: the store is there for writes."""
    ended = [each for each in history if each.function == "put" and each.returned_at is not None]
    refused = [each for each in ended if not isinstance(each.outcome, Ok)]
    if refused:
        return Verdict(Answer.NO, f"{refused[0]} was not taken.", (refused[0],))
    return Verdict(Answer.YES, f"All {len(ended)} writes were taken.")
