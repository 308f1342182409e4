"""What clients of the store ask for, and how their histories are judged."""

from random import Random

from common.check.linearizability import check_linearizability
from common.check.models import KEY_VALUE
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok, Operation
from stage3_partitioning.kv.commands import Append, CompareAndSet, Delete, Get, Put

KEYS = tuple(b"key-%d" % number for number in range(12))


def some_command(random: Random, client: str, number: int) -> object:
    """Half questions, half changes; no value is written twice, and values stay short."""
    key, text = random.choice(KEYS), f"{client}.{number};".encode()
    drawn = random.randrange(20)
    if drawn < 10:
        return Get(key)
    if drawn < 15:
        return Append(key, text)
    if drawn < 17:
        return CompareAndSet(key, None, text)
    return Put(key, text) if drawn < 19 else Delete(key)


def linearizable(history: History) -> Verdict:
    """Whether each key behaved like one register that never stops, no matter which node had it."""
    asked = [as_text(each) for each in history if each.function in KEY_VALUE.functions]
    return check_linearizability(History(asked), KEY_VALUE)


def as_text(operation: Operation) -> Operation:
    """The operation with text in place of bytes: that is what the model of a store appends to."""
    outcome = operation.outcome
    if isinstance(outcome, Ok):
        outcome = Ok(_text(outcome.value))
    return Operation(
        operation.process,
        operation.function,
        _text(operation.key),
        _text(operation.argument),
        operation.invoked_at,
        operation.returned_at,
        outcome,
    )


def _text(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(_text(part) for part in value)
    return value.decode("latin-1") if isinstance(value, bytes) else value


def nothing_lost(history: History) -> Verdict:
    """Whether each key's last read has every append that was acknowledged before it began.

    Says nothing of keys that were put or deleted; linearizability does, and this in plain words.
    """
    overwritten = {each.key for each in history if each.function not in ("append", "get")}
    judged = 0
    for read in reversed(history.operations):
        if read.function != "get" or not isinstance(read.outcome, Ok) or read.key in overwritten:
            continue
        overwritten.add(read.key)  # the last read of this key was judged
        judged += 1
        held = read.outcome.value or b""
        assert isinstance(held, bytes), "a get ends with bytes"
        for each in history:
            ended = each.returned_at is not None and each.returned_at < read.invoked_at
            known = each.function == "append" and each.key == read.key and ended
            if (
                known
                and isinstance(each.outcome, Ok)
                and str(each.argument)[2:-1].encode() not in held
            ):
                return Verdict(
                    Answer.NO, f"{each} was acknowledged, and {read} misses it", (each, read)
                )
    sentence = "Every acknowledged append was there when its key was read last."
    return Verdict(Answer.YES, sentence, rests_on=judged)
