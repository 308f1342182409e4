"""Traces for other people's tools: ShiViz, OpenTelemetry (Jaeger), Perfetto.

* ShiViz (Beschastnikh et al. 2020) draws happened-before from vector clocks. Paste the log into
  its input field and :data:`SHIVIZ_EXPRESSION` into "log parsing regular expression".
* OTLP JSON is what Jaeger's *Upload* button and any OpenTelemetry collector
  (``POST /v1/traces``) take. A node is a service; a trace is a client's operation, a timer or a
  start together with all messages that followed from it.
* Perfetto (``ui.perfetto.dev``) and ``chrome://tracing`` read the trace-event JSON.

What followed from what, in OTLP, is judged by order: a send belongs to what its node took last.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from common.trace.format import Event, Trace, to_line

SHIVIZ_EXPRESSION = (
    r'^\{"t":(?<t>\d+),"node":"(?<host>[^"]+)",(?<event>.*),"clock":(?<clock>\{.*\})\}$'
)
"""The expression by which ShiViz finds host, clock and event in a line of :func:`to_shiviz`."""

_Plain = dict[str, Any]


def to_shiviz(trace: Trace) -> str:
    """The events that have a clock, a line each, for ShiViz; states are left out, being long."""
    clocked = (event for event in trace.events if "clock" in event)
    return "".join(
        to_line({name: value for name, value in event.items() if name != "state"})
        for event in clocked
    )


def to_otlp(trace: Trace) -> str:
    """The trace as OTLP JSON, one object: services, spans, attributes.

    A message is a producer span, as long as it was under way, and for each arrival a consumer span
    below it. A lost message's span has the status *error* and says why.
    """
    spans = _Spans(trace)
    for event in trace.events:
        spans.take(event)
    resources = [
        {
            "resource": {"attributes": [_attribute("service.name", node)]},
            "scopeSpans": [{"scope": {"name": f"lab.{trace.meta.lab}"}, "spans": found}],
        }
        for node, found in spans.by_node.items()
    ]
    return json.dumps({"resourceSpans": resources}, ensure_ascii=False) + "\n"


class _Spans:
    """Builds the spans of one trace, event by event."""

    internal, client, producer, consumer = 1, 3, 4, 5

    def __init__(self, trace: Trace) -> None:
        header = to_line(trace.meta.to_plain()).encode()
        self._prefix = hashlib.sha256(header).hexdigest()[:16]
        self._count = 0
        self._last_cause: dict[str, _Plain] = {}
        self._messages: dict[int, _Plain] = {}
        self._calls: dict[int, _Plain] = {}
        self.by_node: dict[str, list[_Plain]] = {
            node: [] for node in (*trace.meta.nodes, *trace.meta.clients)
        }

    def take(self, event: Event) -> None:
        node, kind, at = event["node"], event["kind"], event["t"]
        if kind in ("start", "timer"):
            name = event.get("type", "start")
            self._last_cause[node] = self._open(node, name, self.internal, at, None)
        elif kind == "invoke":
            span = self._open(node, event["op"], self.client, at, None)
            span["attributes"] += [_attribute(name, event[name]) for name in ("client", "key")]
            self._calls[event["call"]] = self._last_cause[node] = span
        elif kind == "send":
            self._messages[event["msg"]] = span = self._open(
                node, event["type"], self.producer, at, self._last_cause.get(node)
            )
            span["attributes"] += [_attribute(name, event[name]) for name in ("msg", "to", "body")]
        elif kind == "recv":
            sent = self._messages.get(event["msg"])
            _end(sent, at)
            self._last_cause[node] = self._open(node, event["type"], self.consumer, at, sent)
        elif kind == "drop":
            sent = self._messages.get(event["msg"])
            _end(sent, at, error=event["why"])
        elif kind == "return":
            outcome = event["outcome"]
            _end(self._calls.get(event["call"]), at, None if outcome == "ok" else outcome)

    def _open(self, node: str, name: str, kind: int, at: int, parent: _Plain | None) -> _Plain:
        self._count += 1
        number = f"{self._count:016x}"
        span: _Plain = {"traceId": parent["traceId"] if parent else self._prefix + number}
        span["spanId"] = number
        if parent:
            span["parentSpanId"] = parent["spanId"]
        span |= {"name": name, "kind": kind, "startTimeUnixNano": str(at * 1000)}
        span |= {"endTimeUnixNano": str(at * 1000), "attributes": []}
        self.by_node.setdefault(node, []).append(span)
        return span


def _end(span: _Plain | None, at: int, error: str | None = None) -> None:
    if span is None:
        return
    span["endTimeUnixNano"] = str(at * 1000)
    if error is not None:
        span["status"] = {"code": 2, "message": error}


def _attribute(name: str, value: object) -> _Plain:
    if isinstance(value, bool):
        return {"key": name, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": name, "value": {"intValue": str(value)}}
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {"key": name, "value": {"stringValue": text}}


def to_perfetto(trace: Trace) -> str:
    """The trace as Chrome trace-event JSON: a track per node, arrows for messages.

    A slice needs a length, so every event is one microsecond long, and events of one node at one
    instant stand side by side.
    """
    return (
        json.dumps(
            {"displayTimeUnit": "ms", "traceEvents": list(_perfetto_events(trace))},
            ensure_ascii=False,
        )
        + "\n"
    )


def _perfetto_events(trace: Trace) -> Iterator[_Plain]:
    tracks = {name: i for i, name in enumerate((*trace.meta.nodes, *trace.meta.clients), 1)}
    for node, tid in tracks.items():
        yield {"ph": "M", "pid": 1, "tid": tid, "name": "thread_name", "args": {"name": node}}
    free = dict.fromkeys(tracks.values(), 0)
    for event in trace.events:
        track = tracks.get(event["node"])
        kind = event["kind"]
        name = _title(event)
        args = {key: event[key] for key in event if key not in ("t", "node", "kind", "clock")}
        if track is None:
            where = {"pid": 1, "tid": 0, "ts": event["t"]}
            yield {"ph": "i", "s": "g", **where, "name": name, "args": args}
            continue
        at = max(event["t"], free[track])
        free[track] = at + 1
        place = {"pid": 1, "tid": track, "ts": at}
        yield {"ph": "X", **place, "dur": 1, "cat": kind, "name": name, "args": args}
        if kind == "send":
            yield {"ph": "s", "id": event["msg"], "cat": "message", "name": event["type"], **place}
        elif kind == "recv" and event["msg"] is not None:
            flow = {"id": event["msg"], "cat": "message", "name": event["type"]}
            yield {"ph": "f", "bp": "e", **flow, **place}
        elif kind in ("invoke", "return"):
            operation = {"id": event["call"], "cat": "call", "name": event["op"]}
            yield {"ph": "b" if kind == "invoke" else "e", **operation, **place}


def _title(event: Event) -> str:
    for name in ("type", "text", "op", "why", "property"):
        if name in event:
            return f"{event['kind']} {event[name]}"
    return str(event["kind"])
