"""What people do in the chats of this lab, and what must be true of what they were shown."""

from random import Random
from typing import TypeAlias

from common.check.broadcast import check_causal_order, check_total_order
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok, Operation
from stage2_communication.clocks.ordered import Read, Say

Line: TypeAlias = tuple[str, str]
"""An author, and a text."""


def say_or_look(random: Random, person: str, number: int) -> Say | Read:
    """Say something or look, evenly; no text is said twice."""
    return Say(f"{person}.{number}") if random.random() < 0.5 else Read()


def shown(look: Operation) -> list[Line]:
    """What a look has shown; nothing for anything else."""
    if look.function != "read" or not isinstance(look.outcome, Ok):
        return []
    assert isinstance(look.outcome.value, tuple), "an answer to Read is a tuple of lines"
    return [(str(author), str(text)) for author, text in look.outcome.value]


def one_order(history: History) -> Verdict:
    """All looks of everybody show the same lines in the same order, some less far than others."""
    return check_total_order(
        {f"{look.process} at {look.invoked_at}": shown(look) for look in history if shown(look)}
    )


def nothing_taken_back(history: History) -> Verdict:
    """What a person is shown begins with what the same person was shown before."""
    latest: dict[str, list[Line]] = {}
    looks = 0
    for look in history:
        if lines := shown(look):
            before = latest.get(look.process, [])
            if lines[: len(before)] != before:
                sentence = f"{look.process} was shown {before} before, and then {lines}."
                return Verdict(Answer.NO, sentence, (look,), looks, "disorder")
            latest[look.process] = lines
            looks += 1
    sentence = f"Nothing of what {looks} looks have shown was ever taken back."
    return Verdict(Answer.YES, sentence, rests_on=looks)


def causes_first(history: History) -> Verdict:
    """Nobody is shown a post before what its author had been shown, or had said, before it."""
    known: dict[object, list[Line]] = {}
    seen: dict[str, list[Line]] = {}
    latest: dict[str, list[Line]] = {}
    for asked in history:  # a person does one thing after the other
        mine = seen.setdefault(asked.process, [])
        if asked.function == "say":
            post = (asked.process, str(asked.argument))
            known[post] = list(mine)
            mine.append(post)
        elif lines := shown(asked):
            mine += [line for line in lines if line not in mine]
            latest[asked.process] = lines
    return check_causal_order(latest, known)
