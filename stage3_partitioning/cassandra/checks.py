"""What people ask for, and what must be true of what they were told."""

from collections.abc import Iterable, Sequence
from random import Random

from common.check.linearizability import check_linearizability
from common.check.models import CompareAndSetRegister
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok, Operation
from stage3_partitioning.cassandra.replica import ONE, QUORUM, Get, Put, PutIf, Value

KEYS = ("ann", "bob", "cyd")
ROW, COLUMN = "profile", "city"


def put_or_get(random: Random, client: str, number: int, level: str = QUORUM) -> Put | Get:
    """Look, write, or now and then delete; no value is written twice."""
    key, drawn = random.choice(KEYS), random.random()
    if drawn < 0.5:
        return Get(key, level=level)
    value = None if drawn < 0.6 else f"{client}.{number}"
    return Put(key, (Value(ROW, COLUMN, value),), level)


def put_or_get_one(random: Random, client: str, number: int) -> Put | Get:
    """The same, with one replica's word."""
    return put_or_get(random, client, number, ONE)


def claim_or_look(random: Random, client: str, number: int) -> PutIf:
    """Claim the name for oneself if nobody has it, give back what one may have, or look."""
    del number
    key, drawn = random.choice(KEYS[:2]), random.random()
    nobody, mine = Value(ROW, COLUMN, None), Value(ROW, COLUMN, client)
    if drawn < 0.4:
        return PutIf(key, (nobody,), (mine,))
    return PutIf(key, (mine,), (nobody,)) if drawn < 0.7 else PutIf(key, (nobody,), ())


def reads_see_writes(history: History) -> Verdict:
    """Each look shows, of each column, nothing older than what had been told before it began.

    Told is what a write with Ok has written, and what a look has shown. So a look sees each write
    that had ended, unless a newer one is there; and no look goes back behind an earlier one.
    """
    known: list[tuple[int, object, object, int]] = []  # told at, key, column, timestamp
    looks = 0
    for asked in sorted(history, key=lambda each: each.returned_at or 0):
        if not isinstance(asked.outcome, Ok) or asked.returned_at is None:
            continue
        told = _timestamps(asked)
        if asked.function == "get":
            looks += 1
            for at, key, column, timestamp in known:
                if key == asked.key and at < asked.invoked_at and told.get(column, 0) < timestamp:
                    sentence = f"{asked} shows what is older than the write of {timestamp} µs"
                    return Verdict(Answer.NO, sentence, (asked,), looks, "stale read")
        known += [(asked.returned_at, asked.key, *each) for each in told.items()]
    sentence = f"All {looks} looks show what had been told before them."
    return Verdict(Answer.YES, sentence, rests_on=looks)


def _timestamps(asked: Operation) -> dict[object, int]:
    """By column, the timestamp that somebody was told."""
    assert isinstance(asked.outcome, Ok)
    told = asked.outcome.value
    if asked.function == "put" and isinstance(asked.argument, tuple):
        assert isinstance(told, int)
        return {(each.row, each.column): told for each in asked.argument[0]}
    if asked.function == "get" and isinstance(told, tuple):
        return {(each.row, each.column): each.timestamp for each in told}
    return {}


def one_after_the_other(history: History) -> Verdict:
    """The lightweight transactions on each column are those of one register: linearizable."""
    return check_linearizability(History(as_register(history)), CompareAndSetRegister())


def as_register(history: Iterable[Operation]) -> list[Operation]:
    """Each transaction as a compare-and-set, or, where it shows what is there, as a read of that.

    One that was not done shows what it found: that says more than that it was not done.
    """
    found = []
    for asked in history:
        if asked.function != "put-if" or not isinstance(asked.argument, tuple):
            continue
        expected, values = asked.argument
        column = (asked.key, expected[0].row, expected[0].column)
        is_look = not values or (isinstance(asked.outcome, Ok) and asked.outcome.value is not True)
        function = "read" if is_look else "compare-and-set"
        argument = None if is_look else (expected[0].value, values[0].value)
        outcome = asked.outcome
        if isinstance(outcome, Ok):
            outcome = Ok(_first(outcome.value)) if is_look else Ok(True)
        times = asked.invoked_at, asked.returned_at
        found.append(Operation(asked.process, function, column, argument, *times, outcome))
    return found


def _first(told: object) -> object:
    """The value that a look at one column has shown."""
    assert isinstance(told, Sequence)
    return told[0].value if told else None
