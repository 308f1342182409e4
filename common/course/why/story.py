"""A failed run as a story of at most ten lines: what happened to the world, what came of it."""

from collections.abc import Sequence
from typing import Any

from common.course.why.event import OWN_STEPS, Wrong, at_time, in_words
from common.values.units import show_time

Event = dict[str, Any]

LINES = 10
SEEN = OWN_STEPS - {"step"}
"""What a node does; a client's operation is told by its beginning and its end."""

FAULTS = frozenset(
    {"crash", "restart", "pause", "resume", "partition", "block", "heal", "link", "clock", "disk",
     "corrupt", "twin"}
)  # fmt: skip
MOST_FAULTS = 5
MOST_NOTES = 3


def story(events: Sequence[Event], wrong: Wrong) -> list[str]:
    """The lines of the story; the last one is the event that cannot be right.

    Args:
        events: the trace's events.
        wrong: where it went wrong.
    """
    until = [(number, event) for number, event in enumerate(events[: wrong.number], 1)]
    faults = [number for number, event in until if event["kind"] in FAULTS]
    notes = [number for number, event in until if event["kind"] == "note"]
    asked = _operations(until, wrong)
    chosen = {wrong.number, *faults[-MOST_FAULTS:], *asked[-4:], *notes[-MOST_NOTES:]}
    chosen = set(sorted(chosen)[-LINES:]) - {0}
    told = {subject(events[number - 1]) for number in chosen}
    near = [n for n, event in until if event["node"] == wrong.node and event["kind"] in SEEN]
    for number in reversed(near):
        if len(chosen) >= LINES:
            break
        if (line := subject(events[number - 1])) not in told:
            told.add(line)
            chosen.add(number)
    lines = [_line(events[number - 1], number == wrong.number) for number in sorted(chosen)]
    left_out = len(faults) - MOST_FAULTS
    if left_out > 0 and len(lines) >= LINES:
        lines = lines[1:]
    if left_out > 0:
        lines.insert(0, f"{'':>10}  ({left_out} more faults are in the picture)")
    return lines


def _operations(until: list[tuple[int, Event]], wrong: Wrong) -> list[int]:
    """The beginnings and ends of operations that the verdict names, by client and kind."""
    return [
        number
        for number, event in until
        if event["kind"] in ("invoke", "return")
        and any(
            each.client == event["client"] and event["t"] in (each.began, each.ended)
            for each in wrong.operations
        )
    ]  # fmt: skip


def _line(event: Event, is_wrong: bool) -> str:
    mark = "✗" if is_wrong else " "
    return f"{at_time(event['t'])} {mark} {subject(event)}"


def subject(event: Event) -> str:
    """What happens in an event of a trace, in words."""
    node = event["node"] or ""
    match event:
        case {"kind": "partition", "groups": groups}:
            sides = " | ".join(", ".join(group) for group in groups)
            return f"the network is cut: {sides}"
        case {"kind": "heal"}:
            return "the network is whole again"
        case {"kind": "block", "source": source, "target": target}:
            return f"messages from {source} to {target} are lost"
        case {"kind": "link"}:
            return _link(event)
        case {"kind": "crash"}:
            return f"{node} crashes"
        case {"kind": "restart"}:
            return f"{node} comes back with what it saved"
        case {"kind": "pause"}:
            return f"{node} stands still"
        case {"kind": "resume"}:
            return f"{node} goes on"
        case {"kind": "clock"}:
            return f"the clock of {node} is {event.get('skew', 0)} µs ahead"
        case {"kind": "disk", "latency": latency}:
            return f"the disk of {node} takes {latency} µs for a write"
        case {"kind": "corrupt", "behaviour": "honest"}:
            return f"{node} is honest again"
        case {"kind": "corrupt", "behaviour": behaviour}:
            heard = ", ".join(event.get("to", ())) or "everyone"
            return f"{node} begins to lie to {heard}: {behaviour}"
        case {"kind": "twin", "halves": halves}:
            sides = " | ".join(", ".join(half) for half in halves)
            return f"{node} runs twice; its halves see {sides}"
    return f"{node} {in_words(event)}"


def _link(event: Event) -> str:
    parts = [
        f"{name} {event[name]:.0%}" for name in ("loss", "duplicate", "reorder") if event.get(name)
    ]
    latency = event.get("latency")
    if latency and latency[1]:
        parts.insert(0, f"{show_time(latency[0])} to {show_time(latency[1])} late")
    source, target = (event.get(end, "*") for end in ("source", "target"))
    ends = ("all" if end == "*" else end for end in (source, target))
    which = "all links" if source == target == "*" else "links from {} to {}".format(*ends)
    return f"{which}: {', '.join(parts) or 'good again'}"
