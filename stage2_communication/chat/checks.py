"""What people do in a chat, and what can be said of it from outside: transcripts, and what holds.

Each check is a function of the history alone: what people said (``say``), and what they were shown
when they looked (``read``).
"""

from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import TypeAlias

from common.check.broadcast import check_broadcast, check_causal_order, check_total_order
from common.check.verdict import Answer, Verdict
from common.values.history import Failed, History, Ok, Operation
from stage2_communication.chat.member import MAX_LINES_READ
from stage2_communication.chat.messages import (
    Join,
    Joined,
    Leave,
    Line,
    Read,
    Removed,
    Said,
    Say,
)

LEAVES_AFTER = 15
"""After so many operations the third person leaves the room."""

PAGE = 100
"""A person looks at pages that begin with lines of these numbers; each shows two such pages."""

MOST_LINES = 4
"""For each operation of one person, there are no more lines than this for long."""


def say_or_look(random: Random, client: str, number: int) -> Join | Leave | Read | Say:
    """Say something, or look; the fourth person joins first, the third one leaves at some time."""
    if client not in ("c1", "c2", "c3") and number == 0:
        return Join()
    if client == "c3" and number == LEAVES_AFTER:
        return Leave()
    if random.random() < 0.4:
        return Say(f"{client}.{number}")
    return Read(PAGE * random.randrange(MOST_LINES * number // PAGE + 1))


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
            upto = first_unseen(lines)
            made[person] = [(lines[n].author, lines[n].number) for n in range(1, upto)]
    return made


def first_unseen(lines: Mapping[int, Line]) -> int:
    """The first place of which these lines, by place, do not tell."""
    return next(place for place in range(1, len(lines) + 2) if place not in lines)


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
    sentence = f"None of {steps} lines that were read ever changed."
    return Verdict(Answer.YES, sentence, steps=steps, rests_on=steps)


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
    names = {
        line.content.text: (line.author, line.number)
        for lines in transcripts(history).values()
        for line in lines.values()
        if isinstance(line.content, Said)
    }
    moments = [(one.invoked_at, 1, one) for one in history if one.function == "say"]
    moments += [
        (one.returned_at, 0, one)
        for one in history
        if one.function == "read" and one.returned_at is not None
    ]
    seen: dict[str, dict[Message, None]] = {}
    known: dict[object, tuple[Message, ...]] = {}
    for _, _, one in sorted(moments, key=lambda moment: moment[:2]):
        mine = seen.setdefault(person_of(one), {})
        mine |= dict.fromkeys((line.author, line.number) for line in lines_of(one))
        if one.function == "say" and str(one.argument) in names:
            known[names[str(one.argument)]] = tuple(mine)
    return known


def each_once(history: History) -> Verdict:
    """Each post shown was said, and is shown once; what ended ok is shown to its author.

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
    """Who was told that a post is shown, and has seen all lines there were later, has seen it.

    One ``read`` may begin anywhere, even after the last line, and shows so many lines at most. So
    of each person that one counts which came to the end last, with no line before it unseen.
    """
    shown = transcripts(history)
    texts = {
        person: {line.content.text for line in lines.values() if isinstance(line.content, Said)}
        for person, lines in shown.items()
    }
    unseen = {person: first_unseen(lines) for person, lines in shown.items()}
    last_look: dict[str, int] = {}
    for one in history:
        lines, person = lines_of(one), person_of(one)
        if one.function != "read" or not isinstance(one.outcome, Ok):
            continue
        end = max(0, int(str(one.argument))) + len(lines)
        if len(lines) < MAX_LINES_READ and end < unseen[person]:
            last_look[person] = one.invoked_at
    kept = [
        one
        for one in history
        if one.function == "say"
        and isinstance(one.outcome, Ok)
        and (one.returned_at or 0) < last_look.get(person_of(one), 0)
    ]
    for one in kept:
        if str(one.argument) not in texts[person_of(one)]:
            sentence = f"Lost: {one}, and {person_of(one)} looked again later and is not shown it."
            return Verdict(Answer.NO, sentence, (one,), len(kept), "loss")
    sentence = f"Nothing lost: all {len(kept)} posts that ended ok are shown to who looked again."
    return Verdict(Answer.YES, sentence, steps=len(kept), rests_on=len(kept))


def told(line: Line) -> str:
    """A line of a transcript for people."""
    match line.content:
        case Said(text):
            return f"{line.author}: {text}"
        case Joined(name):
            return f"* {name} has joined"
        case Removed(name):
            return f"* {name} is no longer here"
