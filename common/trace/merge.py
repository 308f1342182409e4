"""One trace out of those that the processes of a live run wrote, each by itself.

The clocks of processes differ a little, so a message may seem to arrive before it left. The merged
trace keeps every process's own order and puts every send before its receives; where the times
disagree with that, the later event's time is raised to the earlier one's. Then it computes the
vector clocks anew, from the messages alone (:mod:`common.trace.causality`).
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any

from common.trace.causality import stamp
from common.trace.format import Event, Meta, Trace
from common.values.errors import BadInput


def merge(traces: Sequence[Trace]) -> Trace:
    """Join the traces of one run; message numbers must be unique in the whole run.

    Two lives of a node are two traces. Calls, which each process numbers by itself, are numbered
    anew. The inputs' events are not changed.

    Raises:
        BadInput: there is no trace, they are of different runs, or two send the same message.
    """
    if not traces:
        raise BadInput("there is no trace to merge: the run wrote none")
    merged = Trace(_joined_meta([trace.meta for trace in traces]))
    calls: dict[tuple[int, int], int] = {}
    for index, event in _in_order(traces, _sends(traces)):
        if "call" in event:
            event["call"] = calls.setdefault((index, event["call"]), len(calls) + 1)
        merged.events.append(event)
    stamp(merged.events)
    return merged


def _in_order(traces: Sequence[Trace], sends: Mapping[int, Event]) -> Iterator[tuple[int, Event]]:
    """Copies of all events in their joint order, each with the number of its trace."""
    rest = [deque(trace.events) for trace in traces]
    sent_at: dict[int, int] = {}
    waiting: dict[int, list[int]] = {}
    ready = [(events[0]["t"], index) for index, events in enumerate(rest) if events]
    heapify(ready)
    while ready:
        at, index = heappop(ready)
        event = rest[index][0]
        number: Any = event.get("msg")
        if event["kind"] in ("recv", "drop") and number in sends:
            if number not in sent_at:
                waiting.setdefault(number, []).append(index)
                continue
            at = max(at, sent_at[number])
            if ready and ready[0] < (at, index):
                heappush(ready, (at, index))
                continue
        rest[index].popleft()
        yield index, event | {"t": at}
        if rest[index]:
            heappush(ready, (max(at, rest[index][0]["t"]), index))
        if event["kind"] == "send":
            sent_at[number] = at
            for other in waiting.pop(number, []):
                heappush(ready, (max(at, rest[other][0]["t"]), other))
    if waiting:
        raise BadInput(f"message {min(waiting)} is received before what led to its own sending")


def _joined_meta(metas: list[Meta]) -> Meta:
    first = metas[0]
    for other in metas[1:]:
        if other.lab != first.lab:
            raise BadInput(f"these are traces of different runs: {first.lab} and {other.lab}")
    clients = dict.fromkeys(name for meta in metas for name in meta.clients)
    nodes = dict.fromkeys(name for meta in metas for name in meta.nodes if name not in clients)
    started = min((meta.started for meta in metas if meta.started), default=None)
    return Meta(first.lab, tuple(nodes), tuple(clients), first.seed, first.world, started)


def _sends(traces: Sequence[Trace]) -> dict[int, Event]:
    sends: dict[int, Event] = {}
    for trace in traces:
        for event in trace.events:
            if event["kind"] != "send":
                continue
            other = sends.setdefault(event["msg"], event)
            if other is not event:
                raise BadInput(
                    f"{other['node']} and {event['node']} both sent message {event['msg']}: "
                    "these traces are not of one run"
                )
    return sends
