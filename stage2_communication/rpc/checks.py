"""What callers ask for, and what must be true of what they were told."""

from itertools import pairwise
from random import Random

from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok, Operation
from stage1_foundations.failures.checks import check_account, check_honesty, some_command
from stage2_communication.rpc.streams import Listen

CALLS = ("deposit", "withdraw", "statement")


def some_call(random: Random, caller: str, number: int) -> object:
    """A command or a statement, and now and then a stream."""
    return Listen() if number % 7 == 6 else some_command(random, caller, number)


def calls_of(history: History) -> History:
    """The calls alone, without streams and what was cancelled."""
    return History(each for each in history if each.function in CALLS)


def at_most_once(history: History) -> Verdict:
    """Each call that ended ok happened once; failed, never; unknown, at most once."""
    return check_honesty(calls_of(history))


def one_account(history: History) -> Verdict:
    """All calls together are those of one account: linearizable."""
    return check_account(calls_of(history))


def streams_are_whole(history: History) -> Verdict:
    """Each stream has all entries from the first one on, in order, and none twice.

    So of any two streams and statements the shorter one is the beginning of the longer one. And it
    has what was in a statement that had ended before the stream was opened.
    """
    seen = [each for each in history if each.function in ("listen", "statement")]
    read = [each for each in seen if isinstance(each.outcome, Ok)]
    read.sort(key=lambda each: len(_entries(each)))
    for shorter, longer in pairwise(read):
        if _entries(longer)[: len(_entries(shorter))] != _entries(shorter):
            sentence = f"One is not the beginning of the other: {shorter} and {longer}."
            return Verdict(Answer.NO, sentence, (shorter, longer), steps=len(read))
    for each in read:
        before = [len(_entries(o)) for o in read if (o.returned_at or 0) < each.invoked_at]
        if max(before, default=0) > len(_entries(each)):
            sentence = f"{max(before)} entries had been read before, and it lacks some: {each}."
            return Verdict(Answer.NO, sentence, (each,), steps=len(read))
    sentence = f"{len(read)} streams and statements agree."
    return Verdict(Answer.YES, sentence, steps=len(read), rests_on=len(read))


def _entries(read: Operation) -> tuple[int, ...]:
    assert isinstance(read.outcome, Ok), "only what was read is looked at"
    entries = read.outcome.value
    return tuple(entries) if isinstance(entries, tuple | list) else ()
