"""What people ask in the lab ``gossip``, and what must be true of what they are told."""

from random import Random

from common.check.verdict import Answer, Verdict
from common.contract import NodeId
from common.values.history import History, Ok, Operation
from stage2_communication.gossip.certificates import Delete
from stage2_communication.gossip.rumors import Known, Tell
from stage2_communication.gossip.sites import Get, Put
from stage2_communication.gossip.store import Stamp

KEYS = 3
"""So many keys are in use: few enough that most are deleted while somebody is cut off."""


def tell_or_ask(random: Random, site: str, number: int) -> Tell | Known:
    """Now and then news; no text is told twice."""
    return Tell(f"{site}.{number}") if random.random() < 0.2 else Known()


def change_or_look(random: Random, site: str, number: int) -> Put | Delete | Get:
    """Mostly looks; as many deletions as updates; no text is written twice."""
    key, drawn = f"k{random.randrange(KEYS)}", random.random()
    if drawn < 0.2:
        return Put(key, f"{site}.{number}")
    return Delete(key) if drawn < 0.4 else Get(key)


def only_what_was_told(history: History) -> Verdict:
    """Nobody knows a rumor that nobody has told before."""
    told: set[object] = set()
    looks = 0
    for asked in history:
        if asked.function == "tell":
            told.add(asked.argument)
        elif isinstance(asked.outcome, Ok) and isinstance(asked.outcome.value, tuple):
            looks += 1
            if made_up := [text for text in asked.outcome.value if text not in told]:
                sentence = f"{asked.process} knows {made_up[0]!r}, which nobody has told."
                return Verdict(Answer.NO, sentence, (asked,))
    return Verdict(Answer.YES, f"In {looks} looks all that is known was told.", rests_on=looks)


def gone_stays_gone(history: History) -> Verdict:
    """What was replaced or deleted at a site is never shown there again.

    Each site is asked by one person, one thing after the other. So the stamps that a site shows for
    a key never fall. After it has shown nothing, they grow: what was gone is not back.
    """
    latest: dict[tuple[NodeId, object], tuple[Stamp, bool, Operation]] = {}
    looks = 0
    for asked in history:
        if asked.function not in ("put", "delete", "get") or not isinstance(asked.outcome, Ok):
            continue
        place = asked.process.partition("/")[0], asked.key
        shown = asked.outcome.value
        assert isinstance(shown, tuple), "an answer is a stamp, or a value and a stamp"
        value, stamp = shown if asked.function == "get" else (asked.argument, shown)
        looks += 1
        if place in latest:
            seen, gone, then = latest[place]
            stamp = stamp or seen
            if stamp < seen or (stamp == seen and gone and value is not None):
                sentence = f"{asked.key} is back at {place[0]}: stamp {stamp}, gone since {seen}."
                return Verdict(Answer.NO, sentence, (then, asked))
        if stamp is not None:
            latest[place] = stamp, value is None, asked
    return Verdict(Answer.YES, f"In {looks} looks nothing came back.", rests_on=looks)
