"""What clients ask for, and what must be true of what they were told."""

from random import Random

from common.check.siblings import check_reads_see_writes, replaced_at
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok
from common.values.units import SECOND
from stage3_partitioning.dynamo.keeping import Get, Put

KEYS = ("cart", "list", "wish")
NOTES = tuple(f"notes {number}" for number in range(6))
"""Keys that are written and never looked at before, so nothing of them is replaced."""
MOST_NOTES = 100
"""Only among so many first operations a client writes notes: values that stay add up."""
SETTLED = 2 * SECOND
"""Within so long, in a calm, copies come to the homes of today."""


def put_or_get(random: Random, client: str, number: int) -> Put | Get:
    """Write or look, evenly; no value is written twice."""
    key = random.choice(KEYS)
    return Put(key, f"{client}.{number}") if random.random() < 0.5 else Get(key)


def put_get_or_note(random: Random, client: str, number: int) -> Put | Get:
    """Write or look, or add a note, which has to be there in the end."""
    if number < MOST_NOTES and random.random() < 0.25:
        return Put(random.choice(NOTES), f"{client}.{number}")
    return put_or_get(random, client, number)


def reads_see_writes(history: History) -> Verdict:
    """A look shows each value whose write had ended before, unless somebody has replaced it."""
    return check_reads_see_writes(history)


def every_write_is_taken(history: History) -> Verdict:
    """Every write that ended, ended with Ok: the store is there for writes."""
    ended = [each for each in history if each.function == "put" and each.returned_at is not None]
    refused = [each for each in ended if not isinstance(each.outcome, Ok)]
    if refused:
        return Verdict(Answer.NO, f"{refused[0]} was not taken.", (refused[0],))
    return Verdict(Answer.YES, f"All {len(ended)} writes were taken.", rests_on=len(ended))


def nothing_is_gone(history: History) -> Verdict:
    """In the end a key shows each value that was taken, unless somebody has replaced it.

    The end is the last look at a key, which has to come in a calm. It shows what was taken
    :data:`SETTLED` before, no matter who has left and joined since.
    """
    asked_for = sorted(history, key=lambda each: each.invoked_at)
    gone_from = replaced_at(asked_for)
    looks = [each for each in asked_for if each.function == "get" and isinstance(each.outcome, Ok)]
    last = {each.key: each for each in looks}
    taken = 0
    for put in asked_for:
        look = last.get(put.key)
        if put.function != "put" or not isinstance(put.outcome, Ok) or look is None:
            continue
        end = look.returned_at or 0
        replaced = gone_from.get((put.key, put.argument), end) < end
        if replaced or (put.returned_at or 0) + SETTLED > look.invoked_at:
            continue
        taken += 1
        shown = look.outcome.value if isinstance(look.outcome, Ok) else None
        if not isinstance(shown, tuple) or put.argument not in shown:
            sentence = f"{put} was taken, nobody has replaced it, and it is gone: {look}."
            return Verdict(Answer.NO, sentence, (put, look), len(looks), "lost write")
    sentence = f"{taken} values were not replaced, and all are there in the end."
    return Verdict(Answer.YES, sentence, rests_on=len(looks))
