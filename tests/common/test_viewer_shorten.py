"""A long trace in a page: what has to stay, and that nothing that stays becomes wrong by it."""

import json
from collections import Counter
from typing import Any

from common.trace.viewer.page import MAX_EVENTS, build_page
from common.trace.viewer.shorten import shorten

Event = dict[str, Any]


def beats(count: int) -> list[Event]:
    """Heartbeats from n1 to n2, a thousand microseconds apart; every tenth changes n2's state."""
    events: list[Event] = []
    for number in range(count):
        at = 1_000 * number
        sent = {"t": at, "node": "n1", "kind": "send", "msg": number, "to": "n2", "type": "Beat"}
        got = {"t": at + 500, "node": "n2", "kind": "recv", "msg": number, "frm": "n1"}
        if number % 10 == 0:
            got["state"] = {"beats": number}
        events += [sent, got]
    return events


def verdict(when: int, **blames: Any) -> Event:
    said = {"kind": "verdict", "property": "p", "result": "no", "sentence": "it is wrong"}
    return {"t": when, "node": None, **said, **blames}


def test_faults_operations_and_verdicts_stay_and_heartbeats_go() -> None:
    events = beats(5_000)
    events.insert(3_000, {"t": 1_500_000, "node": "n1", "kind": "crash"})
    asked = {"t": 2_000_000, "node": "n2", "kind": "invoke", "call": 1}
    events.insert(4_000, asked)
    events.append(verdict(9_000_000))
    kept = shorten(events, 1_000)
    kinds = Counter(event["kind"] for event in kept)
    assert len(kept) <= 1_000
    assert len(kept) > 900, "the page is filled"
    assert kinds["crash"] == kinds["invoke"] == kinds["verdict"] == 1


def test_what_is_near_the_blamed_event_stays_whole() -> None:
    events = [*beats(5_000), verdict(9_000_000, at=2_500_200)]
    numbers = [event["n"] for event in shorten(events, 1_000)]
    assert set(range(4_950, 5_050)) <= set(numbers), "around the event blamed"
    assert set(range(1, 50)) <= set(numbers), "the beginning"
    assert set(range(9_950, 10_002)) <= set(numbers), "the end"


def test_what_is_near_the_blamed_operations_stays_whole() -> None:
    events = beats(5_000)
    for place, kind in ((5_000, "invoke"), (5_020, "return")):
        events.insert(place, {"t": events[place]["t"], "node": "n2", "kind": kind, "call": 7})
    numbers = [event["n"] for event in shorten([*events, verdict(1, calls=[7])], 1_000)]
    assert set(range(4_960, 5_060)) <= set(numbers)


def test_a_message_stays_or_goes_as_a_whole() -> None:
    kept = shorten(beats(5_000), 1_000)
    counted = Counter(event["msg"] for event in kept)
    assert set(counted.values()) == {2}, "a send without its arrival would look lost"


def test_a_state_is_not_lost_with_the_event_that_goes() -> None:
    events = [dict(event, state={"beats": number}) for number, event in enumerate(beats(5_000))]
    kept = shorten(events, 1_000)
    for event in kept[-200:]:
        assert event["state"] == {"beats": event["n"] - 1}
    middle = shorten([*beats(5_000), verdict(9_000_000)], 500)
    last = {event["n"]: event["state"]["beats"] for event in middle if "state" in event}
    assert all(beats == (n - 1) // 20 * 10 for n, beats in last.items() if n > 9_900)


def test_a_short_trace_stays_as_it_is_but_for_the_numbers() -> None:
    events = beats(10)
    assert shorten(events, 1_000) == [
        {**event, "n": number} for number, event in enumerate(events, 1)
    ]


def test_a_page_says_how_much_of_a_run_it_shows() -> None:
    meta = {"kind": "meta", "schema": 1, "lab": "x", "nodes": ["n1", "n2"], "clients": []}
    lines = [json.dumps(line) for line in (meta, *beats(MAX_EVENTS))]
    page = build_page(lines, "x")
    header = next(line for line in page.split("\n") if '"kind":"meta"' in line)
    shown = json.loads(header)
    assert shown["events"] == 2 * MAX_EVENTS
    assert 0.95 * MAX_EVENTS < shown["shown"] <= MAX_EVENTS
    assert page.count('"kind":"send"') + page.count('"kind":"recv"') == shown["shown"]
