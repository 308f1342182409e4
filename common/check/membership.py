"""Failure detectors and membership: who was believed to be dead, and was it?

Chandra and Toueg 1996, "Unreliable failure detectors for reliable distributed systems", section 2:

* *completeness*: a member that is down is dead, after some time, to every member that is up;
* *accuracy*: a member that is up is dead, after some time, to nobody.

Each takes what members believed (:class:`View`), when members were really up and down
(:class:`Span`), and how long "some time" is. A simulation knows the truth from its schedule; for
any other run :func:`spans_of` reads off a history what is certain: who has answered was up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from common.check.verdict import Answer, Verdict
from common.values.history import History, Ok, Operation
from common.values.units import show_time


@dataclass(frozen=True, slots=True)
class View:
    """What a member believed at some moment between two times.

    Attributes:
        observer: who believed it.
        since, until: the two times, in microseconds.
        dead: whom it believed to be dead, in order.
        doubted: whom it believed to be dead or suspected, in order.
    """

    observer: str
    since: int
    until: int
    dead: tuple[str, ...]
    doubted: tuple[str, ...]


Span: TypeAlias = tuple[int, int]
"""From when until when, in microseconds."""

Spans: TypeAlias = Mapping[str, Sequence[Span]]
"""By member, in order."""


def check_accuracy(views: Iterable[View], up: Spans, settle: int) -> Verdict:
    """Decide whether nobody who had been up for so long was believed to be dead.

    Args:
        views: what members believed.
        up: when each member was up, and could be reached.
        settle: how long after the beginning of such a span an old belief is no mistake, in
            microseconds: news that a member is back take a while.
    """
    judged = 0
    for view in views:
        for member, spans in up.items():
            span = _around(spans, view.since - settle, view.until)
            judged += span is not None
            if span is not None and member in view.dead:
                return Verdict(
                    Answer.NO,
                    f"{view.observer} believed at {show_time(view.until)} that {member} was dead, "
                    f"which had been up since {show_time(span[0])}.",
                    steps=judged,
                    anomaly="inaccurate",
                    at=view.until,
                    node=view.observer,
                )
    sentence = f"Accurate: {judged} times somebody was up, and nobody's dead."
    return Verdict(Answer.YES, sentence, steps=judged, rests_on=judged)


def check_completeness(views: Iterable[View], up: Spans, down: Spans, bound: int) -> Verdict:
    """Decide whether everybody who had been down for so long was believed to be dead.

    Args:
        views: what members believed.
        up: when each member was up; who has come up less than ``bound`` ago need not know.
        down: when each member was down.
        bound: how long detection and dissemination may take together, in microseconds.
    """
    judged = 0
    for view in views:
        if _around(up.get(view.observer, ()), view.since - bound, view.until) is None:
            continue
        for member, spans in down.items():
            span = _around(spans, view.since - bound, view.until)
            judged += span is not None
            if span is not None and member not in view.dead:
                return Verdict(
                    Answer.NO,
                    f"{view.observer} believed at {show_time(view.until)} that {member} was not "
                    f"dead, which had been down since {show_time(span[0])}.",
                    steps=judged,
                    anomaly="incomplete",
                    at=view.until,
                    node=view.observer,
                )
    return Verdict(
        Answer.YES,
        f"Complete: {judged} times somebody had been down for {show_time(bound)}, and was dead to "
        "whom was asked."
        if judged
        else f"Nobody was seen to be down for {show_time(bound)}, so there was nothing to notice.",
        steps=judged,
        rests_on=judged,
    )


def detected_after(views: Iterable[View], member: str, failed_at: int) -> int | None:
    """How long it took until anybody suspected a member that failed; None where nobody did."""
    times = [view.until for view in views if view.since >= failed_at and member in view.doubted]
    return min(times) - failed_at if times else None


def known_after(
    views: Iterable[View], member: str, failed_at: int, observers: Iterable[str]
) -> int | None:
    """How long it took until all observers believed that a member was dead; None where one did not.

    Args:
        views: what members believed.
        member: who failed.
        failed_at: when, in microseconds.
        observers: who has to know it.
    """
    first = dict.fromkeys(observers, -1)
    for view in views:
        if view.since >= failed_at and member in view.dead and first.get(view.observer) == -1:
            first[view.observer] = view.until
    return None if -1 in first.values() else max(first.values()) - failed_at


def spans_of(history: History, gap: int) -> tuple[dict[str, list[Span]], dict[str, list[Span]]]:
    """When members that were asked themselves were certainly up, and certainly down.

    A member is up from one answer to the next where these are at most ``gap`` apart. It is down
    from the end of an operation without an answer to the beginning of the last one, if it has
    answered nothing in between.

    Args:
        history: what the members were asked, in the order in which it began.
        gap: the longest time between two answers, in microseconds.
    """
    up: dict[str, list[Span]] = {}
    down: dict[str, list[Span]] = {}
    before: dict[str, Operation] = {}
    for asked in history:
        member = asked.process.partition("/")[0]
        if asked.returned_at is None:
            continue
        previous = before.get(member)
        well = isinstance(asked.outcome, Ok)
        spans = (up if well else down).setdefault(member, [])
        goes_on = previous is not None and isinstance(previous.outcome, Ok) == well
        if goes_on and well and previous is not None:
            goes_on = asked.returned_at - previous.invoked_at <= gap
        if goes_on:
            spans[-1] = (spans[-1][0], max(spans[-1][0], asked.invoked_at))
        else:
            spans.append((asked.returned_at, asked.returned_at))
        before[member] = asked
    return up, down


def _around(spans: Sequence[Span], since: int, until: int) -> Span | None:
    """The span that has both times in it."""
    return next((span for span in spans if span[0] <= since and until <= span[1]), None)
