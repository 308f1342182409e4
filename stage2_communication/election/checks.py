"""What people ask in the lab ``election``, and what must be true of what they are told."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Any

from common.check.verdict import Answer, Verdict
from common.contract import NodeId
from common.values.history import History, Ok, Operation
from common.values.units import MS, show_time
from stage2_communication.election.bully import WhoLeads, rank
from stage2_communication.election.fencing import Read, Write

GAP = 110 * MS
"""A process that says twice within this time that it leads has led in between. For it would miss a
newer leader only after a longer silence."""


def ask_who_leads(_random: Random, _process: str, _number: int) -> WhoLeads:
    """Everybody is asked for the same, again and again."""
    return WhoLeads()


def write_or_read(random: Random, machine: str, number: int) -> Write | Read:
    """The machine with the resource is read, the others are to write; no text comes twice."""
    return Read() if machine == "n1" else Write(f"{machine}.{number}.{random.randrange(1000)}")


def answers(history: History, function: str) -> Iterator[tuple[NodeId, Operation, Any]]:
    """Who has answered, to what, and what; of those operations that ended with Ok."""
    for asked in history:
        if asked.function == function and isinstance(asked.outcome, Ok):
            yield asked.process.partition("/")[0], asked, asked.outcome.value


# Bully and the ring.


def nobody_follows_a_lower_one(history: History) -> Verdict:
    """Who leads is never lower than the process that says so."""
    count = 0
    for process, asked, leader in answers(history, "who-leads"):
        count += 1
        if leader is not None and rank(leader) < rank(process):
            return Verdict(Answer.NO, f"{process} follows {leader}, which is lower.", (asked,))
    sentence = f"In {count} answers nobody follows a lower process."
    return Verdict(Answer.YES, sentence, rests_on=count)


def one_leader_at_a_time(history: History) -> Verdict:
    """Of two processes that say that they lead, one has stopped before the other one began.

    A process that says so twice within :data:`GAP` led in between. If another one says so in just
    that time, there were two.
    """
    claims: dict[NodeId, list[Operation]] = defaultdict(list)
    spans: list[tuple[NodeId, Operation, Operation]] = []
    for process, asked, leader in answers(history, "who-leads"):
        if leader != process:
            claims[process] = []
            continue
        if claims[process] and asked.invoked_at - _end(claims[process][-1]) <= GAP:
            spans.append((process, claims[process][-1], asked))
        claims[process] = [asked]
    said = 0
    for process, asked, leader in answers(history, "who-leads"):
        said += 1
        for other, first, second in spans:
            between = _end(first) <= asked.invoked_at and _end(asked) <= second.invoked_at
            if leader == process != other and between:
                when = show_time(asked.invoked_at)
                sentence = f"At {when} both {process} and {other} say that they lead."
                return Verdict(Answer.NO, sentence, (first, asked, second))
    return Verdict(Answer.YES, "At no time did two processes say that they lead.", rests_on=said)


def _end(asked: Operation) -> int:
    assert asked.returned_at is not None, "what ended with Ok has returned"
    return asked.returned_at


# Terms.


def one_leader_a_term(history: History) -> Verdict:
    """For each term all that know its leader name the same one."""
    leaders: dict[int, tuple[NodeId, Operation]] = {}
    for _, asked, (term, leader) in answers(history, "who-leads"):
        if leader is None:
            continue
        known, first = leaders.setdefault(term, (leader, asked))
        if known != leader:
            sentence = f"Term {term} has two leaders, {known} and {leader}."
            return Verdict(Answer.NO, sentence, (first, asked))
    sentence = f"Each of {len(leaders)} terms has one leader."
    return Verdict(Answer.YES, sentence, rests_on=len(leaders))


def terms_never_fall(history: History) -> Verdict:
    """No process goes back to an earlier term, not even by a crash."""
    latest: dict[NodeId, int] = {}
    for process, asked, (term, _) in answers(history, "who-leads"):
        if term < latest.get(process, 0):
            sentence = f"{process} was in term {latest[process]}, and then in term {term}."
            return Verdict(Answer.NO, sentence, (asked,))
        latest[process] = term
    sentence = f"The terms of {len(latest)} processes never fell."
    return Verdict(Answer.YES, sentence, rests_on=len(latest))


# Fencing.


def tokens_never_fall(history: History) -> Verdict:
    """The resource has never taken a write of an older leader after one of a newer leader."""
    looks = 0
    for _, asked, lines in answers(history, "read"):
        looks += 1
        for (before, _), (token, text) in pairwise(lines):
            if token < before:
                sentence = f"{text!r} has token {token}, and comes after a write of {before}."
                return Verdict(Answer.NO, sentence, (asked,))
    sentence = f"Looks: {looks}. In each no token is less than one before it."
    return Verdict(Answer.YES, sentence, rests_on=looks)


def one_writer_a_term(history: History) -> Verdict:
    """All writes that were acknowledged in a term went through one process."""
    writers: dict[int, tuple[NodeId, Operation]] = {}
    for process, asked, token in answers(history, "write"):
        known, first = writers.setdefault(token, (process, asked))
        if known != process:
            sentence = f"Both {known} and {process} have written in term {token}."
            return Verdict(Answer.NO, sentence, (first, asked))
    sentence = f"Each of {len(writers)} terms has one writer."
    return Verdict(Answer.YES, sentence, rests_on=len(writers))


def what_was_taken_stays(history: History) -> Verdict:
    """Looks extend each other, and show every write that was acknowledged before them."""
    latest: tuple[Any, ...] = ()
    written = [(_end(asked), token, asked) for _, asked, token in answers(history, "write")]
    for _, look, lines in answers(history, "read"):
        if lines[: len(latest)] != latest:
            return Verdict(Answer.NO, f"{look} does not begin with what was there before.", (look,))
        latest = lines
        for ended, token, write in written:
            if ended <= look.invoked_at and (token, write.argument) not in lines:
                return Verdict(Answer.NO, f"{look} lacks {write}.", (write, look))
    sentence = f"All {len(written)} acknowledged writes stay where they are."
    return Verdict(Answer.YES, sentence, rests_on=len(written))
