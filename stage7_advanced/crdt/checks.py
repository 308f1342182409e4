"""What people do with the list and the text, and what must be true of what they were shown."""

from itertools import pairwise
from random import Random

from common.check.cycles import components
from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok, Operation
from stage7_advanced.crdt.gossip import Add, Look, Remove
from stage7_advanced.crdt.operations import Erase, Show, Type

ITEMS = ("bread", "eggs", "milk", "salt", "tea")
FIRST_SIGN = 0x4E00
"""Where the signs that people type in these runs begin: enough for each to be typed once."""


def change_or_look(random: Random, person: str, number: int) -> Add | Remove | Look:
    """Add, remove or look."""
    del person, number  # everybody buys the same things
    item = random.choice(ITEMS)
    return random.choice((Add(item), Remove(item), Look()))


def type_or_erase(random: Random, person: str, number: int) -> Type | Erase | Show:
    """Type two signs that nobody else types, erase one, or look."""
    index = random.randrange(30)
    if random.random() < 0.4:
        return Show()
    if random.random() < 0.3:
        return Erase(index)
    place = FIRST_SIGN + 1_500 * int(person[1:]) + 2 * (number % 700)
    return Type(index, chr(place) + chr(place + 1))


def answer(asked: Operation, function: str) -> object:
    """What an operation of this name was told; None if it is another one, or was told nothing."""
    if asked.function != function or not isinstance(asked.outcome, Ok):
        return None
    return asked.outcome.value


def added_stays(history: History) -> Verdict:
    """Who adds an item sees it until somebody removes it; and nobody sees what nobody added."""
    looks = 0
    for look in history:
        shown = answer(look, "look")
        if not isinstance(shown, tuple):
            continue
        looks += 1
        for item in shown:
            if not _asked_for(history, "add", item, 0, look.returned_at):
                return _no(f"{look.process} is shown {item}, which nobody has added", look, looks)
        for own in history:
            if (
                own.process == look.process
                and own.function == "add"
                and isinstance(own.outcome, Ok)
                and (own.returned_at or 0) <= look.invoked_at
                and own.argument not in shown
                and not _asked_for(
                    history, "remove", own.argument, own.invoked_at, look.returned_at
                )
            ):
                sentence = f"{look.process} added {own.argument}, and it is gone, removed by nobody"
                return _no(sentence, look, looks)
    sentence = f"In {looks} looks nothing was lost, and nothing came from nowhere."
    return Verdict(Answer.YES, sentence, rests_on=looks)


def one_order(history: History) -> Verdict:
    """There is one order of all signs in which every text that was ever shown stands.

    Attiya et al. 2016, "Specification and complexity of collaborative text editing", the strong
    list specification. There is such an order just if the neighbours of all texts form no circle.
    """
    follows: dict[str, dict[str, None]] = {}
    shows = 0
    for show in history:
        if isinstance(text := answer(show, "show"), str):
            shows += 1
            for sign, following in pairwise(text):
                follows.setdefault(sign, {})[following] = None
            if len(set(text)) < len(text):
                return _no(f"{show.process} is shown a sign twice in {text!r}", show, shows)
    circles = components({sign: tuple(after) for sign, after in follows.items()})
    if circles:
        signs = ", ".join(sorted(circles[0])[:5])
        return Verdict(
            Answer.NO, f"The texts show {signs} in different orders.", (), shows, "disorder"
        )
    sentence = f"The texts of {shows} looks all stand in one order."
    return Verdict(Answer.YES, sentence, rests_on=shows)


def typed_is_shown(history: History) -> Verdict:
    """Each sign that somebody is shown was typed, and not erased by that same person."""
    typed: set[str] = set()
    erased: dict[str, set[str]] = {}
    for asked in history:
        if asked.function == "type":
            typed |= set(str(getattr(asked.argument, "text", asked.argument)))
        if isinstance(text := answer(asked, "erase"), str):
            erased.setdefault(asked.process, set()).update(text)
        text = answer(asked, "show")
        gone = erased.get(asked.process, set())
        if isinstance(text, str) and (back := sorted(set(text) & gone)):
            return _no(f"{asked.process} has erased {back[0]}, and it is back", asked, 0)
    shows = 0
    for asked in history:
        shows += isinstance(answer(asked, "show"), str)
        if isinstance(text := answer(asked, "show"), str) and set(text) - typed:
            sign = sorted(set(text) - typed)[0]
            return _no(f"{asked.process} is shown {sign}, which nobody typed", asked, 0)
    sentence = "Every sign that is shown was typed, and not erased before."
    return Verdict(Answer.YES, sentence, rests_on=shows)


def _asked_for(
    history: History, function: str, item: object, since: int, until: int | None
) -> bool:
    return any(
        each.function == function
        and each.argument == item
        and each.invoked_at >= since
        and (until is None or each.invoked_at <= until)
        for each in history
    )


def _no(sentence: str, asked: Operation, steps: int) -> Verdict:
    return Verdict(Answer.NO, f"{sentence}.", (asked,), steps, "list")
