"""What can be said of a chat from outside: transcripts out of a history, and what holds of them.

Everything here is a function of the history alone: what people said (``say``), and what they were
shown when they looked (``read``).
"""

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from common.check.broadcast import check_broadcast, check_causal_order, check_total_order
from common.check.verdict import Answer, Verdict
from common.values.history import Failed, History, Ok, Operation
from stage2_communication.chat import Joined, Line, Removed, Said

Message: TypeAlias = tuple[str, int]
"""A post in a transcript: its author, and its number among the author's posts."""


def person_of(operation: Operation) -> str:
    """Who asked: ``c1`` for the processes ``c1`` and ``c1/7`` of a history."""
    return operation.process.partition("/")[0]


def lines_of(operation: Operation) -> tuple[Line, ...]:
    """What a ``read`` showed; nothing for anything else."""
    if operation.function != "read" or not isinstance(operation.outcome, Ok):
        return ()
    lines = operation.outcome.value
    return lines if isinstance(lines, tuple) else ()


def transcripts(history: History) -> dict[str, dict[int, Line]]:
    """For each person the lines that they were shown, by place.

    A place that was shown twice with different lines keeps the first; :func:`shown_stays` finds it.
    """
    found: dict[str, dict[int, Line]] = {}
    for operation in history:
        mine = found.setdefault(person_of(operation), {})
        for line in lines_of(operation):
            mine.setdefault(line.place, line)
    return found


def sequences(history: History) -> dict[str, list[Message]]:
    """For each person who looked what they were shown, in order, up to the first line not seen."""
    made: dict[str, list[Message]] = {}
    for person, lines in transcripts(history).items():
        if lines:
            upto = next(place for place in range(1, len(lines) + 2) if place not in lines)
            made[person] = [(lines[n].author, lines[n].number) for n in range(1, upto)]
    return made


def shown_stays(history: History) -> Verdict:
    """Nobody was ever shown two different lines in the same place."""
    first: dict[tuple[str, int], Line] = {}
    steps = 0
    for operation in history:
        for line in lines_of(operation):
            steps += 1
            before = first.setdefault((person_of(operation), line.place), line)
            if before != line:
                sentence = (
                    f"Line {line.place} of {person_of(operation)} changed: it was "
                    f"{told(before)}, and is {told(line)}."
                )
                return Verdict(Answer.NO, sentence, (operation,), steps, "disorder")
    return Verdict(Answer.YES, f"None of {steps} lines that were read ever changed.", steps=steps)


def same_order(history: History) -> Verdict:
    """All members show the same posts in the same order, some perhaps less far."""
    changed = shown_stays(history)
    return check_total_order(sequences(history)) if changed.answer is Answer.YES else changed


def causes_first(history: History) -> Verdict:
    """No member shows a post before one that its author had been shown when posting it.

    What an author had certainly been shown: the lines of every ``read`` that ended before the
    ``say`` began, and the posts of its own that were shown by then.
    """
    changed = shown_stays(history)
    if changed.answer is not Answer.YES:
        return changed
    return check_causal_order(sequences(history), causes(history))


def causes(history: History) -> Mapping[object, tuple[Message, ...]]:
    """By post all posts that its author had read before saying it."""
    by_text: dict[str, Message] = {}
    for lines in transcripts(history).values():
        for line in lines.values():
            if isinstance(line.content, Said):
                by_text.setdefault(line.content.text, (line.author, line.number))
    ended = sorted(
        (one for one in history if one.returned_at is not None),
        key=lambda one: one.returned_at or 0,
    )
    known: dict[object, tuple[Message, ...]] = {}
    for say in history:
        message = by_text.get(str(say.argument)) if say.function == "say" else None
        if message is None:
            continue
        seen: dict[Message, None] = {}
        for one in ended:
            if one.returned_at is not None and one.returned_at > say.invoked_at:
                break
            if person_of(one) == person_of(say):
                seen |= dict.fromkeys((line.author, line.number) for line in lines_of(one))
        known[message] = tuple(seen)
    return known


def each_once(history: History) -> Verdict:
    """Nobody is shown what nobody said, nor anything twice; what ended ok is shown to its author.

    A ``say`` that failed must be shown to nobody.
    """
    said = [str(one.argument) for one in history if one.function == "say"]
    failed = {
        str(one.argument)
        for one in history
        if one.function == "say" and isinstance(one.outcome, Failed)
    }
    shown = {
        person: [line.content.text for line in lines.values() if isinstance(line.content, Said)]
        for person, lines in transcripts(history).items()
    }
    repeated = [text for text, times in Counter(said).items() if times > 1]
    assert not repeated, f"the check needs texts that differ, and {repeated[0]!r} was said twice"
    for person, texts in shown.items():
        if lie := next((text for text in texts if text in failed), None):
            sentence = f"{person} is shown {lie!r}, and its author was told that it failed."
            return Verdict(Answer.NO, sentence, anomaly="creation")
    return check_broadcast(said, shown)


def nothing_lost(history: History) -> Verdict:
    """What was said with Ok is in the longest transcript of all, and in the same once.

    It is to be asked of a history that ends with everybody reading all there is.
    """
    longest = max(transcripts(history).values(), key=len, default={})
    shown = {line.content.text for line in longest.values() if isinstance(line.content, Said)}
    kept = [one for one in history if one.function == "say" and isinstance(one.outcome, Ok)]
    for one in kept:
        if str(one.argument) not in shown:
            sentence = f"Lost: {one}, and nobody is shown it in the end."
            return Verdict(Answer.NO, sentence, (one,), len(kept), "loss")
    return Verdict(Answer.YES, f"All {len(kept)} posts that ended ok are shown.", steps=len(kept))


def told(line: Line) -> str:
    """A line of a transcript for people."""
    match line.content:
        case Said(text):
            return f"{line.author}: {text}"
        case Joined(name):
            return f"* {name} has joined"
        case Removed(name):
            return f"* {name} is no longer here"
