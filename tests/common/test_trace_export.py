"""The exports, each checked against the rules of the tool that reads it."""

import json
import re
from typing import Any

import pytest

from common.trace.causality import stamp
from common.trace.export import SHIVIZ_EXPRESSION, to_otlp, to_perfetto, to_shiviz
from common.trace.format import Event, Meta, Trace


@pytest.fixture
def trace() -> Trace:
    """A client's write: a request, its duplicate, an answer, a lost message, a crash, a heal."""
    call = {"call": 1, "client": "c1", "op": "write"}
    body = {"text": 'a "quoted", {braced} text'}
    events: list[Event] = [
        {"t": 0, "node": "n1", "kind": "start"},
        {"t": 0, "node": "c1", "kind": "invoke", **call, "key": "x", "value": 3},
        {"t": 0, "node": "c1", "kind": "send", "msg": 1, "to": "n1", "type": "Put", "body": body},
        {"t": 5, "node": "n1", "kind": "recv", "msg": 1, "frm": "c1", "type": "Put", "state": {}},
        {"t": 5, "node": "n1", "kind": "send", "msg": 2, "to": "c1", "type": "Done", "body": {}},
        {"t": 5, "node": "n1", "kind": "send", "msg": 3, "to": "n2", "type": "Copy", "body": {}},
        {"t": 5, "node": "n1", "kind": "drop", "msg": 3, "to": "n2", "why": "loss"},
        {"t": 6, "node": "n1", "kind": "recv", "msg": 1, "frm": "c1", "type": "Put"},
        {"t": 9, "node": "c1", "kind": "recv", "msg": 2, "frm": "n1", "type": "Done"},
        {"t": 9, "node": "c1", "kind": "return", **call, "outcome": "ok", "value": None},
        {"t": 10, "node": "n1", "kind": "crash"},
        {"t": 11, "node": None, "kind": "heal"},
    ]  # fmt: skip
    stamp(events)
    return Trace(Meta("kv", ("n1", "n2"), ("c1",), 7), events)


class TestShiViz:
    def events(self, trace: Trace) -> list[tuple[str, dict[str, int]]]:
        expression = re.compile(SHIVIZ_EXPRESSION.replace("(?<", "(?P<"), re.MULTILINE)
        found = list(expression.finditer(to_shiviz(trace)))
        return [(match["host"], json.loads(match["clock"])) for match in found]

    def test_every_event_with_a_clock_is_found_and_no_other(self, trace: Trace) -> None:
        assert [host for host, _ in self.events(trace)] == [
            event["node"] for event in trace.events if event["node"]
        ]

    def test_a_hosts_own_entry_starts_at_one_and_rises_by_one(self, trace: Trace) -> None:
        own: dict[str, list[int]] = {}
        for host, clock in self.events(trace):
            own.setdefault(host, []).append(clock[host])
        assert all(counts == list(range(1, len(counts) + 1)) for counts in own.values())

    def test_a_clock_names_only_events_that_are_there(self, trace: Trace) -> None:
        events = self.events(trace)
        for _, clock in events:
            for other, count in clock.items():
                assert any(host == other and own[host] == count for host, own in events)

    def test_states_are_left_out(self, trace: Trace) -> None:
        assert "state" not in to_shiviz(trace)


class TestOtlp:
    @pytest.fixture
    def spans(self, trace: Trace) -> dict[str, list[dict[str, Any]]]:
        services = {}
        for resource in json.loads(to_otlp(trace))["resourceSpans"]:
            (name,) = resource["resource"]["attributes"]
            assert name["key"] == "service.name"
            (scope,) = resource["scopeSpans"]
            services[name["value"]["stringValue"]] = scope["spans"]
        return services

    def test_a_node_is_a_service(self, spans: dict[str, list[dict[str, Any]]]) -> None:
        assert list(spans) == ["n1", "n2", "c1"]

    def test_ids_are_hexadecimal_unique_and_times_are_text(
        self, spans: dict[str, list[dict[str, Any]]]
    ) -> None:
        every = [span for found in spans.values() for span in found]
        assert len({span["spanId"] for span in every}) == len(every)
        for span in every:
            assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
            assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
            assert int(span["spanId"], 16) != 0
            assert re.fullmatch(r"\d+", span["startTimeUnixNano"])
            assert int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"])
            for attribute in span["attributes"]:
                (text,) = attribute["value"].values()
                assert isinstance(text, str)

    def test_one_request_is_one_trace(self, spans: dict[str, list[dict[str, Any]]]) -> None:
        call = spans["c1"][0]
        assert (call["name"], call["kind"], call["endTimeUnixNano"]) == ("write", 3, "9000")
        assert "parentSpanId" not in call
        every = {span["spanId"]: span for found in spans.values() for span in found}
        named = {span["name"]: span for span in every.values() if span["kind"] == 4}
        assert {span["traceId"] for span in named.values()} == {call["traceId"]}
        put = every[named["Done"]["parentSpanId"]]
        assert (put["name"], put["kind"]) == ("Put", 5)
        assert every[put["parentSpanId"]]["parentSpanId"] == call["spanId"]

    def test_a_lost_message_is_an_error_that_says_why(
        self, spans: dict[str, list[dict[str, Any]]]
    ) -> None:
        (copy,) = (span for span in spans["n1"] if span["name"] == "Copy")
        assert copy["status"] == {"code": 2, "message": "loss"}

    def test_the_export_of_one_trace_is_always_the_same(self, trace: Trace) -> None:
        assert to_otlp(trace) == to_otlp(trace)


class TestPerfetto:
    @pytest.fixture
    def events(self, trace: Trace) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(to_perfetto(trace))["traceEvents"]
        return found

    def test_every_node_has_a_named_track(self, events: list[dict[str, Any]]) -> None:
        named = {event["args"]["name"]: event["tid"] for event in events if event["ph"] == "M"}
        assert named == {"n1": 1, "n2": 2, "c1": 3}

    def test_slices_of_one_track_never_overlap(self, events: list[dict[str, Any]]) -> None:
        free: dict[int, int] = {}
        for event in (event for event in events if event["ph"] == "X"):
            assert event["dur"] >= 1
            assert event["ts"] >= free.get(event["tid"], 0)
            free[event["tid"]] = event["ts"] + event["dur"]

    def test_every_arrow_begins_and_ends_on_a_slice(self, events: list[dict[str, Any]]) -> None:
        slices = {(event["tid"], event["ts"]) for event in events if event["ph"] == "X"}
        arrows = [event for event in events if event["ph"] in "sf"]
        assert {(event["tid"], event["ts"]) for event in arrows} <= slices
        begun = {event["id"] for event in arrows if event["ph"] == "s"}
        assert {event["id"] for event in arrows if event["ph"] == "f"} == {1, 2} < begun

    def test_what_happens_to_the_world_is_seen_on_every_track(
        self, events: list[dict[str, Any]]
    ) -> None:
        (heal,) = (event for event in events if event["ph"] == "i")
        assert (heal["s"], heal["name"], heal["ts"]) == ("g", "heal", 11)
