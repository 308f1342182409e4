"""What can be told from outside, and what cannot: three questions, and what is known of them.

An observer knows what it sent, what it received, and what its own clock showed. Nothing else. Two
runs of the world in which all of that is the same are *the same run* to the observer, and whatever
it concludes, it concludes in both. That is the argument of Fischer, Lynch and Paterson 1985;
Halpern and Moses 1990, "Knowledge and common knowledge in a distributed environment", make a
definition of it: you *know* what holds in all runs that look to you like this one. So as long as
there is a run in which the thing happened, and one that looks the same in which it did not, the
true answer is: unknown.

====================================  =======================  ==================================
question                              after an answer          after silence
====================================  =======================  ==================================
did my request take effect?           yes                      unknown: lost request, lost answer
until when was the other one alive?   until I had sent that    as before
has the other one crashed?            unknown: it may have,    unknown; yes, if a *bound* on all
                                      right after answering    delays is given, and has passed
====================================  =======================  ==================================

The last corner is the synchronous system. With a bound that always holds, silence is information;
take the bound away and it is none. Cristian and Fetzer 1999, "The timed asynchronous distributed
system model", live in between: clocks are good, bounds are *usually* kept, and each message that
breaks one can be known by it, but only when it arrives.
"""

import enum
from collections.abc import Sequence
from typing import TypeAlias

from common.contract import record


class Known(enum.Enum):
    """What an observer knows of a statement about the world."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@record
class Sent:
    """The observer sent its request ``number`` at ``at`` (its own clock, in microseconds)."""

    at: int
    number: int


@record
class Received:
    """The observer received an answer to its request ``number`` at ``at``."""

    at: int
    number: int


Seen: TypeAlias = Sequence[Sent | Received]
"""All that an observer saw of one other node, in order. Requests may be sent more than once."""


def took_effect(seen: Seen, number: int) -> Known:
    """Whether the request ``number`` was carried out by the other node.

    It is never NO, unless the request was never sent: every request under way may arrive yet.
    """
    if Received in _kinds(seen, number):
        return Known.YES
    return Known.UNKNOWN if Sent in _kinds(seen, number) else Known.NO


def lived_until(seen: Seen) -> int | None:
    """The latest instant after which the other node certainly still lived (or again), or None.

    A node that answers a request lives when it receives it, and that is after it was first sent.
    How long after, nobody knows: the answer may be old, and have taken its time. So of each answer
    the time at which it *arrives* says nothing.
    """
    answered = {event.number for event in seen if isinstance(event, Received)}
    first_sent: dict[int, int] = {}
    for event in seen:
        if isinstance(event, Sent) and event.number in answered:
            first_sent.setdefault(event.number, event.at)
    return max(first_sent.values(), default=None)


def has_crashed(seen: Seen, now: int, bound: int | None = None) -> Known:
    """Whether the other node has crashed by ``now``.

    Args:
        seen: everything that was seen until now.
        now: the observer's clock, in microseconds.
        bound: a time, in microseconds, within which every request to a living node is answered,
            always, whatever happens. None where there is no such promise, as on every real network.

    Returns:
        YES if there is a bound, and some request has been without an answer for longer. It is never
        NO: it may have crashed since it last gave a sign of life.
    """
    if bound is None:
        return Known.UNKNOWN
    answered = {event.number for event in seen if isinstance(event, Received)}
    overdue = any(
        isinstance(event, Sent) and event.number not in answered and now - event.at > bound
        for event in seen
    )
    return Known.YES if overdue else Known.UNKNOWN


def _kinds(seen: Seen, number: int) -> list[type]:
    return [type(event) for event in seen if event.number == number]
