"""One trace out of those that the processes of a live run wrote, each by itself.

The clocks of processes differ a little, so a message may seem to arrive before it left. The merged
trace keeps every process's own order and puts every send before its receives; where the times
disagree with that, the later event's time is raised to the earlier one's. Then it computes the
vector clocks anew, from the messages alone (:mod:`common.trace.causality`).
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Any

from common.trace.causality import stamp
from common.trace.format import Event, Meta, Trace
from common.values.errors import BadInput


def merge(traces: Sequence[Trace]) -> Trace:
    """Join the traces of one run; message and call numbers must be unique in the whole run.

    Two lives of a node are two traces. The inputs' events are not changed.

    Raises:
        BadInput: there is no trace, they are of different runs, or two send the same message.
    """
    if not traces:
        raise BadInput("there is no trace to merge: the run wrote none")
    merged = Trace(_joined_meta([trace.meta for trace in traces]))
    sends = _sends(traces)
    position = [0] * len(traces)
    sent_at: dict[int, int] = {}
    waiting: dict[int, list[int]] = {}
    ready = [(trace.events[0]["t"], index) for index, trace in enumerate(traces) if trace.events]
    heapify(ready)
    while ready:
        at, index = heappop(ready)
        events = traces[index].events
        event = events[position[index]]
        number: Any = event.get("msg")
        needs_send = event["kind"] in ("recv", "drop") and number in sends
        if needs_send and number not in sent_at:
            waiting.setdefault(number, []).append(index)
            continue
        if needs_send and sent_at[number] > at:
            heappush(ready, (sent_at[number], index))
            continue
        merged.events.append(event | {"t": at})
        position[index] += 1
        if position[index] < len(events):
            heappush(ready, (max(at, events[position[index]]["t"]), index))
        if event["kind"] == "send":
            sent_at[event["msg"]] = at
            for other in waiting.pop(event["msg"], []):
                heappush(ready, (max(at, traces[other].events[position[other]]["t"]), other))
    if waiting:
        raise BadInput(f"message {min(waiting)} is received before what led to its own sending")
    stamp(merged.events)
    return merged


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
