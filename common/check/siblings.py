"""Stores that keep concurrent values: no value goes that nobody has seen and replaced.

DeCandia et al. 2007, "Dynamo", section 4.4: a write replaces what its author had been shown, and
whatever else is there stays, as a sibling. So an acknowledged value may go in one way only.
"""

from collections.abc import Iterable

from common.check.verdict import Answer, Verdict
from common.values.history import Failed, Ok, Operation


def check_siblings(history: Iterable[Operation]) -> Verdict:
    """Whether no value went that nobody had seen and replaced.

    A value that a process has written, or was shown, may be missing in a later look only if some
    write of the key has replaced it. That is a write that was asked for before the look ended, and
    whose author's latest look at the key had the value in it.

    Args:
        history: ``put`` and ``get`` with keys; a look ends with Ok(tuple of values). No value is
            written twice to a key.
    """
    asked_for = sorted(history, key=lambda each: each.invoked_at)
    gone_from = replaced_at(asked_for)
    known: dict[tuple[str, object], set[object]] = {}
    looks = 0
    for asked in asked_for:
        mine = known.setdefault((asked.process, asked.key), set())
        if asked.function == "put" and isinstance(asked.outcome, Ok):
            mine.add(asked.argument)
        elif (values := _shown(asked)) is not None:
            looks += 1
            end = asked.returned_at or 0
            for value in sorted(mine - values, key=str):
                if gone_from.get((asked.key, value), end) >= end:
                    why = f"{asked.process} knew {value}, which nobody has replaced, and it is gone"
                    return Verdict(Answer.NO, f"{why}: {asked}.", (asked,), looks, "lost write")
            mine |= values
    sentence = f"In {looks} looks no value went that nobody had seen and replaced."
    return Verdict(Answer.YES, sentence, rests_on=looks)


def check_reads_see_writes(history: Iterable[Operation]) -> Verdict:
    """Whether each look shows what was written before it, unless somebody has replaced it.

    Stronger than :func:`check_siblings`: a look shows each value of the key whose write had ended
    with Ok before the look began, also those of other processes.

    Args:
        history: as for :func:`check_siblings`.
    """
    asked_for = sorted(history, key=lambda each: each.invoked_at)
    gone_from = replaced_at(asked_for)
    puts = [each for each in asked_for if each.function == "put" and isinstance(each.outcome, Ok)]
    looks = 0
    for look in asked_for:
        if (values := _shown(look)) is None:
            continue
        looks += 1
        end = look.returned_at or 0
        for put in puts:
            before = put.key == look.key and (put.returned_at or 0) <= look.invoked_at
            missing = before and put.argument not in values
            if missing and gone_from.get((put.key, put.argument), end) >= end:
                sentence = f"{look} does not show what {put} had written before."
                return Verdict(Answer.NO, sentence, (put, look), looks, "lost write")
    sentence = f"All {looks} looks show what was written before and not replaced."
    return Verdict(Answer.YES, sentence, rests_on=looks)


def replaced_at(asked_for: Iterable[Operation]) -> dict[tuple[object, object], int]:
    """By key and value, when the first write was asked for whose author had been shown it.

    A look that had no answer in time may have had one since, which the history does not have. What
    the same client writes after that may replace all that had been written by then. A client goes
    on under another name then: ``c2/7`` is the client ``c2``.

    Args:
        asked_for: operations in the order in which they were asked for.
    """
    first: dict[tuple[object, object], int] = {}
    latest: dict[tuple[str, object], set[object]] = {}
    written: dict[object, set[object]] = {}
    unsure: set[tuple[str, object]] = set()
    for asked in asked_for:
        client = asked.process.partition("/")[0], asked.key
        if (values := _shown(asked)) is not None:
            latest[client] = values
            unsure.discard(client)
        elif asked.function == "get" and not isinstance(asked.outcome, Failed):
            unsure.add(client)
        elif asked.function == "put" and not isinstance(asked.outcome, Failed):
            seen = latest.get(client, set())
            for value in seen | written.get(asked.key, set()) if client in unsure else seen:
                first.setdefault((asked.key, value), asked.invoked_at)
            written.setdefault(asked.key, set()).add(asked.argument)
    return first


def _shown(asked: Operation) -> set[object] | None:
    """The values that a look has shown; None if it is no look, or has not ended."""
    if not isinstance(asked.outcome, Ok) or not isinstance(asked.outcome.value, tuple):
        return None
    return set(asked.outcome.value)
