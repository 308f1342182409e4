"""Which event of a failed run is the first that cannot be right.

It is looked for where the failure says it: an invariant names the step after which it did not
hold, a checker the operations that contradict each other, an error of a handler the event that it
was given. A test that only looked at the end has the last thing that had happened by then.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from traceback import walk_tb
from typing import Any

from common.check.invariants import Watch
from common.check.verdict import Answer, Verdict
from common.course.why.steps import Step, StepLog, describe
from common.sim.engine import Engine
from common.sim.simulation import Simulation
from common.trace.format import Meta, to_line
from common.trace.recorder import Recorder
from common.values.history import Operation
from common.values.units import show_time

Event = dict[str, Any]

AFTER = 40
"""So many events after the one that cannot be right are still shown."""

_NAMED = re.compile(r"'([^']+)' does not hold")

TYPE = "$type"
"""The key under which a trace keeps the class of a value."""

OWN_STEPS = frozenset({"start", "recv", "timer", "step"})
"""The events in which a node itself does something."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A client's operation: who asked, from when to when, in microseconds, and what."""

    client: str
    began: int
    ended: int | None
    text: str

    @classmethod
    def of(cls, operation: Operation) -> "Asked":
        """The same of a history's operation."""
        return cls(operation.process, operation.invoked_at, operation.returned_at, str(operation))


@dataclass(frozen=True, slots=True)
class Wrong:
    """The event that cannot be right.

    Attributes:
        number: of the trace's events, counted from 1, as ``#event=`` takes it; 0 for none.
        at: when, in microseconds.
        node: where, or "".
        what: the event in words.
        property: what does not hold, in the checker's words, or "".
        sentence: how, in the checker's words, or "".
        operations: the clients' operations that contradict each other, or the one that is wrong.
        exact: whether it is this very event; else the test looked at what had come of it by then.
    """

    number: int
    at: int
    node: str
    what: str
    property: str = ""
    sentence: str = ""
    operations: tuple[Asked, ...] = ()
    exact: bool = True


def find_wrong(error: BaseException, events: list[Event], log: StepLog) -> Wrong:
    """Find the event that cannot be right.

    Args:
        error: what ended the test.
        events: the trace of its last simulation, without the header; an event that a handler did
            not survive is added to it.
        log: what nodes did.
    """
    values = list(_values(error))
    verdict = next((v for v in values if isinstance(v, Verdict) and v.answer is Answer.NO), None)
    watches = [v for v in values if isinstance(v, Watch) and v.violations]
    last = log.last[-1] if log.last else None
    if last is not None and last.effects is None:
        return _in_handler(last, events)
    if watches:
        first = min((w.violations[0] for w in watches), key=lambda violation: violation.at)
        number = _last(events, first.at, first.node)
        return _wrong(events, number, first.name, first.sentence)
    if verdict is not None and verdict.window:
        found = _in_history(verdict.window, events)
        return replace(found, property=verdict.anomaly or "", sentence=verdict.sentence)
    named = _named(error, values)
    if named is not None and verdict is None:
        return _in_history([named], events)
    found = replace(
        _wrong(events, _last(events, None, None), _property(error)),
        exact=_while_running(error) or not _has_history(values),
    )
    if verdict is not None:
        return replace(found, property=verdict.anomaly or "", sentence=verdict.sentence)
    return found


def at_cut(found: Wrong, events: list[Event], at: int) -> Wrong:
    """The same, at the step after which the test fails, however soon it looks.

    Args:
        found: where the test noticed it.
        events: the trace of the run that was cut.
        at: the time of the cut.
    """
    number = _last(events, at, None)
    if not number:
        return found
    there = _wrong(events, number, found.property, found.sentence)
    return replace(there, operations=found.operations)


def with_verdict(lines: Sequence[str], events: list[Event], wrong: Wrong) -> list[str]:
    """The trace's lines with the verdict behind the event that cannot be right, and cut after."""
    if not wrong.number:
        return list(lines)
    told: Event = {"t": wrong.at, "node": wrong.node or None, "kind": "verdict"}
    told |= {"property": wrong.property or "the test", "result": "no"}
    told |= {"sentence": wrong.sentence or f"{wrong.what}: this cannot be right"}
    begun = {(each.client, each.began) for each in wrong.operations}
    shown = events[: wrong.number + AFTER]
    asked = [event for event in shown if event["kind"] == "invoke"]
    if calls := [each["call"] for each in asked if (each["client"], each["t"]) in begun]:
        told["calls"] = calls
    shown.insert(wrong.number, told)
    return [lines[0], *(to_line(event) for event in shown)]


