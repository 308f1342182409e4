"""A long trace as a page can hold it: what matters stays, routine goes.

What stays, in this order, as long as there is room:

1. faults, verdicts, notes, and what clients asked and were told;
2. everything near what a verdict blames, at the beginning and at the end;
3. messages and steps that changed a node's state, and what was saved;
4. of the rest, which is heartbeats mostly, as many as fit, from all of the run.

A message stays or goes as a whole: a send without its arrival would look lost. Each event keeps the
number that it has in the file (``n``), also if it is shortened again. A state is never lost with an
event that goes: the next event of that node carries it.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from common.trace.format import to_line
from common.values.faults import KINDS as FAULTS

Event: TypeAlias = dict[str, Any]

TOLD = {*FAULTS, "verdict", "note", "invoke", "return", "start"}
"""The kinds that are never routine."""

NEAR = 10
"""A tenth of those that fit is kept at the beginning, at the end, and on either side of what is
blamed."""


def shorten(events: Sequence[Event], most: int) -> list[Event]:
    """At most ``most`` of the events, those that matter most.

    Args:
        events: in the order of the file. One that has an ``n`` is of a trace that was shortened.
        most: how many.

    Returns:
        Those that stay, in their order, each with its number in the file as ``n``.
    """
    numbered = [{**event, "n": number} for number, event in enumerate(events, 1)]
    near = _near(numbered, most // NEAR)
    groups: dict[object, list[int]] = {}
    ranks: dict[object, int] = {}
    for event in numbered:
        together = _together(event)
        groups.setdefault(together, []).append(event["n"])
        ranks[together] = min(ranks.get(together, 9), _rank(event, near))
    kept: set[int] = set()
    for _, same in groupby(sorted(groups, key=ranks.__getitem__), key=ranks.__getitem__):
        kept |= _that_fit([groups[each] for each in same], most - len(kept))
    return [
        event | {"n": events[event["n"] - 1].get("n", event["n"])}
        for event in _with_states(numbered, kept)
    ]


def shorten_lines(lines: Sequence[str], most: int, characters: int | None = None) -> list[str]:
    """A trace's lines, shortened where they are too many or too long.

    Args:
        lines: the header first, each with its line end or without.
        most: as many events stay.
        characters: and so many characters, line ends not counted; None for any number.

    Returns:
        The lines as they are, without line ends, if they are few enough. Else the header also says
        how many events there are (``events``) and how many of them stay (``shown``).
    """
    header, *texts = [line.rstrip("\n") for line in lines] or [""]
    size = len(header) + sum(map(len, texts))
    if len(texts) <= most and (characters is None or size <= characters):
        return [header, *texts]
    meta: dict[str, Any] = json.loads(header)
    meta = {**meta, "shown": 0, "events": meta.get("events", len(texts))}
    events = [json.loads(text) for text in texts]
    room = (
        min(most, len(events))
        if characters is None
        else min(most, len(events) * characters // size)
    )
    while True:
        kept = shorten(events, room)
        meta["shown"] = len(kept)
        short = [to_line(each).rstrip("\n") for each in (meta, *kept)]
        if not kept or characters is None or (size := sum(map(len, short))) <= characters:
            return short
        room = min(len(kept) - 1, room * characters // size)  # those that stay have longer lines


def _together(event: Event) -> object:
    """What stays or goes together: all events of one message, of one operation."""
    for name in ("msg", "call"):
        if event.get(name) is not None:
            return name, event[name]
    return event["n"]


def _rank(event: Event, near: set[int]) -> int:
    if event["kind"] in TOLD:
        return 1
    if event["n"] in near:
        return 2
    return 3 if "state" in event or event["kind"] == "save" else 4


def _near(events: Sequence[Event], size: int) -> set[int]:
    """The numbers at the beginning, at the end, and around what verdicts blame."""
    last = len(events)
    middles = {1, last}
    for verdict in events:
        if verdict.get("result") != "no":
            continue
        calls, until = set(verdict.get("calls", ())), verdict.get("at", verdict["t"])
        ended = [event["n"] for event in events if event.get("call") in calls] if calls else []
        before = (e["n"] for e in reversed(events) if e["t"] <= until and e is not verdict)
        middles.add(max(ended) if ended else next(before, last))
    return {
        number
        for middle in middles
        for number in range(max(1, middle - size), min(last, middle + size) + 1)
    }


def _that_fit(groups: Sequence[Sequence[int]], room: int) -> set[int]:
    """The numbers of as many groups as there is room for, evenly from all of them."""
    size = sum(map(len, groups))
    share = min(1.0, room / size) if size else 1.0
    kept: set[int] = set()
    due = 0.0
    for group in groups:
        due += share * len(group)
        if len(kept) + len(group) <= min(room, due + 1e-6):
            kept.update(group)
    return kept


def _with_states(events: Sequence[Event], kept: set[int]) -> Iterator[Event]:
    """The kept events; one after others that went has the state that they left."""
    left: dict[str, Any] = {}
    for event in events:
        node = event["node"]
        if event["n"] not in kept:
            if "state" in event:
                left[node] = event["state"]
        elif node in left and event["kind"] != "verdict":
            state = left.pop(node)
            yield {**event, "state": event.get("state", state)}
        else:
            yield event
