"""What clients ask for, and what must be true of what they were told."""

from random import Random

from common.check.linearizability import check_linearizability
from common.check.models import KEY_VALUE
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok, Operation
from stage3_partitioning.shards.messages import (
    Append,
    CompareAndSet,
    Delete,
    Get,
    MoveTo,
    Put,
    Scan,
)

KEYS = tuple(f"key-{number:02}" for number in range(12))


def some_command(random: Random, client: str, number: int) -> object:
    """Half questions, half changes; no value is written twice."""
    key, text = random.choice(KEYS), f"{client}.{number};"
    drawn = random.randrange(20)
    if drawn < 7:
        return Get(key)
    if drawn < 10:
        return Scan(KEYS[0], KEYS[-1] + "z")  # real clients may have put much beside these
    if drawn < 16:
        return Append(key, text)
    if drawn < 18:
        return CompareAndSet(key, None, text)
    return Put(key, text) if drawn < 19 else Delete(key)


def some_move(random: Random, person: str, number: int) -> MoveTo:
    """Move the chunk of a key to one of the first three shards; balancers move it elsewhere."""
    del person, number  # every move is drawn alike
    return MoveTo(random.choice(KEYS), random.choice(("n1", "n2", "n3")))


def linearizable(history: History) -> Verdict:
    """Whether each key behaved like one register, no matter which shard had it.

    A scan is a look at each key at some moment while it went on: all of these looks must fit.
    """
    asked = []
    for each in history:
        if each.function in KEY_VALUE.functions:
            asked.append(each)
        elif each.function == "scan" and isinstance(each.outcome, Ok):
            asked += looks(each, {other.key for other in history if isinstance(other.key, str)})
    return check_linearizability(History(asked), KEY_VALUE)


def looks(scan: Operation, keys: "set[str]") -> list[Operation]:
    """A scan of everything as so many looks at a key each, at the same time, by somebody each."""
    assert isinstance(scan.outcome, Ok)
    found = dict(scan.outcome.value)  # type: ignore[call-overload]
    return [
        Operation(
            f"{scan.process}/{key}",
            "get",
            key,
            None,
            scan.invoked_at,
            scan.returned_at,
            Ok(found.get(key)),
        )
        for key in sorted(keys)
    ]


def each_document_once(history: History) -> Verdict:
    """Whether no scan shows two documents of one key, and each shows them in order."""
    scans = 0
    for each in history:
        if each.function == "scan" and isinstance(each.outcome, Ok):
            scans += 1
            keys = [key for key, _ in each.outcome.value]  # type: ignore[attr-defined]
            if keys != sorted(set(keys)):
                return Verdict(Answer.NO, f"{each} shows a key twice, or out of order", (each,))
    return Verdict(Answer.YES, "Every scan showed each key once, in order.", rests_on=scans)