def in_words(event: Mapping[str, Any]) -> str:
    """One event of a trace in words, without its node."""
    match event:
        case {"kind": "recv", "type": kind, "frm": sender}:
            return f"takes {kind}{_fields(event.get('body'))} of {sender}"
        case {"kind": "timer", "type": kind}:
            return f"{kind} fires"
        case {"kind": "start"}:
            return "starts"
        case {"kind": "step", "type": kind}:
            return f"is asked for {kind}"
        case {"kind": "invoke", "op": op, "key": key, "value": value}:
            return " ".join(["asks for", op, *filter(None, map(_plain, (key, value)))])
        case {"kind": "return", "op": op, "outcome": outcome, "value": value}:
            return f"has its answer to {op}: {outcome} {_plain(value)}".rstrip()
        case {"kind": "note", "text": text, "fields": fields}:
            return " ".join([text, *(f"{name} {_plain(v)}" for name, v in fields.items())])
        case {"kind": "send", "type": kind, "to": to}:
            return f"sends {kind} to {to}"
    return str(event.get("kind", ""))


def _in_handler(last: Step, events: list[Event]) -> Wrong:
    """The event that a handler did not survive; no world had the time to record it."""
    lines: list[str] = []
    recorder = Recorder(lines.append, Meta(lab="", nodes=()), clocks=False)
    at = events[-1]["t"] if events else last.event.now
    recorder.stepped(at, last.node, last.event, None, last.status)
    events += [json.loads(line) for line in lines[1:]]
    return Wrong(len(events), at, last.node, f"{last.node} took {describe(last.event)}")


def _in_history(window: Sequence[Operation], events: list[Event]) -> Wrong:
    """The last of the contradicting operations to return: until then they could be explained."""
    ended = [each for each in window if each.returned_at is not None]
    last = max(ended, key=lambda each: each.returned_at or 0, default=None)
    number = 0 if last is None else _return_of(last, events)
    found = _wrong(events, number or _last(events, None, None))
    operations = tuple(Asked.of(each) for each in window)
    return replace(found, operations=operations, exact=bool(number))


def _return_of(operation: Operation, events: list[Event]) -> int:
    for number, event in enumerate(events, 1):
        if (
            event["kind"] == "return"
            and event["t"] == operation.returned_at
            and event["client"] == operation.process
        ):
            return number
    return 0


def _last(events: list[Event], at: int | None, node: str | None) -> int:
    """The last step up to a time, of one node if it is about one; counted from 1, 0 for none."""
    for number in range(len(events), 0, -1):
        event = events[number - 1]
        if event["kind"] not in OWN_STEPS or (at is not None and event["t"] > at):
            continue
        if node is None or event["node"] == node:
            return number
    return 0


def _wrong(events: list[Event], number: int, property: str = "", sentence: str = "") -> Wrong:
    if not number:
        return Wrong(0, 0, "", "", property, sentence)
    event = events[number - 1]
    node = event["node"] or ""
    return Wrong(number, event["t"], node, f"{node} {in_words(event)}", property, sentence)


def _named(error: BaseException, values: Sequence[object]) -> Operation | None:
    """The client's operation that the failure's words name, if they do.

    Two operations may have the same words: one that the test itself has at hand comes first.
    """
    innermost = [frame for frame, _ in walk_tb(error.__traceback__)][-1]
    near = [each for value in innermost.f_locals.values() for each in _listed(value)]
    far = [each for value in values if isinstance(value, Simulation) for each in value.history]
    told = str(error)
    operations = [each for each in (*near, *far) if isinstance(each, Operation)]
    return next((each for each in operations if str(each) in told), None)


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else [value]


def _while_running(error: BaseException) -> bool:
    """Whether it came up in the middle of a run: somebody looked after each step."""
    return any(frame.f_code is Engine.run.__code__ for frame, _ in walk_tb(error.__traceback__))


def _property(error: BaseException) -> str:
    """What does not hold, if the failure's words begin with its name."""
    named = _NAMED.match(str(error))
    return named[1] if named else ""


def _has_history(values: Sequence[object]) -> bool:
    """Whether a simulation ran: then the test may have looked long after what went wrong."""
    return any(isinstance(value, Simulation) for value in values)


def _values(error: BaseException) -> Iterator[object]:
    """What the functions knew that the error went through, the innermost first."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        for value in frame.f_locals.values():
            yield value
            if isinstance(monitors := getattr(value, "_monitors", None), list):
                yield from monitors


def with_bodies(events: list[Event]) -> list[Event]:
    """The events, those of an arrival with what the message held."""
    bodies = {event["msg"]: event["body"] for event in events if event["kind"] == "send"}
    return [
        {**event, "body": bodies.get(event["msg"])} if event["kind"] == "recv" else event
        for event in events
    ]


def _fields(body: Mapping[str, Any] | None) -> str:
    """A message's fields, as many as fit."""
    told = [f"{name} {_plain(value)}" for name, value in (body or {}).items()]
    text = ", ".join(told)
    if not text:
        return ""
    return f" ({text if len(text) <= _LONGEST else text[: _LONGEST - 3] + '...'})"


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict) and isinstance(value.get(TYPE), str):
        fields = (_plain(part) for name, part in value.items() if name != TYPE)
        text = f"{value[TYPE].rpartition('.')[2]}({', '.join(fields)})"
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


_LONGEST = 30


def at_time(at: int) -> str:
    """A time of a story, right-justified."""
    return f"{show_time(at):>10}"
